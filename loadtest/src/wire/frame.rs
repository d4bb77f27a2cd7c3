//! What a frame from Centrifugo holds.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use uuid::Uuid;

use super::content::Content;
use crate::accounting::Mark;

/// Why a frame cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the server sent a line that cannot be read")]
pub(crate) struct UnreadableLine(#[from] serde_json::Error);

/// One line of a frame.
#[derive(Debug)]
pub(crate) enum Line {
    /// To be answered with the same.
    Ping,
    /// The answer to a command.
    Reply {
        id: u32,
        answer: Result<Arc<Subscribed>, Refusal>,
    },
    /// What comes unasked.
    Push(Push),
}

/// The answer to a connect or subscribe; of a connect, what it says of the
/// channel that the connection opens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Subscribed {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) recovered: bool,
    /// What came since the place that was asked about.
    #[serde(deserialize_with = "publications")]
    pub(crate) publications: Vec<Publication>,
}

/// The other answer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) code: u32,
}

/// What comes unasked, about one channel.
#[derive(Debug)]
pub(crate) enum Push {
    /// Something was published.
    Publication {
        channel: String,
        publication: Publication,
    },
    /// The server ended a subscription.
    Unsubscribed { channel: String, code: u32 },
    /// The server ends the connection.
    Disconnected { code: u32 },
    /// Nothing that a subscriber heeds.
    Other,
}

/// One publication.
#[derive(Debug)]
pub(crate) struct Publication {
    pub(crate) offset: u64,
    /// Of a new history.
    pub(crate) epoch: Option<String>,
    pub(crate) entries: Vec<Entry>,
}

/// An event of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) room: Uuid,
    pub(crate) change: Change,
}

/// What an event says that a subscriber heeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// A change of the room's messages.
    Message {
        seq: i64,
        /// Of one that a load test sent.
        own: Option<(Mark, Content)>,
    },
    /// Where the room stands.
    Head { seq: i64 },
    /// Its events come from elsewhere now.
    Moved,
}

#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(default)]
    id: u32,
    subscribe: Option<Subscribed>,
    connect: Option<Connected>,
    error: Option<Refusal>,
    #[serde(borrow)]
    push: Option<RawPush<'a>>,
}

#[derive(Deserialize)]
struct Connected {
    #[serde(default)]
    subs: BTreeMap<String, Subscribed>,
}

#[derive(Deserialize)]
struct RawPush<'a> {
    #[serde(default, borrow)]
    channel: Cow<'a, str>,
    #[serde(rename = "pub", borrow)]
    publication: Option<RawPublication<'a>>,
    unsubscribe: Option<Ended>,
    disconnect: Option<Ended>,
}

#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    code: u32,
}

#[derive(Deserialize)]
struct RawPublication<'a> {
    #[serde(default)]
    offset: u64,
    epoch: Option<String>,
    #[serde(borrow)]
    data: RawData<'a>,
}

#[derive(Deserialize)]
struct RawData<'a> {
    #[serde(default, borrow)]
    events: Vec<RawEvent<'a>>,
}

#[derive(Deserialize)]
struct RawEvent<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    room: Option<Uuid>,
    seq: Option<i64>,
    #[serde(rename = "headSeq")]
    head_seq: Option<i64>,
    #[serde(borrow)]
    message: Option<RawMessage<'a>>,
}

#[derive(Deserialize)]
struct RawMessage<'a> {
    id: Uuid,
    #[serde(default, borrow)]
    content: Cow<'a, str>,
}

impl Line {
    /// Reads one line.
    pub(crate) fn read(line: &str) -> Result<Self, UnreadableLine> {
        if line == "{}" {
            return Ok(Self::Ping);
        }
        let raw: RawLine<'_> = serde_json::from_str(line)?;
        if let Some(push) = raw.push {
            return Ok(Self::Push(push.into()));
        }
        let opened = raw
            .connect
            .and_then(|connected| connected.subs.into_values().next());
        let answer = match (raw.error, raw.subscribe.or(opened)) {
            (Some(refusal), _) => Err(refusal),
            (None, Some(subscribed)) => Ok(Arc::new(subscribed)),
            (None, None) => Ok(Arc::default()),
        };
        Ok(Self::Reply { id: raw.id, answer })
    }
}

impl From<RawPush<'_>> for Push {
    fn from(raw: RawPush<'_>) -> Self {
        if let Some(publication) = raw.publication {
            return Self::Publication {
                channel: raw.channel.into_owned(),
                publication: publication.into(),
            };
        }
        match (raw.unsubscribe, raw.disconnect) {
            (Some(ended), _) => Self::Unsubscribed {
                channel: raw.channel.into_owned(),
                code: ended.code,
            },
            (None, Some(ended)) => Self::Disconnected { code: ended.code },
            (None, None) => Self::Other,
        }
    }
}

impl From<RawPublication<'_>> for Publication {
    fn from(raw: RawPublication<'_>) -> Self {
        let entries = raw.data.events.into_iter().filter_map(entry);
        Self {
            offset: raw.offset,
            epoch: raw.epoch,
            entries: entries.collect(),
        }
    }
}

/// What of an event a subscriber heeds.
fn entry(raw: RawEvent<'_>) -> Option<Entry> {
    let change = match (&*raw.kind, raw.seq) {
        ("joined" | "fanout", _) => Change::Moved,
        ("head", _) => Change::Head { seq: raw.head_seq? },
        (kind, Some(seq)) if kind.starts_with("message.") => {
            // Only its creation is a delivery; another change to it is none.
            let message = raw.message.filter(|_| kind == "message.created");
            let own = message.and_then(|message| {
                let content = Content::read(&message.content)?;
                Some((Mark::new(seq, message.id), content))
            });
            Change::Message { seq, own }
        }
        _ => return None,
    };
    Some(Entry {
        room: raw.room?,
        change,
    })
}

fn publications<'de, D>(deserializer: D) -> Result<Vec<Publication>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let raw: Vec<RawPublication<'_>> = Vec::deserialize(deserializer)?;
    Ok(raw.into_iter().map(Into::into).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::RunId;

    #[test]
    fn a_push_of_messages_is_read() {
        let (room, id) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let content = Content {
            run: RunId::new(),
            due_us: 3,
            number: 4,
        };
        let created = |seq, text: &str| {
            json!({
                "type": "message.created", "room": room, "seq": seq, "epoch": "e", "time": "t",
                "message": { "id": id, "content": text }, "author": { "id": id },
            })
        };
        let line = json!({ "push": { "channel": "room:1", "pub": { "offset": 9, "data": {
            "v": 1,
            "events": [
                created(5, &content.text(0)), created(6, "a \"quoted\" word"),
                { "type": "message.edited", "room": room, "seq": 7, "message": { "id": id, "content": content.text(0) } },
                { "type": "head", "room": room, "headSeq": 8 },
                { "type": "fanout", "room": room, "version": 1, "mode": "room" },
                { "type": "something new", "room": room },
            ],
        } } } });
        let Line::Push(Push::Publication {
            channel,
            publication,
        }) = Line::read(&line.to_string()).unwrap()
        else {
            panic!("no publication");
        };
        assert_eq!((channel.as_str(), publication.offset), ("room:1", 9));
        let own = Some((Mark::new(5, id), content));
        let changes = [
            Change::Message { seq: 5, own },
            Change::Message { seq: 6, own: None },
            Change::Message { seq: 7, own: None },
            Change::Head { seq: 8 },
            Change::Moved,
        ];
        let expected: Vec<_> = changes
            .into_iter()
            .map(|change| Entry { room, change })
            .collect();
        assert_eq!(publication.entries, expected);
    }

    #[test]
    fn answers_are_read() {
        assert!(matches!(Line::read("{}"), Ok(Line::Ping)));
        let line = r#"{"id":1,"connect":{"client":"c","ping":25,"pong":true}}"#;
        assert!(matches!(
            Line::read(line),
            Ok(Line::Reply {
                id: 1,
                answer: Ok(_)
            })
        ));
        let line = r#"{"id":2,"subscribe":{"recoverable":true,"epoch":"E","offset":3,"recovered":true,
                       "publications":[{"data":{"v":1,"events":[]},"offset":3}]}}"#;
        let Ok(Line::Reply {
            id: 2,
            answer: Ok(subscribed),
        }) = Line::read(line)
        else {
            panic!("no answer");
        };
        assert!(subscribed.recovered);
        assert_eq!((subscribed.epoch.as_str(), subscribed.offset), ("E", 3));
        assert_eq!(subscribed.publications.len(), 1);
        let line = r#"{"id":1,"connect":{"client":"c","subs":{"personal:u":{"recovered":true,"offset":4}}}}"#;
        let Ok(Line::Reply {
            answer: Ok(opened), ..
        }) = Line::read(line)
        else {
            panic!("no answer");
        };
        assert_eq!((opened.recovered, opened.offset), (true, 4));
        let line = r#"{"id":2,"error":{"code":103,"message":"permission denied"}}"#;
        let Ok(Line::Reply {
            answer: Err(refusal),
            ..
        }) = Line::read(line)
        else {
            panic!("no refusal");
        };
        assert_eq!(refusal, Refusal { code: 103 });
        assert!(Line::read("nonsense").is_err());
    }

    #[test]
    fn what_the_server_ends_is_read() {
        let line = r#"{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"r"}}}"#;
        assert!(matches!(
            Line::read(line),
            Ok(Line::Push(Push::Unsubscribed { code: 2500, .. }))
        ));
        let line = r#"{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}"#;
        assert!(matches!(
            Line::read(line),
            Ok(Line::Push(Push::Disconnected { code: 3001 }))
        ));
    }
}
