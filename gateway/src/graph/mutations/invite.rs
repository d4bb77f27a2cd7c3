use async_graphql::{Context, ID, InputObject, Object, Result};
use plaza_clients::rooms;

use crate::{
    graph::{context::signed_in, cost, input, types::Invitation},
    services::refused,
};

/// Whom to invite.
#[derive(InputObject)]
struct InviteInput {
    /// Into which room.
    room_id: ID,
    /// Whom, by name; null: whoever has the link.
    username: Option<String>,
    /// How often a link can be used, from 1 to 1,000; null: once.
    max_uses: Option<i32>,
    /// How long, in seconds, from a minute to 30 days; null: a week.
    expires_in: Option<i32>,
}

#[derive(Default)]
pub(super) struct Invite;

#[Object]
impl Invite {
    /// Invites somebody by name, who sees it in `invitations`, or makes a link, whose `token` is in this
    /// answer and never again. For moderators and above.
    #[graphql(complexity = "2 * cost::CALL + child_complexity")]
    async fn invite(&self, ctx: &Context<'_>, input: InviteInput) -> Result<Invitation> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &input.room_id)?;
        let invite = rooms::Invite {
            username: input.username,
            max_uses: input.max_uses,
            expires_in: input.expires_in,
        };
        let rooms = &request.services().rooms;
        let invitation = rooms.invite(session.who(), room, &invite).await;
        Ok(invitation.map_err(refused)?.into())
    }
}
