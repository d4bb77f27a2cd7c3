//! Virtual users, as `plaza loadtest seed` makes them.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use serde::Deserialize;

use crate::stack::Stack;

/// Longest that a seeding may take beside its messages.
const PATIENCE: Duration = Duration::from_mins(10);
/// Messages that any machine seeds in a second.
const SLOWEST: u64 = 2_000;

/// A seeded room and some of its members.
#[derive(Debug)]
pub(crate) struct Seeded {
    pub(crate) room: String,
    /// Access tokens of the first members.
    pub(crate) tokens: Vec<String>,
    /// The file with all of them.
    pub(crate) file: PathBuf,
    pub(crate) took: Duration,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    room_id: String,
}

#[derive(Deserialize)]
struct User {
    token: String,
}

/// Makes users, a room that all of them are in, and its history; reads the
/// tokens of `tokens` of them.
pub(crate) async fn seed(
    stack: &Stack,
    users: u32,
    messages: u64,
    tokens: usize,
) -> anyhow::Result<Seeded> {
    let begun = Instant::now();
    let file = stack.path("users.jsonl");
    let words: [OsString; 9] = [
        "seed".into(),
        "--data".into(),
        stack.data().into(),
        "--users".into(),
        users.to_string().into(),
        "--messages".into(),
        messages.to_string().into(),
        "--users-file".into(),
        file.clone().into(),
    ];
    let mut command = stack.loadtest("seed.log", &words)?;
    let patience = PATIENCE + Duration::from_secs(messages / SLOWEST);
    if command.code(patience).await? != 0 {
        bail!("cannot seed: {}", command.last_words());
    }
    let took = begun.elapsed();
    let (room, tokens) = read(&file, tokens)
        .with_context(|| format!("cannot read the users in {}", file.display()))?;
    Ok(Seeded {
        room,
        tokens,
        file,
        took,
    })
}

fn read(file: &Path, tokens: usize) -> anyhow::Result<(String, Vec<String>)> {
    let mut lines = BufReader::new(File::open(file)?).lines();
    let header: Header = serde_json::from_str(&lines.next().context("it is empty")??)?;
    let users = lines
        .take(tokens)
        .map(|line| anyhow::Ok(serde_json::from_str::<User>(&line?)?.token));
    Ok((header.room_id, users.collect::<Result<_, _>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_and_as_many_tokens_as_wanted_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users");
        let text = "{\"plazaLoadtest\":1,\"roomId\":\"r\"}\n{\"token\":\"a\"}\n{\"token\":\"b\"}\n";
        std::fs::write(&file, text).unwrap();
        let (room, tokens) = read(&file, 1).unwrap();
        assert_eq!(
            (room.as_str(), tokens.as_slice()),
            ("r", &["a".to_owned()][..])
        );
        std::fs::write(&file, "").unwrap();
        assert!(read(&file, 1).is_err());
    }
}
