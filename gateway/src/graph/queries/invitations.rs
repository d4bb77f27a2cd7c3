use async_graphql::{Context, Object, Result};

use crate::{
    graph::{
        ahead::load_invited,
        context::signed_in,
        cost,
        page::{Connection, page_query},
        types::Invitation,
    },
    services::refused,
};

/// Size of a page that the caller gives no size for.
const DEFAULT: u32 = 30;

#[derive(Default)]
pub(super) struct OwnInvitations;

#[Object]
impl OwnInvitations {
    /// The invitations of the caller by name that can be accepted, the newest first. At most 100 a page.
    #[graphql(complexity = "cost::CALL + cost::page(first, DEFAULT) * child_complexity")]
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
    ) -> Result<Connection<Invitation>> {
        let (request, session) = signed_in(ctx)?;
        let query = page_query(first, after, DEFAULT)?;
        let rooms = &request.services().rooms;
        let page = rooms.own_invitations(session.who(), &query).await;
        let page = page.map_err(refused)?;
        load_invited(ctx, session, &page).await;
        Ok(Connection::new(page, Invitation::from))
    }
}
