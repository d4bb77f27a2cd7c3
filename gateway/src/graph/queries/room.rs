use async_graphql::{Context, ID, Object, Result};

use crate::graph::{context::signed_in, input::named, types::Room};

/// Fields that other services answer for by themselves: a poll of one room's
/// changes asks rooms nothing, and works while rooms is away.
const ELSEWHERE: [&str; 5] = ["__typename", "id", "messages", "changes", "members"];

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
        let mut selected = field.selection_set().peekable();
        let checked_elsewhere = |name: &str| matches!(name, "messages" | "changes" | "members");
        if selected.peek().is_some()
            && field
                .selection_set()
                .all(|field| ELSEWHERE.contains(&field.name()))
            && field
                .selection_set()
                .any(|field| checked_elsewhere(field.name()))
        {
            return Ok(Some(Room::named(id)));
        }
        Ok(session.loaders.room(id).await?.map(Room::from))
    }
}
