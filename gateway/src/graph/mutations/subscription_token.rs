use async_graphql::{Context, Object, Result};
use plaza_centrifugo::{Channel, NoChannel};
use plaza_types::ApiError;

use crate::graph::{
    context::signed_in,
    cost,
    types::{RealtimeToken, by_token},
};

#[derive(Default)]
pub(super) struct SubscriptionToken;

#[Object]
impl SubscriptionToken {
    /// A token for one channel that `Room.realtime` named. NOT_FOUND when the room does not have it now for the caller.
    #[graphql(complexity = "2 * cost::CALL + child_complexity")]
    async fn subscription_token(
        &self,
        ctx: &Context<'_>,
        channel: String,
    ) -> Result<RealtimeToken> {
        let (request, session) = signed_in(ctx)?;
        let asked: Channel = channel.parse().map_err(|_: NoChannel| {
            ApiError::bad_input("channel", "channel is not the name of a channel.")
        })?;
        let not_found = || ApiError::not_found("channel");
        let endpoint = request.gateway.realtime.as_ref().ok_or_else(not_found)?;
        let (room, _) = asked.room().ok_or_else(not_found)?;
        // What it is called now, for this caller, decides: not what was asked.
        let room = session.loaders.room(room).await?.ok_or_else(not_found)?;
        let channel = by_token(&room)
            .into_iter()
            .flatten()
            .find(|channel| *channel == asked)
            .ok_or_else(not_found)?;
        let token = session.loaders.subscription(channel).await?;
        Ok(RealtimeToken {
            token: token.token.clone(),
            expires_at: token.expires_at.into(),
            endpoint: endpoint.as_str().to_owned(),
            channels: vec![token.channel.clone()],
        })
    }
}
