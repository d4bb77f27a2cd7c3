//! `plaza loadtest` on a running Plaza.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

use crate::support::Plaza;

/// A folder for what the commands write, and the Plaza that they work on.
struct Bench {
    plaza: Plaza,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self {
            plaza: Plaza::start().await,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `plaza loadtest …` in the folder.
    async fn loadtest(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
        command
            .arg("loadtest")
            .args(words)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output());
        output
            .await
            .expect("no panic")
            .expect("plaza loadtest runs")
    }

    /// The same on this Plaza's data folder; it must succeed.
    async fn on_data(&self, words: &[&str]) {
        let data = self.plaza.folder();
        let mut all = vec![words[0], "--data", data.to_str().expect("UTF-8")];
        all.extend(&words[1..]);
        let output = self.loadtest(&all).await;
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// The file's first line and its first user.
    fn users(&self) -> [Value; 2] {
        let text = std::fs::read_to_string(self.path("loadtest-users.jsonl")).expect("users");
        let mut lines = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        [
            lines.next().expect("a header"),
            lines.next().expect("a user"),
        ]
    }
}

fn report(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

const LOAD: [&str; 8] = [
    "--rate=20",
    "--senders=5",
    "--ramp-s=1",
    "--warm-up-s=1",
    "--duration-s=3",
    "--drain-s=60",
    "--report=report.json",
    "--scenario=room",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_load_test_accounts_for_every_delivery_in_both_modes() {
    let bench = Bench::new().await;
    for (members, mode) in [(60, "ROOM"), (10, "PERSONAL")] {
        let users = format!("--users={members}");
        bench.on_data(&["seed", &users, "--messages=250"]).await;

        let [header, user] = bench.users();
        let token = user["token"].as_str().expect("a token");
        let room = json!({ "room": header["roomId"] });
        let query = "query($room: ID!) { room(id: $room) { memberCount fanout
            messages(last: 1) { headSeq nodes { number author { username } } } } }";
        let seeded = bench.plaza.graphql(Some(token), query, room.clone()).await;
        let seeded = &seeded.data()["room"];
        assert_eq!(seeded["memberCount"], members);
        assert_eq!(seeded["fanout"], mode);
        assert_eq!(seeded["messages"]["headSeq"], 250);
        let last = &seeded["messages"]["nodes"][0];
        assert_eq!(last["number"], 250);
        let author = last["author"]["username"].as_str().expect("an author");
        assert!(author.starts_with("vu"), "{author}");

        let members_flag = format!("--members={members}");
        let mut words = vec!["run", &members_flag];
        words.extend(LOAD);
        bench.on_data(&words).await;
        let report = report(&bench.path("report.json"));
        assert_eq!(report["held"], true, "{report:#}");
        let accounting = &report["accounting"];
        assert_eq!(accounting["accepted"], 80, "{report:#}");
        assert_eq!(accounting["shown"], 80 * members, "{report:#}");
        assert_eq!(accounting["behindAtEnd"], 0, "{report:#}");
        let nothing = json!({ "missing": 0, "doubled": 0, "disordered": 0, "unexpected": 0 });
        assert_eq!(accounting["faults"], nothing);
        // What was due in the three seconds, and no second of warm-up.
        let latency = &report["deliveries"]["latency"];
        assert_eq!(latency["count"], 60 * members, "{report:#}");
        let names: Vec<_> = report["processes"]
            .as_array()
            .expect("processes")
            .iter()
            .filter_map(|process| process["name"].as_str())
            .collect();
        assert!(
            names.contains(&"gateway") && names.contains(&"loadtest"),
            "{names:?}"
        );
        let after = bench.plaza.graphql(Some(token), query, room).await;
        assert_eq!(after.data()["room"]["messages"]["headSeq"], 330);
    }

    let same = bench
        .loadtest(&["compare", "report.json", "report.json"])
        .await;
    assert!(same.status.success(), "{same:?}");
    let mut bad = report(&bench.path("report.json"));
    bad["held"] = json!(false);
    std::fs::write(bench.path("bad.json"), bad.to_string()).expect("a file");
    let worse = bench
        .loadtest(&["compare", "report.json", "bad.json"])
        .await;
    assert_eq!(worse.status.code(), Some(3), "{worse:?}");
    let few = bench
        .loadtest(&["run", "--members=11", "--senders=1"])
        .await;
    assert_eq!(few.status.code(), Some(1));
    let said = String::from_utf8_lossy(&few.stderr);
    assert!(said.contains("10 users and 11 are needed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_load_test_are_not_limited_and_nobody_becomes_one() {
    let flags = ["PLAZA_RATE_USER_PER_SECOND", "PLAZA_RATE_USER_BURST"];
    let environment = flags.map(|name| (name, "200"));
    let bench = Bench {
        plaza: Plaza::start_in(&environment, &[]).await,
        folder: tempfile::tempdir().expect("a folder"),
    };
    bench.on_data(&["seed", "--users=2"]).await;
    let [_, user] = bench.users();
    let ask = async |token: &str| {
        let mut refused = 0;
        for _ in 0..20 {
            let answer = bench
                .plaza
                .graphql(Some(token), "{ me { id } }", json!({}))
                .await;
            refused += usize::from(!answer.json["errors"].is_null());
        }
        refused
    };
    assert_eq!(ask(user["token"].as_str().expect("a token")).await, 0);
    let person = bench.plaza.person().await;
    assert!(ask(&person.token).await > 0, "others are limited");
    let register = "mutation($input: RegisterInput!) { register(input: $input) { accessToken } }";
    let input = json!({ "input": {
        "username": "mallory", "password": "correct horse", "client": "NATIVE", "synthetic": true } });
    let answer = bench.plaza.graphql(None, register, input).await;
    assert!(!answer.json["errors"].is_null(), "{:#}", answer.json);
}
