//! `plaza dead-letters`: events that could never be published, with the reason
//! of each, and another try for them.

use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::{DateTime, SecondsFormat};
use plaza_events::stream::{Buried, DEAD_LETTERS, dead_letters, replay};
use plaza_kit::redis::{RedisArgs, Shared};
use serde_json::{Value, json};

/// Letters that are asked for at once.
const PAGE: usize = 500;

/// Longest wait for an answer of Redis.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the dead letters are, and what to do with them.
#[derive(Debug, clap::Args)]
pub(crate) struct DeadLettersArgs {
    #[command(flatten)]
    redis: RedisArgs,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Lists them, the oldest first
    List {
        /// As JSON, one letter a line, with the whole event: it may hold message text
        #[arg(long)]
        json: bool,
    },
    /// Hands them to the publisher again, once the reason is gone
    Replay {
        /// Ids as the list has them
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Every letter that is there now
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

/// Lists or replays.
pub(crate) async fn run(args: DeadLettersArgs) -> anyhow::Result<()> {
    let mut connection = args.redis.redis()?.shared(DEAD_LETTERS, PATIENCE);
    let letters = all(&mut connection)
        .await
        .context("cannot read the dead letters")?;
    match args.action {
        Action::List { json } => {
            for letter in &letters {
                println!(
                    "{}",
                    if json {
                        detailed(letter).to_string()
                    } else {
                        line(letter)
                    }
                );
            }
            if !json && letters.is_empty() {
                println!("There are no dead letters.");
            }
        }
        Action::Replay { ids, .. } => {
            let chosen = choose(&letters, &ids)?;
            for letter in &chosen {
                replay(&mut connection, letter)
                    .await
                    .with_context(|| format!("{} was not replayed", letter.id))?;
            }
            println!(
                "Replayed {} of {} dead letters.",
                chosen.len(),
                letters.len()
            );
        }
    }
    Ok(())
}

async fn all(connection: &mut Shared) -> redis::RedisResult<Vec<Buried>> {
    let mut letters: Vec<Buried> = Vec::new();
    loop {
        let after = letters.last().map(|letter| letter.id.clone());
        let page = dead_letters(connection, after.as_deref(), PAGE).await?;
        if page.is_empty() {
            return Ok(letters);
        }
        letters.extend(page);
    }
}

/// The letters with these ids; all without any. An id that is none of theirs
/// is an error before anything is done.
fn choose<'a>(letters: &'a [Buried], ids: &[String]) -> anyhow::Result<Vec<&'a Buried>> {
    if ids.is_empty() {
        return Ok(letters.iter().collect());
    }
    let mut chosen = Vec::new();
    for id in ids {
        match letters.iter().find(|letter| letter.id == *id) {
            Some(letter) => chosen.push(letter),
            None => bail!(
                "there is no dead letter {id}; `plaza dead-letters list` shows those that are there"
            ),
        }
    }
    Ok(chosen)
}

fn line(Buried { id, letter }: &Buried) -> String {
    let event = letter
        .field("event")
        .and_then(|event| serde_json::from_str::<Value>(event).ok());
    let kind = event.as_ref().and_then(|event| event["type"].as_str());
    format!(
        "{id}  {}  {}  {}  {}  {}",
        buried_at(id),
        letter.source,
        letter.field("key").unwrap_or("-"),
        kind.unwrap_or("-"),
        letter.reason,
    )
}

fn detailed(Buried { id, letter }: &Buried) -> Value {
    let fields: serde_json::Map<String, Value> = letter
        .fields
        .iter()
        .map(|(name, value)| (name.clone(), json!(String::from_utf8_lossy(value))))
        .collect();
    json!({
        "id": id, "at": buried_at(id), "service": letter.source.name(),
        "partition": letter.partition.number(), "entry": letter.entry,
        "reason": letter.reason, "fields": fields,
    })
}

fn buried_at(id: &str) -> String {
    let ms = id.split('-').next().and_then(|ms| ms.parse().ok());
    ms.and_then(DateTime::from_timestamp_millis).map_or_else(
        || "-".to_owned(),
        |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_events::{Partition, Source, stream::DeadLetter};

    fn buried(id: &str) -> Buried {
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        Buried {
            id: id.to_owned(),
            letter: DeadLetter {
                source: Source::Messages,
                partition: Partition::PULSE,
                entry: "7-0".to_owned(),
                reason: "refused".to_owned(),
                fields: vec![
                    field("event", r#"{"type":"message.created","text":"secret"}"#),
                    field("key", "a-room"),
                ],
            },
        }
    }

    #[test]
    fn a_line_tells_what_and_why_and_no_message_text() {
        assert_eq!(
            line(&buried("1700000000000-1")),
            "1700000000000-1  2023-11-14T22:13:20Z  messages  a-room  message.created  refused"
        );
        assert!(detailed(&buried("1-0")).to_string().contains("secret"));
    }

    #[test]
    fn an_id_that_is_none_is_named_and_nothing_is_replayed() {
        let letters = [buried("1-0"), buried("2-0")];
        assert_eq!(choose(&letters, &[]).unwrap().len(), 2);
        assert_eq!(choose(&letters, &["2-0".into()]).unwrap(), [&letters[1]]);
        let error = choose(&letters, &["2-0".into(), "3-0".into()]).unwrap_err();
        assert!(error.to_string().contains("no dead letter 3-0"));
    }
}
