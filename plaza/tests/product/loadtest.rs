//! `plaza loadtest` on a running Plaza.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
};

use serde_json::{Value, json};

use crate::support::Plaza;

/// `plaza loadtest …` in a folder.
pub(crate) async fn loadtest(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plaza"));
    command
        .arg("loadtest")
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output());
    output
        .await
        .expect("no panic")
        .expect("plaza loadtest runs")
}

/// A folder for what the commands write, and the Plaza that they work on.
struct Bench {
    plaza: Arc<Plaza>,
    folder: tempfile::TempDir,
}

impl Bench {
    async fn new() -> Self {
        Self::on(Arc::new(Plaza::start().await))
    }

    fn on(plaza: Arc<Plaza>) -> Self {
        Self {
            plaza,
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `plaza loadtest …` in the folder.
    async fn loadtest(&self, words: &[&str]) -> Output {
        loadtest(self.folder.path(), words).await
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

/// A few seconds of a scenario with 60 members; the report of a run that held.
async fn run_of_seconds(plaza: Arc<Plaza>, words: &[&str]) -> Value {
    let bench = Bench::on(plaza);
    bench.on_data(&["seed", "--users=60"]).await;
    let mut all = vec![
        "run",
        "--members=60",
        "--senders=5",
        "--rate=20",
        "--ramp-s=1",
        "--warm-up-s=1",
        "--drain-s=60",
        "--report=report.json",
    ];
    all.extend(words);
    bench.on_data(&all).await;
    let report = report(&bench.path("report.json"));
    assert_eq!(report["held"], true, "{report:#}");
    assert_eq!(report["accounting"]["behindAtEnd"], 0, "{report:#}");
    assert_eq!(report["wire"]["unexplained"], 0, "{report:#}");
    let seconds = report["scenario"]["duration_s"].as_u64().expect("seconds") + 1;
    assert_eq!(report["accounting"]["accepted"], 20 * seconds, "{report:#}");
    assert_eq!(report["accounting"]["shown"], 20 * seconds * 60);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_comes_back_from_storms_and_a_blackout_and_lacks_nothing() {
    let plaza = Arc::new(Plaza::start().await);
    let storms = ["--duration-s=4", "--storms-at-s=1"];
    let of = |scenario: &'static str, more: &[&'static str]| {
        let mut words = vec!["--scenario", scenario];
        words.extend(more);
        let plaza = plaza.clone();
        async move { run_of_seconds(plaza, &words).await }
    };
    // Two at a time, for the sake of slow processors.
    let (storm, history_lost) =
        tokio::join!(of("storm", &storms), of("storm-history-lost", &storms),);
    let dark = ["--duration-s=14", "--blackout-at-s=1", "--blackout-s=12"];
    let (blackout, soak) = tokio::join!(of("blackout", &dark), of("soak", &storms));
    for report in [&storm, &history_lost, &blackout, &soak] {
        let troubles = &report["troubles"];
        assert_eq!(troubles["expectedBack"], 60, "{report:#}");
        assert_eq!(troubles["backWhole"]["count"], 60, "{report:#}");
    }
    assert_eq!(storm["wire"]["recovered"], 60, "{storm:#}");
    assert_eq!(history_lost["wire"]["recovered"], 0, "{history_lost:#}");
    // Each polls twice in that time, also where everything takes longer.
    let polls = blackout["wire"]["polls"].as_u64().expect("polls");
    assert!(polls >= 60, "{blackout:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_are_judged_as_one_run() {
    let bench = Bench::new().await;
    bench.on_data(&["seed", "--users=60"]).await;
    let at = chrono::Utc::now() + chrono::Duration::seconds(15);
    let at = format!("--begin-at={}", at.to_rfc3339());
    let part = async |part: &str, file: &str| {
        let (part, file) = (format!("--part={part}"), format!("--part-file={file}"));
        let mut words = vec!["run", "--members=60", &part, &at, &file];
        words.extend(&LOAD[..6]);
        bench.on_data(&words).await;
    };
    tokio::join!(part("1/2", "1.json"), part("2/2", "2.json"));
    let merged = ["merge", "1.json", "2.json", "--report=report.json"];
    let output = bench.loadtest(&merged).await;
    assert!(output.status.success(), "{output:?}");
    let report = report(&bench.path("report.json"));
    assert_eq!(report["parts"], 2);
    let accounting = &report["accounting"];
    assert_eq!(accounting["accepted"], 80, "{report:#}");
    assert_eq!(accounting["shown"], 80 * 60, "{report:#}");
    assert_eq!(report["wire"]["changes"], 80 * 60, "{report:#}");
    let alone = bench.loadtest(&["merge", "2.json"]).await;
    assert_eq!(alone.status.code(), Some(1), "{alone:?}");
    let said = String::from_utf8_lossy(&alone.stderr);
    assert!(said.contains("part 1 of 2 is missing"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_of_a_load_test_are_not_limited_and_nobody_becomes_one() {
    let flags = ["PLAZA_RATE_USER_PER_SECOND", "PLAZA_RATE_USER_BURST"];
    let environment = flags.map(|name| (name, "200"));
    let bench = Bench::on(Arc::new(Plaza::start_in(&environment, &[]).await));
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

#[tokio::test(flavor = "multi_thread")]
async fn with_two_processes_of_each_part_what_goes_in_by_one_comes_out_of_the_other() {
    let bench = Bench::on(Arc::new(Plaza::start_with(&["--replicas", "2"]).await));
    bench.on_data(&["seed", "--users=60"]).await;
    for [gateway, centrifugo] in [["gateway", "centrifugo-2"], ["gateway-2", "centrifugo"]] {
        let port = |name| bench.plaza.port(name);
        let url = format!("--url=http://127.0.0.1:{}", port(gateway));
        let endpoint = format!(
            "--realtime-endpoint=ws://127.0.0.1:{}/connection/websocket",
            port(centrifugo)
        );
        let mut words = vec!["run", "--members=60", &url, &endpoint];
        words.extend(LOAD);
        bench.on_data(&words).await;
        let report = report(&bench.path("report.json"));
        assert_eq!(report["held"], true, "{report:#}");
        assert_eq!(report["accounting"]["shown"], 80 * 60, "{report:#}");
        let changes = report["wire"]["changes"].as_u64().expect("a count");
        assert!(changes >= 80 * 60, "all came over the wire: {report:#}");
    }
    let status = bench.plaza.ctl(&["status"]);
    for part in [
        "auth-2",
        "centrifugo-2",
        "rooms-2",
        "messages-2",
        "publisher-2",
    ] {
        assert!(status.contains(part), "{status}");
    }
}
