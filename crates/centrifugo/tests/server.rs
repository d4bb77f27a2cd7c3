//! The client and the configuration against a real Centrifugo.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::{process::Command, time::Duration};

use plaza_centrifugo::{
    CallError, Channel, Client, Command as ApiCommand, Outcome, config::Settings,
};
use plaza_local::{Binaries, Program};
use plaza_testkit::{TestCentrifugo, TestCentrifugoOptions, centrifugo};
use plaza_types::UserId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::value::{RawValue, to_raw_value};

fn settings() -> Settings {
    Settings {
        address: "0.0.0.0".into(),
        port: 8000,
        internal_address: "127.0.0.1".into(),
        internal_port: 9000,
        allowed_origins: vec!["https://chat.example.org".into()],
        jwks_endpoint: "http://auth:8081/jwks".into(),
        redis_urls: vec!["redis://:secret@redis:6379/1".into()],
        redis_prefix: "centrifugo".into(),
        api_key: "the key".into(),
        subscribe_proxy: "http://rooms:8082/internal/centrifugo/subscribe".into(),
        proxy_secret: "the proxy's secret".into(),
        log_level: "info".into(),
    }
}

fn client(server: &TestCentrifugo, key: &str) -> Client {
    plaza_kit::install_crypto();
    Client::new(&server.api_url, &key.into(), Duration::from_secs(2)).unwrap()
}

fn data() -> Box<RawValue> {
    to_raw_value(&serde_json::json!({ "v": 1, "events": [] })).unwrap()
}

fn offset(outcome: &Outcome) -> u64 {
    match outcome {
        Outcome::Accepted(Some(position)) => position.offset,
        other => panic!("{other:?}"),
    }
}

#[test]
fn centrifugo_finds_nothing_wrong_with_the_configuration() {
    let file = std::env::temp_dir().join(format!("plaza-centrifugo-{}.json", UserId::new()));
    let text: SecretString = settings().to_json().unwrap();
    std::fs::write(&file, text.expose_secret()).unwrap();
    let program = Binaries::find().program(Program::Centrifugo).unwrap();
    let checked = Command::new(program)
        .args(["checkconfig", "--strict", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn secrets_are_in_the_file_alone() {
    let text = settings().to_json().unwrap();
    assert!(text.expose_secret().contains("the key"));
    for shown in [format!("{:?}", settings()), format!("{text:?}")] {
        assert!(
            !shown.contains("the key") && !shown.contains("secret@"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn every_channel_has_an_outcome() {
    let server = centrifugo(TestCentrifugoOptions::default()).await;
    let client = client(&server, &server.api_key);
    let [ada, bob] = [(); 2].map(|()| Channel::Personal(UserId::new()));
    let data = data();
    let first = client.publish(ada, &data).await.unwrap();
    assert_eq!(offset(&first), 1);
    let both = client.broadcast(&[ada, bob], &data).await.unwrap();
    assert_eq!([offset(&both[0]), offset(&both[1])], [2, 1]);
    let pulse = client.publish(Channel::Pulse, &data).await.unwrap();
    assert_eq!(pulse, Outcome::Accepted(None), "no history, no position");

    let channels = [ada, bob];
    let commands = [
        ApiCommand::Broadcast {
            channels: &channels,
            data: &data,
        },
        ApiCommand::Publish {
            channel: Channel::Pulse,
            data: &data,
        },
    ];
    let outcomes = client.batch(&commands).await.unwrap();
    assert_eq!(outcomes.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(offset(&outcomes[0][0]), 3);
    assert!(client.batch(&[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn without_redis_the_outcome_is_to_try_again() {
    let mut redis = plaza_testkit::own_redis().await;
    let server = centrifugo(TestCentrifugoOptions {
        redis_urls: vec![redis.url.clone()],
        ..TestCentrifugoOptions::default()
    })
    .await;
    let client = client(&server, &server.api_key);
    let ada = Channel::Personal(UserId::new());
    redis.stop().await;
    match client.publish(ada, &data()).await {
        Ok(Outcome::Retry { code: 100 }) | Err(CallError::Transport(_)) => {}
        other => panic!("{other:?}"),
    }
    redis.start().await;
    plaza_testkit::eventually(Duration::from_secs(20), async || {
        matches!(
            client.publish(ada, &data()).await,
            Ok(Outcome::Accepted(Some(_)))
        )
    })
    .await;
}

#[tokio::test]
async fn a_wrong_key_or_a_dead_server_is_an_error() {
    let mut server = centrifugo(TestCentrifugoOptions::default()).await;
    let stranger = client(&server, "another");
    let refused = stranger.publish(Channel::Pulse, &data()).await;
    assert!(matches!(refused, Err(CallError::Status(401))));
    let client = client(&server, &server.api_key);
    server.kill().await;
    let dead = client.publish(Channel::Pulse, &data()).await;
    assert!(matches!(dead, Err(CallError::Transport(_))), "{dead:?}");
    let shown = format!("{client:?}");
    assert!(!shown.contains(&server.api_key), "{shown}");
}
