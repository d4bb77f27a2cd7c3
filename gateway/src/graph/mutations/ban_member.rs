use async_graphql::{Context, ID, InputObject, Object, Result};
use plaza_clients::rooms;

use crate::{
    graph::{context::signed_in, cost, input, scalars::DateTime},
    services::refused,
};

/// Whom to keep out.
#[derive(InputObject)]
struct BanMemberInput {
    /// Of which room.
    room_id: ID,
    /// Whom; a member or not.
    user_id: ID,
    /// Why, for those who moderate the room, at most 250 characters.
    reason: Option<String>,
    /// Until when; null: for good.
    until: Option<DateTime>,
}

#[derive(Default)]
pub(super) struct BanMember;

#[Object]
impl BanMember {
    /// Keeps somebody whose role is below the caller's out of a room: they neither read, write nor join,
    /// nor can they be invited. For moderators and above.
    #[graphql(complexity = "2 * cost::CALL")]
    async fn ban_member(&self, ctx: &Context<'_>, input: BanMemberInput) -> Result<bool> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &input.room_id)?;
        let user = input::id("userId", &input.user_id)?;
        session.loaders.forget();
        let ban = rooms::BanMember {
            reason: input.reason,
            until: input.until.map(Into::into),
        };
        let rooms = &request.services().rooms;
        let banned = rooms.ban(session.who(), room, user, &ban).await;
        banned.map_err(refused)?;
        Ok(true)
    }
}
