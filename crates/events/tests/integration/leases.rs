//! Leases of partitions, and dead letters.

use std::time::Duration;

use plaza_events::{
    Partition, Source,
    stream::{
        DeadLetter, Lease, LeaseTimes, Member, Reader, StreamError, count_dead_letters,
        dead_letters, is_attended, replay,
    },
};
use plaza_kit::redis::Redis;
use plaza_testkit::{eventually, redis};
use redis::AsyncCommands;

use crate::common::{connect, lease, shared};

const SOON: Duration = Duration::from_secs(20);
const KEY: &str = "plaza:{p0}:lease";

async fn is_free(url: &str) -> bool {
    let times = LeaseTimes::default();
    let lease = Lease::take(&mut shared(url), Partition::PULSE, times).await;
    lease.unwrap().is_some()
}

fn reader(url: &str) -> Reader {
    let redis = Redis::parse(url).unwrap();
    Reader::new(redis, Partition::PULSE, Duration::from_secs(1), 10)
}

#[tokio::test]
async fn a_lease_has_one_owner_and_is_free_when_it_is_released() {
    let redis = redis().await;
    let first = lease(&redis.url).await;
    assert!(first.is_held());
    assert!(!is_free(&redis.url).await);
    first.release(&mut shared(&redis.url)).await.unwrap();
    assert!(!first.is_held());
    let second = lease(&redis.url).await;
    first.release(&mut shared(&redis.url)).await.unwrap();
    assert!(!is_free(&redis.url).await, "another's lease was released");
    assert!(second.is_held());
}

#[tokio::test]
async fn a_lease_that_is_kept_outlives_its_length_and_one_that_is_not_ends() {
    let redis = redis().await;
    let (url, first) = (redis.url.clone(), lease(&redis.url).await);
    let kept = first.clone();
    first.moved();
    let keeper = tokio::spawn(async move { kept.keep(&mut shared(&url)).await });
    let mut connection = shared(&redis.url);
    eventually(SOON, async || {
        is_attended(&mut connection, Partition::PULSE)
            .await
            .unwrap()
    })
    .await;
    let other = Partition::try_from(1).unwrap();
    assert!(!is_attended(&mut connection, other).await.unwrap());
    let began = tokio::time::Instant::now();
    eventually(SOON, async || {
        assert!(first.is_held());
        began.elapsed() > LeaseTimes::default().length
    })
    .await;
    assert!(!is_free(&redis.url).await);
    keeper.abort();
    eventually(SOON, async || is_free(&redis.url).await).await;
    assert!(!first.is_held(), "it is over by its own clock");
}

#[tokio::test]
async fn an_owner_learns_that_its_lease_is_gone() {
    let redis = redis().await;
    let first = lease(&redis.url).await;
    let mut connection = connect(&redis.url).await;
    let _: u64 = connection.del(KEY).await.unwrap();
    tokio::time::timeout(SOON, first.keep(&mut shared(&redis.url)))
        .await
        .unwrap();
    assert!(!first.is_held());
}

#[tokio::test]
async fn guarantee_4_only_the_present_lease_moves_the_cursor() {
    let redis = redis().await;
    let mut connection = connect(&redis.url).await;
    let stream = Source::Messages.stream_key(Partition::PULSE);
    let fields = [("key", "m1"), ("event", "{}"), ("at", "1")];
    let _: String = connection.xadd(&stream, "*", &fields).await.unwrap();

    let paused = lease(&redis.url).await;
    let mut reader = reader(&redis.url);
    let read = reader.read(Duration::from_millis(1)).await.unwrap();
    let _: u64 = connection.del(KEY).await.unwrap();
    let present = lease(&redis.url).await;
    let refused = reader.advance(&paused, &read.ends).await;
    assert!(matches!(refused, Err(StreamError::NotOwner)), "{refused:?}");
    let left: u64 = connection.xlen(&stream).await.unwrap();
    assert_eq!(left, 1, "the stream was trimmed");
    assert!(
        !connection
            .exists::<_, bool>("plaza:{p0}:cursor")
            .await
            .unwrap()
    );

    reader.read(Duration::from_millis(1)).await.unwrap();
    reader.advance(&present, &read.ends).await.unwrap();
    let left: u64 = connection.xlen(&stream).await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn publishers_that_run_side_by_side_have_a_share_each() {
    let redis = redis().await;
    let mut connection = shared(&redis.url);
    let [one, other, third] = [(); 3].map(|()| Member::new(LeaseTimes::default()));
    assert_eq!(one.announce(&mut connection).await.unwrap(), 16);
    assert_eq!(other.announce(&mut connection).await.unwrap(), 8);
    assert_eq!(third.announce(&mut connection).await.unwrap(), 6);
    third.leave(&mut connection).await.unwrap();
    assert_eq!(one.announce(&mut connection).await.unwrap(), 8);
    // The other one died without a word.
    eventually(SOON, async || {
        one.announce(&mut connection).await.unwrap() == 16
    })
    .await;
}

#[tokio::test]
async fn dead_letters_are_kept_listed_and_replayed() {
    let redis = redis().await;
    let mut connection = shared(&redis.url);
    let mut reader = reader(&redis.url);
    reader.read(Duration::from_millis(1)).await.unwrap();
    let letter = |key: &str| DeadLetter {
        source: Source::Messages,
        partition: Partition::PULSE,
        entry: "7-1".to_owned(),
        reason: "refused".to_owned(),
        fields: [("at", "1"), ("event", "{}"), ("key", key)]
            .map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()))
            .to_vec(),
    };
    reader.bury(&[letter("m1"), letter("m2")]).await.unwrap();
    let listed = dead_letters(&mut connection, None, 10).await.unwrap();
    let letters: Vec<_> = listed.iter().map(|buried| buried.letter.clone()).collect();
    assert_eq!(letters, [letter("m1"), letter("m2")]);
    let behind = dead_letters(&mut connection, Some(&listed[0].id), 10).await;
    assert_eq!(behind.unwrap(), listed[1..]);

    replay(&mut connection, &listed[0]).await.unwrap();
    assert_eq!(count_dead_letters(&mut connection).await.unwrap(), 1);
    let read = reader.read(Duration::from_millis(100)).await.unwrap();
    assert_eq!(read.entries[0].key, "m1");
}
