//! `plaza loadtest` with many rooms on a running Plaza.

use serde_json::{Value, json};

use crate::{loadtest::loadtest, support::Plaza};

/// Busy people, though few enough for an unoptimised build on two slow
/// processors: it is the accounting that is tried, and not the speed.
const SCENARIO: &str = r#"
kind = "fleet"
users = 24
rate = 8
message_chars = 60
think_s = 1.5
think_min_s = 0.1
slowness = [[1, 1], [1, 3]]
ramp_s = 2
warm_up_s = 1
duration_s = 7
drain_s = 60

[weights]
open_room = 6
scroll_back = 4
mark_read = 1.5
typing = 2
heads = 1.5
reconnect = 1.5
"#;

#[tokio::test(flavor = "multi_thread")]
async fn people_in_many_rooms_miss_nothing_of_what_they_read() {
    let plaza = Plaza::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let data = plaza.folder();
    let on_data = ["--data", data.to_str().expect("UTF-8")];
    let run = async |words: &[&str]| {
        let (first, rest) = words.split_first().expect("words");
        let words = [&[*first], &on_data[..], rest].concat();
        loadtest(folder.path(), &words).await
    };

    // From 24 members down to 2: two rooms in room mode, and 38 in personal mode.
    let flags =
        "--users=24 --rooms=40 --zipf=1 --seed=7 --messages=3000 --rooms-fanout-threshold=12";
    let words: Vec<_> = ["seed"].into_iter().chain(flags.split(' ')).collect();
    let seeded = run(&words).await;
    assert!(seeded.status.success(), "{seeded:?}");
    let users = std::fs::read_to_string(folder.path().join("loadtest-users.jsonl"));
    let users = users.expect("users");
    let mut lines = users
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let header = lines.next().expect("a header");
    let rooms = header["rooms"].as_array().expect("rooms");
    let sizes: Vec<_> = rooms
        .iter()
        .filter_map(|room| room["members"].as_u64())
        .collect();
    assert_eq!((sizes.len(), &sizes[..4]), (40, &[24, 12, 8, 6][..]));
    let mut first = None;
    for user in lines {
        let numbers = user["rooms"].as_array().expect("numbers");
        assert!(!numbers.is_empty(), "everybody is in some rooms");
        first.get_or_insert((user["token"].clone(), numbers.len()));
    }
    let (token, count) = first.expect("a user");
    let token = token.as_str().expect("a token");
    let query = "{ heads { rooms { roomId number fanout } } }";
    let heads = plaza.graphql(Some(token), query, json!({})).await;
    let heads = heads.data()["heads"]["rooms"].as_array().expect("rooms");
    assert_eq!(heads.len(), count, "as the file says");
    let largest = heads.iter().find(|head| head["roomId"] == rooms[0]["id"]);
    let largest = largest.expect("everybody is in the largest");
    assert_eq!(largest["fanout"], "ROOM");
    let all: u64 = sizes.iter().sum();
    assert_eq!(largest["number"], 3_000 * 24 / all, "as its size has it");

    std::fs::write(folder.path().join("fleet.toml"), SCENARIO).expect("a file");
    let ran = run(&["run", "--scenario=fleet.toml", "--report=report.json"]).await;
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("--seed "), "{said}");
    assert!(ran.status.success(), "{said} {ran:?}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(report["held"], true, "{report:#}");
    let accounting = &report["accounting"];
    assert_eq!(accounting["accepted"], 64, "{report:#}");
    assert_eq!(accounting["subscribers"], 24);
    assert_eq!(accounting["behindAtEnd"], 0, "{report:#}");
    let nothing = json!({ "missing": 0, "doubled": 0, "disordered": 0, "unexpected": 0 });
    assert_eq!(accounting["faults"], nothing);
    let number = |pointer: &str| report.pointer(pointer).and_then(Value::as_u64);
    // Who wrote has the room open.
    let delivered = number("/deliveries/latency/count").expect("deliveries");
    assert!(delivered >= 50, "{report:#}");
    assert!(number("/acts/timelines").expect("timelines") > 24);
    assert_eq!(number("/wire/lost"), Some(0), "{report:#}");
    for act in [
        "openRoom",
        "scrollBack",
        "markRead",
        "typing",
        "heads",
        "reconnect",
    ] {
        let figures = &report["acts"]["byAct"][act];
        assert!(figures["done"].as_u64() > Some(0), "{act}: {report:#}");
        assert_eq!(figures["failed"], 0, "{act}: {report:#}");
    }
    assert_eq!(report["errors"], json!({}), "{report:#}");

    // The users of one room are none of a fleet.
    let seeded = run(&["seed", "--users=2"]).await;
    assert!(seeded.status.success(), "{seeded:?}");
    let refused = run(&["run", "--scenario=fleet", "--users=2"]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("--rooms"), "{said}");
}
