//! Runs of one room, among them such as take connections away, look for a
//! limit, or wait for answers.

use std::path::Path;

use serde_json::Value;

use crate::{
    number,
    stand_in::{Fault, StandIn, Way},
};

const MEMBERS: u64 = 5;
const MESSAGES: u64 = 50;

/// Whether a run held, and its report.
async fn run(fault: Fault) -> (bool, Value) {
    run_with(fault, &[]).await
}

/// The same with further words.
async fn run_with(fault: Fault, more: &[&str]) -> (bool, Value) {
    let stand_in = StandIn::serve(fault, &[Way::Room]).await;
    let words = [
        "--members=5",
        "--senders=2",
        "--rate=50",
        "--ramp-s=0",
        "--warm-up-s=0",
        "--duration-s=1",
        "--drain-s=30",
    ];
    // What is said more stands in place of the usual.
    let name = |word: &'_ str| word.split('=').next().map(str::to_owned);
    let usual = words.iter().copied().filter(|word| {
        let replaced = |other: &&str| name(other) == name(word);
        !more.iter().any(replaced)
    });
    let words: Vec<_> = usual.chain(more.iter().copied()).collect();
    let (held, report, html) = crate::run(&stand_in, MEMBERS, &words).await;
    let not = if report["held"] == true {
        "Every"
    } else {
        "NOT every"
    };
    let headline = format!("{not} delivery is accounted for</h1>");
    assert!(html.contains(&headline), "no {headline}: {html}");
    (held, report)
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
    adds_up(&report);
    report
}

/// The seconds of a run have in them what the whole has.
fn adds_up(report: &Value) {
    let series = &report["series"];
    let column = |name: &str| series[name].as_array().unwrap();
    let sum = |name: &str| -> u64 { column(name).iter().filter_map(Value::as_u64).sum() };
    assert_eq!(sum("accepted"), number(report, "/accounting/accepted"));
    assert_eq!(sum("shown"), number(report, "/accounting/shown"));
    assert_eq!(sum("asked"), number(report, "/wire/asked"));
    assert_eq!(sum("polls"), number(report, "/wire/polls"));
    let errors = report["errors"].as_object().unwrap().values();
    let errors: u64 = errors.filter_map(Value::as_u64).sum();
    assert_eq!(sum("errors"), errors);
    let live = column("live").iter().filter_map(Value::as_u64).max();
    assert_eq!(live, Some(MEMBERS), "{series}");
    let longest = column("maxMs").iter().filter_map(Value::as_f64);
    let longest = longest.fold(0.0, f64::max);
    let of_all = report["deliveries"]["latency"]["max_ms"].as_f64().unwrap();
    assert!(
        (longest - of_all).abs() <= of_all / 500.0,
        "{longest} {of_all}"
    );
    let process = &series["processes"][0];
    assert_eq!(process["name"], "loadtest");
    assert_eq!(
        process["mib"].as_array().unwrap().len(),
        column("shown").len()
    );
    assert_eq!(report["processes"][0]["name"], "loadtest");
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

/// Repeated and late publications without a fault before them are told, and
/// are no fault where one is expected.
async fn comes_without_reason(fault: Fault, counted: &str) {
    let (held, report) = run(fault).await;
    assert!(!held, "{report:#}");
    for pointer in [counted, "/wire/unexplained"] {
        assert_eq!(number(&report, pointer), MEMBERS, "{pointer}: {report:#}");
    }
    let faults = report["accounting"]["faults"].as_object().unwrap();
    assert!(faults.values().all(|count| *count == 0), "{report:#}");
    let (held, report) = run_with(fault, &["--expect-faults"]).await;
    assert!(held, "{report:#}");
    assert_eq!(number(&report, counted), MEMBERS);
}

#[tokio::test]
async fn what_comes_again_without_a_fault_is_reported() {
    comes_without_reason(Fault::PushTwice, "/wire/repeated").await;
}

#[tokio::test]
async fn what_comes_late_without_a_fault_is_reported() {
    comes_without_reason(Fault::SwapPushes, "/wire/late").await;
}

#[tokio::test]
async fn what_comes_again_after_a_fault_is_explained() {
    let report = holds(Fault::CloseConnectionsAndPushAgain).await;
    assert_eq!(number(&report, "/wire/repeated"), MEMBERS);
    assert_eq!(number(&report, "/wire/unexplained"), 0);
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

/// A scenario in a file, with what is said beside the usual.
fn scenario(folder: &Path, more: &str) -> String {
    let path = folder.join("scenario.toml");
    let usual = "members = 5\nsenders = 2\nrate = 50.0\nmessage_chars = 120\nramp_s = 0\n\
                 warm_up_s = 0\ndrain_s = 30\n";
    std::fs::write(&path, format!("{usual}{more}")).unwrap();
    format!("--scenario={}", path.display())
}

#[tokio::test]
async fn in_a_storm_all_come_back_and_lack_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let history_lost = "duration_s = 3\nstorms_at_s = [1]\nstorms_lose_history = true\n";
    let scenario = scenario(folder.path(), history_lost);
    let (held, report) = run_with(Fault::None, &[&scenario, "--duration-s=3"]).await;
    assert!(held, "{report:#}");
    assert_eq!(number(&report, "/wire/lost"), MEMBERS);
    assert_eq!(number(&report, "/errors/dropped by the scenario"), MEMBERS);
    let troubles = &report["troubles"];
    assert_eq!(troubles["expectedBack"], MEMBERS);
    for of in ["back", "backWhole"] {
        assert_eq!(troubles[of]["count"], MEMBERS, "{of}: {report:#}");
    }
    let answers =
        ["answerInCalm", "answerInTrouble"].map(|of| number(troubles, &format!("/{of}/count")));
    assert!(answers.iter().all(|count| *count > 0), "{report:#}");
    assert_eq!(answers.iter().sum::<u64>(), 3 * MESSAGES);
}

#[tokio::test]
async fn in_a_blackout_all_poll_and_lack_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(
        folder.path(),
        "duration_s = 7\nblackout_at_s = 1\nblackout_s = 5\n",
    );
    let (held, report) = run_with(Fault::None, &[&scenario, "--duration-s=7"]).await;
    assert!(held, "{report:#}");
    assert!(number(&report, "/wire/polls") >= MEMBERS, "{report:#}");
    assert!(number(&report, "/errors/away by the scenario") >= MEMBERS);
    assert_eq!(number(&report, "/troubles/backWhole/count"), MEMBERS);
    assert_eq!(number(&report, "/accounting/shown"), 7 * MESSAGES * MEMBERS);
    // One at first, one for the try that failed, and one once a socket opened.
    assert_eq!(number(&report, "/connections/token/count"), 3 * MEMBERS);
}

#[tokio::test]
async fn who_stays_in_the_dark_polls_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = scenario(folder.path(), "duration_s = 2\nblackout_at_s = 1\n");
    let (held, report) = run_with(Fault::None, &[&scenario, "--duration-s=2"]).await;
    assert!(held, "{report:#}");
    assert_eq!(number(&report, "/troubles/expectedBack"), 0);
    assert_eq!(number(&report, "/accounting/behindAtEnd"), 0);
    assert_eq!(number(&report, "/accounting/shown"), 2 * MESSAGES * MEMBERS);
}

#[tokio::test]
async fn in_a_closed_loop_each_sender_waits_for_its_answer() {
    let (held, report) = run_with(Fault::None, &["--closed-loop", "--rate=1"]).await;
    assert!(held, "{report:#}");
    // Far more than the rate, of which nothing is heard.
    assert!(
        number(&report, "/accounting/accepted") > MESSAGES,
        "{report:#}"
    );
    assert_eq!(report["scenario"]["closed_loop"], true);
}

#[tokio::test]
async fn the_highest_rate_that_holds_is_found() {
    // It forgets the tenth message of all: at 6.4 a second.
    let (held, report) = run_with(Fault::Forget, &["--find-limit", "--rate=0.2"]).await;
    assert!(held, "{report:#}");
    let limit = &report["limit"];
    let rate = limit["rate"].as_f64().unwrap();
    assert!((5.5..6.4).contains(&rate), "{report:#}");
    let steps = limit["steps"].as_array().unwrap();
    assert!(steps.iter().any(|step| step["held"] == false), "{report:#}");
    let (held, report) = run_with(
        Fault::None,
        &["--find-limit", "--rate=0.1", "--objective-p99-ms=0"],
    )
    .await;
    assert!(!held, "nothing is that quick: {report:#}");
    assert_eq!(report["limit"]["rate"], Value::Null);
}
