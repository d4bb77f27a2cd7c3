//! `GET /internal/removals`

use axum::extract::State;
use plaza_clients::rooms::Removal;
use plaza_kit::{
    feed::{FeedAnswer, FeedQuery},
    http::{Json, Query, Reject},
    token::ServiceCaller,
};

use super::Api;

/// Whose access ended or changed since a number; kept for 5 minutes.
pub(super) async fn removals(
    State(api): State<Api>,
    _service: ServiceCaller,
    Query(query): Query<FeedQuery>,
) -> Result<Json<FeedAnswer<Removal>>, Reject> {
    Ok(Json(api.store.removals(query).await?))
}
