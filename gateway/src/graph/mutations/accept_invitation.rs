use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use plaza_clients::{messages::MarkRead, rooms};

use crate::{
    graph::{context::signed_in, cost, input, types::Room},
    services::refused,
};

#[derive(Default)]
pub(super) struct AcceptInvitation;

#[Object]
impl AcceptInvitation {
    /// Makes the caller a member by the `id` of an invitation by name or by the `token` of a link, one of the two.
    /// Accepting again changes nothing.
    #[graphql(complexity = "2 * cost::CALL + child_complexity")]
    async fn accept_invitation(
        &self,
        ctx: &Context<'_>,
        id: Option<ID>,
        token: Option<String>,
    ) -> Result<Room> {
        let (request, session) = signed_in(ctx)?;
        let id = id.map(|id| input::id("id", &id)).transpose()?;
        session.loaders.forget();
        let services = request.services();
        let accept = rooms::Accept { id, token };
        let room = services
            .rooms
            .accept(session.who(), &accept)
            .await
            .map_err(refused)?;
        // When this fails the membership stands, and trying again ends it well.
        let head = services
            .messages
            .mark_read(session.who(), room.id, MarkRead { number: None })
            .await
            .map_err(refused)?;
        Ok(Room::from(room).with_head(Some(Arc::new(head))))
    }
}
