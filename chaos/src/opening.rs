//! The rooms of a run, opened and filled.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    layout::{Layout, Size},
    person::Person,
    tide::join,
};

const PATIENCE: Duration = Duration::from_mins(1);
/// People who come into a room at the same time.
const AT_ONCE: usize = 8;
/// As often as one invitation link is good for.
const USES: usize = 1_000;

/// A room that is open.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) id: String,
    pub(crate) layout: Layout,
}

/// Opens a room, and brings in who is steady there.
pub(crate) async fn open(
    number: usize,
    layout: Layout,
    people: &[Arc<Person>],
) -> anyhow::Result<Room> {
    let (first, others) = layout.steady.split_first().context("nobody takes part")?;
    let first = &people[*first];
    let private = layout.size == Size::Private;
    let visibility = if private { "PRIVATE" } else { "PUBLIC" };
    let query = "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }";
    let input = json!({ "name": format!("Chaos {number}"), "visibility": visibility });
    let data = first
        .insist(query, &json!({ "input": input }), PATIENCE)
        .await?;
    let id = text(&data["createRoom"]["id"])?;
    let link = if private {
        Some(link(first, &id).await?)
    } else {
        None
    };
    let joins = others.iter().map(|number| {
        let person = &people[*number];
        let (id, link) = (&id, &link);
        async move {
            match link {
                Some(token) => accept(person, token).await,
                None => join(person, id).await,
            }
        }
    });
    stream::iter(joins)
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(Room { id, layout })
}

/// A way into a private room for whoever has it.
pub(crate) async fn link(owner: &Person, room: &str) -> anyhow::Result<String> {
    let query = "mutation($input: InviteInput!) { invite(input: $input) { token } }";
    let input = json!({ "roomId": room, "maxUses": USES });
    let data = owner
        .insist(query, &json!({ "input": input }), PATIENCE)
        .await?;
    text(&data["invite"]["token"])
}

/// Takes that way.
pub(crate) async fn accept(person: &Person, token: &str) -> anyhow::Result<()> {
    let query = "mutation($token: String) { acceptInvitation(token: $token) { id } }";
    let accepted = person
        .insist(query, &json!({ "token": token }), PATIENCE)
        .await;
    accepted.context("an invitation was not accepted").map(drop)
}

fn text(value: &Value) -> anyhow::Result<String> {
    value.as_str().map(str::to_owned).context("no id")
}
