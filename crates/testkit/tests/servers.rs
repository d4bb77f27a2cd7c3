//! What the test helpers promise.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use http::Method;
use plaza_kit::http_client::Peer;
use plaza_testkit::{
    TestCentrifugoOptions, centrifugo, database, empty_database, eventually, own_redis, redis,
};
use sqlx::migrate::Migrator;

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

#[tokio::test]
async fn each_test_has_a_migrated_database_of_its_own() {
    let (one, other) = tokio::join!(database(&MIGRATOR), database(&MIGRATOR));
    sqlx::query("INSERT INTO note VALUES ('mine')")
        .execute(&one.pool)
        .await
        .unwrap();
    let count = |pool| sqlx::query_scalar::<_, i64>("SELECT count(*) FROM note").fetch_one(pool);
    assert_eq!(count(&one.pool).await.unwrap(), 1);
    assert_eq!(count(&other.pool).await.unwrap(), 0);
}

#[tokio::test]
async fn an_empty_database_has_no_tables() {
    let empty = empty_database().await;
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
            .fetch_one(&empty.pool)
            .await
            .unwrap();
    assert_eq!(tables, 0);
}

#[tokio::test]
async fn each_test_has_a_redis_database_of_its_own() {
    let (one, other) = (redis().await, redis().await);
    let mut mine = connect(&one.url).await;
    let mut theirs = connect(&other.url).await;
    set(&mut mine, "key").await;
    assert!(exists(&mut mine, "key").await);
    assert!(!exists(&mut theirs, "key").await);
}

#[tokio::test]
async fn a_redis_of_its_own_comes_back_with_its_data() {
    let mut own = own_redis().await;
    set(&mut connect(&own.url).await, "key").await;
    own.stop().await;
    let client = redis::Client::open(own.url.as_str()).unwrap();
    assert!(client.get_multiplexed_async_connection().await.is_err());
    own.start().await;
    assert!(exists(&mut connect(&own.url).await, "key").await);
    own.kill().await;
    own.start().await;
    eventually(Duration::from_secs(5), async || {
        client.get_multiplexed_async_connection().await.is_ok()
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_cannot_read_its_file_begins_empty_and_the_file_is_kept() {
    let mut own = own_redis().await;
    set(&mut connect(&own.url).await, "key").await;
    own.kill().await;
    let appended = own.folder().join("appendonlydir");
    let file = appended.join("appendonly.aof.1.incr.aof");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.splice(0..0, *b"cut in the middle\r\n");
    std::fs::write(&file, &bytes).unwrap();
    own.start().await;
    assert!(!exists(&mut connect(&own.url).await, "key").await);
    set(&mut connect(&own.url).await, "other").await;
    let kept = own.folder().join("appendonlydir.refused");
    let kept = kept.join("appendonly.aof.1.incr.aof");
    assert_eq!(std::fs::read(kept).unwrap(), bytes);

    own.stop().await;
    own.start().await;
    assert!(exists(&mut connect(&own.url).await, "other").await);
}

async fn connect(url: &str) -> redis::aio::MultiplexedConnection {
    redis::Client::open(url)
        .unwrap()
        .get_multiplexed_async_connection()
        .await
        .unwrap()
}

async fn set(connection: &mut redis::aio::MultiplexedConnection, key: &str) {
    redis::cmd("SET")
        .arg(key)
        .arg("value")
        .query_async::<()>(connection)
        .await
        .unwrap();
}

async fn exists(connection: &mut redis::aio::MultiplexedConnection, key: &str) -> bool {
    redis::cmd("EXISTS")
        .arg(key)
        .query_async(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_centrifugo_comes_back_at_the_same_address_and_takes_its_key_alone() {
    let mut server = centrifugo(TestCentrifugoOptions::default()).await;
    plaza_kit::install_crypto();
    let peer = Peer::new(&server.api_url, Duration::from_secs(5)).unwrap();
    let status = async |key: &str| {
        peer.request(Method::POST, "/api/info")
            .header("X-API-Key", key)
            .body("{}")
            .send()
            .await
            .ok()
            .map(|response| response.status().as_u16())
    };
    assert_eq!(status(&server.api_key).await, Some(200));
    assert_eq!(status("another").await, Some(401));
    let address = server.api_url.clone();
    server.kill().await;
    assert_eq!(status(&server.api_key).await, None);
    server.start().await;
    assert_eq!(server.api_url, address);
    assert_eq!(status(&server.api_key).await, Some(200));
}
