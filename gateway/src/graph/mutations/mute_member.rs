use async_graphql::{Context, ID, InputObject, Object, Result};
use plaza_clients::rooms;

use crate::{
    graph::{context::signed_in, cost, input, scalars::DateTime, types::Member},
    services::refused,
};

/// Who may not write.
#[derive(InputObject)]
struct MuteMemberInput {
    /// In which room.
    room_id: ID,
    /// Which member.
    user_id: ID,
    /// Until when, at most a year from now; null: they may write again.
    until: Option<DateTime>,
}

#[derive(Default)]
pub(super) struct MuteMember;

#[Object]
impl MuteMember {
    /// Lets a member whose role is below the caller's read only, or write again. For moderators and above.
    #[graphql(complexity = "2 * cost::CALL + child_complexity")]
    async fn mute_member(&self, ctx: &Context<'_>, input: MuteMemberInput) -> Result<Member> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &input.room_id)?;
        let user = input::id("userId", &input.user_id)?;
        session.loaders.forget();
        let mute = rooms::MuteMember {
            until: input.until.map(Into::into),
        };
        let rooms = &request.services().rooms;
        let member = rooms.mute(session.who(), room, user, &mute).await;
        Ok(member.map_err(refused)?.into())
    }
}
