//! What a subscriber asks because something is missing, or may be.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{Kept, Subscriber};
use crate::{
    cast::VirtualUser,
    graphql::AskError,
    run::{
        meters::count,
        room::{Caught, Heads},
        shared::Shared,
    },
};

/// After a `changes` that was not answered, or moved nothing.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is missing, as it was asked.
pub(super) enum Answer {
    Heads(Result<Heads, AskError>),
    Changes(Result<Caught, AskError>),
}

impl Subscriber {
    /// Nothing says that the connection is live.
    pub(super) fn poll(&self, kept: &mut Kept) {
        count(&self.shared.meters.polls);
        if let Some(timeline) = &mut kept.timeline {
            timeline.doubt();
        }
    }

    /// Asks what is missing: where the room stands, or what happened there.
    pub(super) fn ask(&self, kept: &Kept) -> Option<BoxFuture<'static, Answer>> {
        let timeline = kept.timeline.as_ref()?;
        let (shared, user) = (self.shared.clone(), self.user.clone());
        if timeline.is_unsure() {
            return Some(Box::pin(heads(shared, user)));
        }
        count(&self.shared.meters.asked);
        Some(Box::pin(changes(shared, user, timeline.position())))
    }

    /// It was answered; how soon it may be asked again.
    pub(super) fn answered(&self, answer: Answer, kept: &mut Kept) -> Duration {
        let meters = &self.shared.meters;
        let Some(timeline) = &mut kept.timeline else {
            return ASK_AGAIN_AFTER;
        };
        let error = match answer {
            Answer::Heads(Ok(heads)) => {
                kept.pulse.told(Instant::now(), heads.poll_after);
                timeline.heard(heads.head, meters);
                return Duration::ZERO;
            }
            Answer::Changes(Ok(caught)) => {
                let before = timeline.position();
                timeline.caught(caught, meters);
                return if timeline.position() > before {
                    Duration::ZERO
                } else {
                    ASK_AGAIN_AFTER
                };
            }
            Answer::Heads(Err(error)) | Answer::Changes(Err(error)) => error,
        };
        meters.error(error.label());
        error.wait().unwrap_or(ASK_AGAIN_AFTER)
    }
}

/// Asks where the room stands, when it is this user's turn.
async fn heads(shared: Arc<Shared>, user: Arc<VirtualUser>) -> Answer {
    let _turn = shared.turns.acquire().await;
    Answer::Heads(shared.reader(&user, shared.room).heads().await)
}

/// Asks what is missing, when it is this user's turn.
async fn changes(shared: Arc<Shared>, user: Arc<VirtualUser>, since: i64) -> Answer {
    let _turn = shared.turns.acquire().await;
    Answer::Changes(shared.reader(&user, shared.room).changes(since).await)
}
