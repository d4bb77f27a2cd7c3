use async_graphql::{Context, ID, Object, Result};

use crate::graph::{context::signed_in, input::named, types::Room};

/// Fields whose service checks by itself that the caller may read: a poll of
/// one room's changes asks rooms nothing, and works while rooms is away.
const CHECKED: [&str; 5] = ["messages", "changes", "members", "bans", "invitations"];
/// Fields that need no check.
const BARE: [&str; 2] = ["id", "__typename"];

#[derive(Default)]
pub(super) struct OneRoom;

#[Object]
impl OneRoom {
    /// A room; null when it is not there for the caller.
    async fn room(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Room>> {
        let (_, session) = signed_in(ctx)?;
        let Some(id) = named(&id) else {
            return Ok(None);
        };
        let field = ctx.field();
        let mut selected = field.selection_set().map(|field| field.name());
        let any_checked = field
            .selection_set()
            .any(|field| CHECKED.contains(&field.name()));
        if any_checked && selected.all(|name| CHECKED.contains(&name) || BARE.contains(&name)) {
            return Ok(Some(Room::named(id)));
        }
        Ok(session.loaders.room(id).await?.map(Room::from))
    }
}
