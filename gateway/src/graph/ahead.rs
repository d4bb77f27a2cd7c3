//! Looking ahead: what the items of a list will ask for is asked for with the
//! list, in one batch. The loaders alone would do it in as many batches as the
//! executor takes turns.

use async_graphql::{Context, Lookahead};
use plaza_clients::{
    Page,
    rooms::{Invitation, Room},
};
use plaza_types::Message;

use super::{context::Session, types::Wanted};

/// Fields of a room that need its head.
const OF_HEAD: [&str; 4] = ["unreadCount", "lastMessage", "headSeq", "readNumber"];

/// What is selected of a connection's items.
pub(super) struct Items<'a>([Lookahead<'a>; 2]);

/// The items of the connection that this field resolves.
pub(super) fn items<'a>(ctx: &'a Context<'a>) -> Items<'a> {
    let field = ctx.look_ahead();
    Items([field.field("nodes"), field.field("edges").field("node")])
}

impl Items<'_> {
    /// Whether a field, or one below it, is selected.
    pub(super) fn select(&self, path: &[&str]) -> bool {
        self.0.iter().any(|item| {
            path.iter()
                .fold(None::<Lookahead<'_>>, |at, name| {
                    Some(at.map_or_else(|| item.field(name), |at| at.field(name)))
                })
                .is_some_and(|at| at.exists())
        })
    }

    /// The tokens that are selected of the items, which are rooms.
    pub(super) fn wanted(&self) -> Wanted {
        let [nodes, edges] = &self.0;
        Wanted::of(&nodes.field("realtime")) | Wanted::of(&edges.field("realtime"))
    }

    /// Whether the items are rooms whose heads will be asked for.
    pub(super) fn select_heads(&self) -> bool {
        OF_HEAD.iter().any(|field| self.select(&[field]))
    }
}

/// Has the tokens signed that will be asked for of rooms.
pub(super) async fn sign_realtime<'r>(
    session: &Session,
    wanted: Wanted,
    rooms: impl IntoIterator<Item = &'r Room>,
) {
    let channels = rooms.into_iter().flat_map(|room| wanted.channels(room));
    session
        .loaders
        .expect_subscriptions(channels.collect())
        .await;
}

/// Loads the authors of messages that will be asked for theirs.
pub(super) async fn load_authors<'m>(
    session: &Session,
    messages: impl IntoIterator<Item = &'m Message>,
) {
    let own = session.caller.user;
    let authors = messages
        .into_iter()
        .map(|message| message.author_id)
        .filter(|author| *author != own)
        .collect();
    session.loaders.expect_users(authors).await;
}

/// Loads who invites and is invited, where it will be asked for.
pub(super) async fn load_invited(ctx: &Context<'_>, session: &Session, page: &Page<Invitation>) {
    let selected = items(ctx);
    if selected.select(&["inviter"]) || selected.select(&["invitee"]) {
        let found = page.items.iter().map(|found| &found.item);
        let users = found.flat_map(|found| [Some(found.inviter_id), found.invitee_id]);
        session
            .loaders
            .expect_users(users.flatten().collect())
            .await;
    }
}
