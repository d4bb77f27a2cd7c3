//! What a client asks when something may be missing: where all its rooms stand
//! and how their events travel, and the changes of those that are behind.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{person::Person, timeline::State};

/// Of one `changes`, and of one page of messages.
const PAGE: i64 = 100;
/// When to ask again, unless the answer says so.
const POLL_AFTER_MS: u64 = 5_000;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Caught {
    /// All rooms of the person.
    pub(crate) rooms: Vec<Head>,
    /// In the order in which they were asked.
    pub(crate) pages: Vec<Page>,
    /// When to ask again, while nothing is pushed.
    pub(crate) poll_after: Duration,
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

/// Changes of one room since a position, and the position that they end at.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) room: String,
    pub(crate) since: i64,
    pub(crate) states: Vec<State>,
    pub(crate) next: i64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changes {
    messages: Vec<State>,
    next_seq: i64,
    head_seq: i64,
    reset: bool,
}

/// Asks `heads`, and `changes` of the rooms that are behind it or that are in
/// `ask`, from the positions on that are known.
pub(crate) async fn catch_up(
    person: Arc<Person>,
    positions: HashMap<String, i64>,
    ask: HashSet<String>,
) -> anyhow::Result<Caught> {
    let query = "{ heads { pollAfter rooms { roomId headSeq realtime { channel token } } } }";
    let mut data = person.ask(query, &json!({})).await?;
    let heads = &mut data["heads"];
    let poll_after = heads["pollAfter"].as_u64().unwrap_or(POLL_AFTER_MS);
    let rooms: Vec<Head> = serde_json::from_value(heads["rooms"].take())?;
    let mut pages = Vec::new();
    for head in &rooms {
        let since = positions.get(&head.room).copied().unwrap_or_default();
        if since < head.newest || ask.contains(&head.room) {
            changes(&person, &head.room, since, &mut pages).await?;
        }
    }
    Ok(Caught {
        rooms,
        pages,
        poll_after: Duration::from_millis(poll_after),
    })
}

/// All changes of a room since a position.
async fn changes(
    person: &Person,
    room: &str,
    mut since: i64,
    pages: &mut Vec<Page>,
) -> anyhow::Result<()> {
    let query = "query($room: ID!, $since: Seq!, $first: Int!) { room(id: $room) {
        changes(sinceSeq: $since, first: $first) { nextSeq headSeq reset
            messages { id seq number changedSeq content deletedAt } } } }";
    loop {
        let variables = json!({ "room": room, "since": since, "first": PAGE });
        let mut data = person.ask(query, &variables).await?;
        let answer: Changes = serde_json::from_value(data["room"]["changes"].take())?;
        let (states, next) = if answer.reset {
            history(person, room).await?
        } else {
            (answer.messages, answer.next_seq.min(answer.head_seq))
        };
        let moves = next > since;
        pages.push(Page {
            room: room.to_owned(),
            since,
            states,
            next,
        });
        since = next;
        if since >= answer.head_seq || !moves {
            return Ok(());
        }
    }
}

/// All messages of a room from its first on, and the position that they stand
/// for: the oldest page's, so that later changes come again.
pub(crate) async fn history(person: &Person, room: &str) -> anyhow::Result<(Vec<State>, i64)> {
    let query = "query($room: ID!, $first: Int!, $after: String) { room(id: $room) {
        messages(first: $first, after: $after) { headSeq
            nodes { id seq number changedSeq content deletedAt }
            pageInfo { hasNextPage endCursor } } } }";
    let (mut states, mut head, mut after) = (Vec::new(), None, Value::Null);
    loop {
        let variables = json!({ "room": room, "first": PAGE, "after": after });
        let mut data = person
            .insist(query, &variables, Duration::from_secs(30))
            .await?;
        let page = &mut data["room"]["messages"];
        let nodes: Vec<State> = serde_json::from_value(page["nodes"].take())?;
        states.extend(nodes);
        head = head.or(page["headSeq"].as_i64());
        if page["pageInfo"]["hasNextPage"] != true {
            return Ok((states, head.context("no headSeq")?));
        }
        after = page["pageInfo"]["endCursor"].take();
    }
}
