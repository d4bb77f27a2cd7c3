use async_graphql::{Context, ID, InputObject, Object, Result};
use plaza_clients::rooms;

use crate::{
    graph::{
        context::signed_in,
        cost, input,
        types::{Room, Visibility},
    },
    services::refused,
};

/// What to change of a room; what is left out stays.
#[derive(InputObject)]
struct UpdateRoomInput {
    /// Which room.
    room_id: ID,
    /// Its name, at most 80 characters.
    name: Option<String>,
    /// What it is about, at most 250 characters; an empty one takes the old one away.
    topic: Option<String>,
    /// Who may read. A private room that becomes public shows its whole history to everybody.
    visibility: Option<Visibility>,
}

#[derive(Default)]
pub(super) struct UpdateRoom;

#[Object]
impl UpdateRoom {
    /// Changes a room's name, topic or visibility. For admins and owners.
    #[graphql(complexity = "cost::CALL + child_complexity")]
    async fn update_room(&self, ctx: &Context<'_>, input: UpdateRoomInput) -> Result<Room> {
        let (request, session) = signed_in(ctx)?;
        let id = input::id("roomId", &input.room_id)?;
        session.loaders.forget();
        let change = rooms::UpdateRoom {
            name: input.name,
            topic: input.topic,
            visibility: input.visibility.map(Into::into),
        };
        let rooms = &request.services().rooms;
        let room = rooms.update(session.who(), id, &change).await;
        Ok(room.map_err(refused)?.into())
    }
}
