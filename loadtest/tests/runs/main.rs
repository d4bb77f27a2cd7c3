//! Whole runs against a stand-in for Plaza that makes a fault: what may happen
//! on the wire is made good, and what may not is reported.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

mod fleet;
mod one_room;
mod stand_in;

use std::path::Path;

use chrono::{Duration, Utc};
use clap::Parser;
use plaza_loadtest::{LoadtestArgs, Local};
use serde_json::{Value, json};
use uuid::Uuid;

use stand_in::StandIn;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: LoadtestArgs,
}

/// Users of all rooms, as `seed` writes them.
fn write_users(path: &Path, stand_in: &StandIn, users: u64) {
    let rooms = &stand_in.rooms;
    let listed: Vec<_> = rooms
        .iter()
        .map(|id| json!({ "id": id, "members": users }))
        .collect();
    let mut text = json!({
        "plazaLoadtest": 1, "url": stand_in.url, "roomId": rooms[0], "rooms": listed,
        "expiresAt": Utc::now() + Duration::hours(1), "password": "",
    })
    .to_string();
    let numbers: Vec<_> = (0..rooms.len()).collect();
    for number in 0..users {
        text.push('\n');
        let id = Uuid::now_v7();
        let user =
            json!({ "id": id, "username": format!("vu{number}"), "token": id, "rooms": numbers });
        text.push_str(&user.to_string());
    }
    std::fs::write(path, text).unwrap();
}

/// Runs `plaza loadtest run` with these words and so many users; whether it
/// held, its report, and its page.
async fn run(stand_in: &StandIn, users: u64, words: &[&str]) -> (bool, Value, String) {
    plaza_kit::install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let [users_file, report, html] =
        ["users", "report", "html"].map(|name| folder.path().join(name));
    write_users(&users_file, stand_in, users);
    let flag = |name: &str, value: &Path| format!("--{name}={}", value.display());
    let files = [
        flag("users-file", &users_file),
        flag("report", &report),
        flag("html", &html),
    ];
    let files = files.iter().map(String::as_str);
    let all = ["loadtest", "run"].into_iter().chain(files);
    let args = Cli::parse_from(all.chain(words.iter().copied())).args;
    let held = plaza_loadtest::run(args, |_| Ok(Local::default()))
        .await
        .unwrap();
    let report = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    (held, report, std::fs::read_to_string(&html).unwrap())
}

fn number(report: &Value, pointer: &str) -> u64 {
    let value = report.pointer(pointer).and_then(Value::as_u64);
    value.unwrap_or_else(|| panic!("no {pointer}: {report:#}"))
}
