//! Whole runs against a stand-in for Plaza that makes a fault: what may happen
//! on the wire is made good, and what may not is reported.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

mod stand_in;

use std::path::Path;

use chrono::{Duration, Utc};
use clap::Parser;
use plaza_loadtest::{LoadtestArgs, Local};
use serde_json::{Value, json};
use uuid::Uuid;

use stand_in::{Fault, StandIn};

const MEMBERS: u64 = 5;
const MESSAGES: u64 = 50;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: LoadtestArgs,
}

/// As `seed` writes it.
fn write_users(path: &Path, url: &str, room: Uuid) {
    let expires_at = Utc::now() + Duration::hours(1);
    let mut text = json!({
        "plazaLoadtest": 1, "url": url, "roomId": room, "expiresAt": expires_at, "password": "",
    })
    .to_string();
    for number in 0..MEMBERS {
        text.push('\n');
        let user = json!({ "id": Uuid::now_v7(), "username": format!("vu{number}"), "token": "t" });
        text.push_str(&user.to_string());
    }
    std::fs::write(path, text).unwrap();
}

/// Whether a run held, and its report.
async fn run(fault: Fault) -> (bool, Value) {
    plaza_kit::install_crypto();
    let stand_in = StandIn::serve(fault).await;
    let folder = tempfile::tempdir().unwrap();
    let (users, report) = (folder.path().join("users"), folder.path().join("report"));
    write_users(&users, &stand_in.url, stand_in.room);
    let flag = |name: &str, value: &Path| format!("--{name}={}", value.display());
    let words = [
        "loadtest",
        "run",
        &flag("users-file", &users),
        &flag("report", &report),
        "--members=5",
        "--senders=2",
        "--rate=50",
        "--ramp-s=0",
        "--warm-up-s=0",
        "--duration-s=1",
        "--drain-s=30",
    ];
    let args = Cli::parse_from(words).args;
    let held = plaza_loadtest::run(args, |_| Ok(Local::default()))
        .await
        .unwrap();
    let report = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    (held, report)
}

fn number(report: &Value, pointer: &str) -> u64 {
    let value = report.pointer(pointer).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no {pointer}: {report:#}"))
}

/// All that was sent is on all screens, once.
async fn holds(fault: Fault) -> Value {
    let (held, report) = run(fault).await;
    assert!(held, "{report:#}");
    assert_eq!(number(&report, "/accounting/accepted"), MESSAGES);
    assert_eq!(number(&report, "/accounting/shown"), MESSAGES * MEMBERS);
    assert_eq!(
        number(&report, "/deliveries/latency/count"),
        MESSAGES * MEMBERS
    );
    report
}

/// A fault on every screen.
async fn fails(fault: Fault, reported: &str) {
    let (held, report) = run(fault).await;
    assert!(!held, "{report:#}");
    let faults = report["accounting"]["faults"].as_object().unwrap();
    for (name, count) in faults {
        let expected = if name == reported { MEMBERS } else { 0 };
        assert_eq!(*count, expected, "{name}: {report:#}");
    }
}

#[tokio::test]
async fn without_a_fault_everything_comes_once_and_in_order() {
    let report = holds(Fault::None).await;
    for nothing in ["repeated", "late", "gaps", "asked", "lost"] {
        assert_eq!(number(&report, &format!("/wire/{nothing}")), 0, "{nothing}");
    }
    assert_eq!(number(&report, "/wire/changes"), MESSAGES * MEMBERS);
}

#[tokio::test]
async fn what_is_lost_on_the_wire_is_made_good() {
    let report = holds(Fault::LosePush).await;
    assert!(number(&report, "/wire/gaps") >= MEMBERS);
    assert!(number(&report, "/wire/asked") >= MEMBERS);
    assert_eq!(number(&report, "/connections/catchUp/count"), MEMBERS);
}

#[tokio::test]
async fn the_last_message_lost_on_the_wire_is_made_good() {
    let report = holds(Fault::LoseLastPush).await;
    assert_eq!(number(&report, "/wire/gaps"), 0);
    assert_eq!(number(&report, "/wire/asked"), MEMBERS);
}

#[tokio::test]
async fn what_comes_again_is_counted_and_dropped() {
    let report = holds(Fault::PushTwice).await;
    assert_eq!(number(&report, "/wire/repeated"), MEMBERS);
}

#[tokio::test]
async fn what_comes_late_is_counted_and_put_in_its_place() {
    let report = holds(Fault::SwapPushes).await;
    assert_eq!(number(&report, "/wire/late"), MEMBERS);
}

#[tokio::test]
async fn a_connection_that_ends_is_opened_again_and_caught_up() {
    let report = holds(Fault::CloseConnections).await;
    assert_eq!(number(&report, "/wire/lost"), MEMBERS);
    assert_eq!(number(&report, "/connections/reconnect/count"), MEMBERS);
    assert_eq!(number(&report, "/errors/socket closed 3001"), MEMBERS);
}

#[tokio::test]
async fn a_room_that_crosses_is_followed_to_its_other_channel() {
    let report = holds(Fault::Cross).await;
    assert_eq!(number(&report, "/errors/moved to another channel"), MEMBERS);
    assert_eq!(number(&report, "/wire/lost"), MEMBERS);
}

#[tokio::test]
async fn a_send_that_was_not_answered_is_repeated_and_accepted_once() {
    let report = holds(Fault::LoseAnswer).await;
    assert_eq!(number(&report, "/errors/graphql UNAVAILABLE"), 1);
}

#[tokio::test]
async fn a_message_that_nobody_is_ever_shown_is_missing() {
    fails(Fault::Forget, "missing").await;
}

#[tokio::test]
async fn a_message_that_is_stored_twice_is_unexpected() {
    fails(Fault::StoreTwice, "unexpected").await;
}
