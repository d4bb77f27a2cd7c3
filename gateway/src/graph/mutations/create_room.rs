use async_graphql::{Context, InputObject, Object, Result};
use plaza_clients::rooms;

use crate::{
    graph::{
        context::signed_in,
        cost,
        types::{Room, Visibility},
    },
    services::refused,
};

/// A new room.
#[derive(InputObject)]
struct CreateRoomInput {
    /// Its name, at most 80 characters.
    name: String,
    /// What it is about, at most 250 characters.
    topic: Option<String>,
    /// Who may read.
    #[graphql(default_with = "Visibility::Public")]
    visibility: Visibility,
}

#[derive(Default)]
pub(super) struct CreateRoom;

#[Object]
impl CreateRoom {
    /// Makes a room; the caller becomes its owner.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn create_room(&self, ctx: &Context<'_>, input: CreateRoomInput) -> Result<Room> {
        let (request, session) = signed_in(ctx)?;
        let room = rooms::CreateRoom {
            name: input.name,
            topic: input.topic,
            visibility: input.visibility.into(),
        };
        let room = request.services().rooms.create(session.who(), &room).await;
        Ok(room.map_err(refused)?.into())
    }
}
