use async_graphql::{Context, ID, InputObject, Object, Result};
use plaza_clients::rooms;

use crate::{
    graph::{
        context::signed_in,
        cost, input,
        types::{Member, Role},
    },
    services::refused,
};

/// A member's new role.
#[derive(InputObject)]
struct SetRoleInput {
    /// In which room.
    room_id: ID,
    /// Which member.
    user_id: ID,
    /// What they may do from now on.
    role: Role,
}

#[derive(Default)]
pub(super) struct SetRole;

#[Object]
impl SetRole {
    /// Gives a member whose role is below the caller's a role below the caller's; an owner may make owners.
    /// Everybody may lower their own role, but for the last owner.
    #[graphql(complexity = "2 * cost::CALL + child_complexity")]
    async fn set_role(&self, ctx: &Context<'_>, input: SetRoleInput) -> Result<Member> {
        let (request, session) = signed_in(ctx)?;
        let room = input::id("roomId", &input.room_id)?;
        let user = input::id("userId", &input.user_id)?;
        session.loaders.forget();
        let role = rooms::SetRole {
            role: input.role.into(),
        };
        let rooms = &request.services().rooms;
        let member = rooms.set_role(session.who(), room, user, &role).await;
        Ok(member.map_err(refused)?.into())
    }
}
