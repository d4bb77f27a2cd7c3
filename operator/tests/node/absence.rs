//! The operator is away for a while, and nobody notices.

use std::{
    panic::{AssertUnwindSafe, resume_unwind},
    time::{Duration, Instant},
};

use futures::FutureExt as _;
use tokio::time;

use crate::{
    chat::Chat,
    listener::{heard_after, talk},
    node::{self, PATIENCE, alone},
    writer::all_there,
};

/// How long there is no operator.
const AWAY: Duration = Duration::from_mins(10);
/// From a message to its being heard, when all is well.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn ten_minutes_without_the_operator_are_not_noticed() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let result = AssertUnwindSafe(without_operator(&chat))
        .catch_unwind()
        .await;
    // Every other test needs it.
    node::operators(&chat.client, 1).await;
    if let Err(panic) = result {
        resume_unwind(panic);
    }
}

async fn without_operator(chat: &Chat) {
    let before = chat.all_pods().await;
    // Tokens end after ten minutes, so there are two pairs of people.
    unnoticed(chat, async || {
        node::operators(&chat.client, 0).await;
        time::sleep(AWAY / 2).await;
    })
    .await;
    unnoticed(chat, async || {
        time::sleep(AWAY / 2).await;
        node::operators(&chat.client, 1).await;
        chat.settled(PATIENCE).await;
    })
    .await;
    // The operator that came back found everything as it should be.
    assert_eq!(chat.all_pods().await, before);
}

/// Two people talk while this happens: nothing of it fails, and it is heard.
async fn unnoticed(chat: &Chat, happens: impl AsyncFnOnce()) {
    let (ada, ben, room) = chat.people().await;
    let (listener, writer) = talk(&ada, &ben, &room).await;
    let since = Instant::now();
    happens().await;
    heard_after(&writer, &listener, Instant::now(), SOON).await;
    assert_eq!(writer.failures(), Vec::<String>::new());
    listener.has_heard(&writer.accepted_since(since)).await;
    let accepted = writer.stop().await;
    all_there(&ada, &room, &accepted).await;
}
