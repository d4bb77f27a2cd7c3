//! What a client asks when something may be missing: the changes of a room, or
//! where all its rooms stand and how their events travel, and the changes of
//! those that are behind.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    person::Person,
    timeline::{State, Timeline},
};

/// Of one `changes`, and of one page of messages.
const PAGE: i64 = 100;
/// When to ask again, unless the answer says so.
const POLL_AFTER_MS: u64 = 5_000;

/// How long one question is asked: who begins with the first again when the
/// second is limited may never come to the third.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was answered.
#[derive(Debug)]
pub(crate) struct Caught {
    /// All rooms of the person, if that was asked.
    pub(crate) heads: Option<Heads>,
    /// In the order in which they were asked.
    pub(crate) pages: Vec<Page>,
    /// What ended the questions before all were answered.
    pub(crate) trouble: Option<Trouble>,
}

/// Why some questions have no answer; what came before it stands.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) error: anyhow::Error,
    /// The rooms whose changes are not known.
    pub(crate) rooms: HashSet<String>,
}

/// Where all rooms of a person stand.
#[derive(Debug)]
pub(crate) struct Heads {
    pub(crate) rooms: Vec<Head>,
    /// Those whose changes are to be asked for next.
    pub(crate) behind: HashSet<String>,
    /// When to ask again, while nothing is pushed.
    pub(crate) poll_after: Duration,
}

/// What is asked.
#[derive(Debug)]
pub(crate) struct Question {
    /// Where every room stands. That alone: the tokens in the answer are good
    /// for seconds.
    pub(crate) heads: bool,
    /// Rooms whose changes are asked for.
    pub(crate) rooms: HashSet<String>,
    /// Up to where each room is known.
    pub(crate) positions: HashMap<String, i64>,
}

/// A room as `heads` gives it.
#[derive(Debug, Deserialize)]
pub(crate) struct Head {
    #[serde(rename = "roomId")]
    pub(crate) room: String,
    #[serde(rename = "headSeq")]
    pub(crate) newest: i64,
    pub(crate) realtime: Option<Realtime>,
}

/// Where a room's events are.
#[derive(Debug, Deserialize)]
pub(crate) struct Realtime {
    /// `None`: on the personal channel.
    pub(crate) channel: Option<String>,
    /// `None`: it opens without one.
    pub(crate) token: Option<String>,
}

/// What was answered about one room.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) room: String,
    pub(crate) news: News,
}

#[derive(Debug)]
pub(crate) enum News {
    /// Its newest page: the room begins anew.
    Newest(Timeline),
    /// Changes since a position, and the position that they end at.
    Changes {
        since: i64,
        states: Vec<State>,
        next: i64,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    messages: Vec<State>,
    next_seq: i64,
    head_seq: i64,
    reset: bool,
}

/// Asks for heads, or for the changes of rooms; of those that are not known yet,
/// for the newest page. Fails when `heads` does.
pub(crate) async fn catch_up(person: Arc<Person>, question: Question) -> anyhow::Result<Caught> {
    let Question {
        heads,
        mut rooms,
        positions,
    } = question;
    let mut caught = Caught {
        heads: None,
        pages: Vec::new(),
        trouble: None,
    };
    if heads {
        caught.heads = Some(ask_heads(&person, &rooms, &positions).await?);
        return Ok(caught);
    }
    while let Some(room) = rooms.iter().next().cloned() {
        let since = positions.get(&room).copied();
        if let Err(error) = news(&person, &room, since, &mut caught.pages).await {
            caught.trouble = Some(Trouble { error, rooms });
            break;
        }
        rooms.remove(&room);
    }
    Ok(caught)
}

async fn ask_heads(
    person: &Person,
    ask: &HashSet<String>,
    positions: &HashMap<String, i64>,
) -> anyhow::Result<Heads> {
    let query = "{ heads { pollAfter rooms { roomId headSeq realtime { channel token } } } }";
    let mut data = person.insist(query, &json!({}), PATIENCE).await?;
    let heads = &mut data["heads"];
    let poll_after = heads["pollAfter"].as_u64().unwrap_or(POLL_AFTER_MS);
    let rooms: Vec<Head> = serde_json::from_value(heads["rooms"].take())?;
    let behind = rooms.iter().filter(|head| {
        let since = positions.get(&head.room).copied();
        since < Some(head.newest) || ask.contains(&head.room)
    });
    Ok(Heads {
        behind: behind.map(|head| head.room.clone()).collect(),
        rooms,
        poll_after: Duration::from_millis(poll_after),
    })
}

/// All changes of a room since a position, or its newest page. `pages` has what
/// was answered before an error.
async fn news(
    person: &Person,
    room: &str,
    since: Option<i64>,
    pages: &mut Vec<Page>,
) -> anyhow::Result<()> {
    let mut push = |news| {
        pages.push(Page {
            room: room.to_owned(),
            news,
        });
    };
    let Some(mut since) = since else {
        push(News::Newest(newest(person, room).await?));
        return Ok(());
    };
    let query = "query($room: ID!, $since: Seq!, $first: Int!) { room(id: $room) {
        changes(sinceSeq: $since, first: $first) { nextSeq headSeq reset
            messages { id seq number changedSeq content deletedAt } } } }";
    loop {
        let variables = json!({ "room": room, "since": since, "first": PAGE });
        let mut data = person.insist(query, &variables, PATIENCE).await?;
        let answer: Changes = serde_json::from_value(data["room"]["changes"].take())?;
        if answer.reset {
            push(News::Newest(newest(person, room).await?));
            return Ok(());
        }
        let next = answer.next_seq.min(answer.head_seq);
        let moves = next > since;
        push(News::Changes {
            since,
            states: answer.messages,
            next,
        });
        since = next;
        if since >= answer.head_seq || !moves {
            return Ok(());
        }
    }
}

/// A room's newest page.
async fn newest(person: &Person, room: &str) -> anyhow::Result<Timeline> {
    let query = "query($room: ID!, $last: Int!) { room(id: $room) {
        messages(last: $last) { headSeq
            nodes { id seq number changedSeq content deletedAt }
            pageInfo { hasPreviousPage } } } }";
    let variables = json!({ "room": room, "last": PAGE });
    let mut data = person.insist(query, &variables, PATIENCE).await?;
    let page = &mut data["room"]["messages"];
    let nodes: Vec<State> = serde_json::from_value(page["nodes"].take())?;
    let first = match nodes.first() {
        Some(first) if page["pageInfo"]["hasPreviousPage"] == true => first.number,
        _ => 1,
    };
    let head = page["headSeq"].as_i64().context("no headSeq")?;
    Ok(Timeline::open(nodes, head, first))
}

/// All messages of a room from its first on.
pub(crate) async fn history(person: &Person, room: &str) -> anyhow::Result<Vec<State>> {
    let query = "query($room: ID!, $first: Int!, $after: String) { room(id: $room) {
        messages(first: $first, after: $after) {
            nodes { id seq number changedSeq content deletedAt }
            pageInfo { hasNextPage endCursor } } } }";
    let (mut states, mut after) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "room": room, "first": PAGE, "after": after });
        let mut data = person
            .insist(query, &variables, Duration::from_secs(30))
            .await?;
        let page = &mut data["room"]["messages"];
        let nodes: Vec<State> = serde_json::from_value(page["nodes"].take())?;
        states.extend(nodes);
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok(states);
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
