//! Runs of many rooms, of which one makes the fault.

use serde_json::{Value, json};

use crate::{
    number,
    stand_in::{
        Fault, StandIn,
        Way::{self, Personal, Room},
    },
};

const USERS: u64 = 6;
const MESSAGES: u64 = 100;

/// Busy people, all as fast.
const SCENARIO: &str = r#"
kind = "fleet"
users = 6
rate = 50
message_chars = 60
think_s = 0.1
think_min_s = 0.02
slowness = [[1, 1]]
ramp_s = 0
warm_up_s = 0
duration_s = 2
drain_s = 30

[weights]
open_room = 6
scroll_back = 2
mark_read = 1
typing = 2
heads = 1
reconnect = RECONNECT
"#;

/// Whether a run held, and its report.
async fn run(fault: Fault, ways: &[Way], reconnect: f64) -> (bool, Value) {
    let stand_in = StandIn::serve(fault, ways).await;
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("fleet.toml");
    let text = SCENARIO.replace("RECONNECT", &reconnect.to_string());
    std::fs::write(&scenario, text).unwrap();
    let scenario = format!("--scenario={}", scenario.display());
    let mut words = vec![&*scenario, "--seed=7"];
    // What comes again is one of them.
    words.extend((fault == Fault::PushTwice).then_some("--expect-faults"));
    let (held, report, _) = crate::run(&stand_in, USERS, &words).await;
    (held, report)
}

/// All that was sent is on the screens that show its room, once.
async fn holds(fault: Fault, ways: &[Way], reconnect: f64) -> Value {
    let (held, report) = run(fault, ways, reconnect).await;
    assert!(held, "{report:#}");
    assert_eq!(number(&report, "/accounting/accepted"), MESSAGES);
    assert_eq!(number(&report, "/accounting/behindAtEnd"), 0);
    report
}

/// A fault on the screens that show the room, and none of another kind. Who
/// wrote the message shows it.
async fn fails(fault: Fault, way: Way, reported: &str) {
    let (held, report) = run(fault, &[way; 3], 0.0).await;
    assert!(!held, "{report:#}");
    let faults = report["accounting"]["faults"].as_object().unwrap();
    for (name, count) in faults {
        let count = count.as_u64().unwrap();
        assert_eq!(count > 0, name == reported, "{name}: {report:#}");
    }
}

#[tokio::test]
async fn without_a_fault_everything_comes_once_and_in_order() {
    let ways = [Room, Personal, Room, Personal, Room, Personal];
    let report = holds(Fault::None, &ways, 0.0).await;
    for nothing in ["repeated", "late", "gaps", "asked", "lost"] {
        assert_eq!(number(&report, &format!("/wire/{nothing}")), 0, "{nothing}");
    }
    assert_eq!(report["errors"], json!({}));
    for act in ["openRoom", "scrollBack", "markRead", "typing", "heads"] {
        let figures = &report["acts"]["byAct"][act];
        assert_eq!(figures["failed"], 0, "{act}");
        // Nobody scrolls back in rooms of fewer messages than a page.
        let is_done = figures["done"].as_u64().unwrap() > 0;
        assert!(is_done || act == "scrollBack", "{act}: {report:#}");
    }
    assert_eq!(number(&report, "/acts/seed"), 7);
    assert_eq!(number(&report, "/acts/rooms"), 6);
    // Of six rooms they hold three, so that some were closed.
    assert!(number(&report, "/acts/timelines") > 3 * USERS, "{report:#}");
    assert!(number(&report, "/acts/unheld") > 0);
    let deliveries = number(&report, "/deliveries/latency/count");
    // Who wrote was shown it, and nobody twice.
    assert!(
        (MESSAGES..=MESSAGES * USERS).contains(&deliveries),
        "{deliveries}"
    );
}

#[tokio::test]
async fn people_who_lose_their_connections_are_back_and_miss_nothing() {
    let report = holds(Fault::None, &[Room, Personal, Room, Personal], 3.0).await;
    let figures = &report["acts"]["byAct"]["reconnect"];
    assert!(figures["done"].as_u64().unwrap() > 0, "{report:#}");
    assert_eq!(number(&report, "/wire/lost"), 0, "they wanted it");
    assert!(number(&report, "/wire/asked") > 0, "nothing is recovered");
}

#[tokio::test]
async fn what_is_lost_on_the_wire_is_made_good_in_both_modes() {
    for way in [Room, Personal] {
        let report = holds(Fault::LosePush, &[way; 3], 0.0).await;
        assert!(number(&report, "/wire/asked") >= 1, "{way:?}");
        assert!(number(&report, "/connections/catchUp/count") >= 1);
    }
}

#[tokio::test]
async fn what_comes_again_is_counted_and_dropped() {
    let report = holds(Fault::PushTwice, &[Room; 3], 0.0).await;
    assert!(number(&report, "/wire/repeated") >= 1);
}

#[tokio::test]
async fn connections_that_end_are_opened_again_and_caught_up() {
    let report = holds(Fault::CloseConnections, &[Room, Personal], 0.0).await;
    assert_eq!(number(&report, "/wire/lost"), USERS);
    assert_eq!(number(&report, "/connections/reconnect/count"), USERS);
    assert_eq!(number(&report, "/errors/socket closed 3001"), USERS);
}

#[tokio::test]
async fn a_message_that_nobody_is_ever_shown_is_missing() {
    for way in [Room, Personal] {
        fails(Fault::Forget, way, "missing").await;
    }
}

#[tokio::test]
async fn a_message_that_is_stored_twice_is_unexpected() {
    fails(Fault::StoreTwice, Room, "unexpected").await;
}

#[tokio::test]
async fn a_message_that_a_room_shows_twice_is_doubled() {
    for way in [Room, Personal] {
        fails(Fault::RepeatChange, way, "doubled").await;
    }
}

#[tokio::test]
async fn messages_that_a_room_shows_in_another_order_are_disordered() {
    for way in [Room, Personal] {
        fails(Fault::SwapChanges, way, "disordered").await;
    }
}
