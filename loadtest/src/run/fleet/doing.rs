//! What a virtual user does, beside taking what comes.

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{
    ask::{Head, Page},
    held::{Held, Opening},
    person::{Kept, Person},
};
use crate::{
    fleet::{Act, favourite},
    graphql::AskError,
    wire::{Socket, SocketError},
};

/// Rooms whose timelines are held: the open one, and two that were left last.
const MOST_HELD: usize = 3;
/// How often another room is drawn when it is the open one.
const DRAWS: usize = 8;

/// One thing at a time.
pub(super) enum Doing {
    Nothing,
    /// Waits for an answer.
    Asking {
        act: Act,
        due: Instant,
        /// The number of the room that it is about.
        room: u32,
        answer: BoxFuture<'static, Result<Answer, AskError>>,
    },
    /// Waits for a room's channel to open.
    Subscribing {
        due: Instant,
        /// The number of the command, once it was answered.
        command: u32,
        is_open: bool,
    },
}

/// What was answered.
pub(super) enum Answer {
    /// What opens the channel of the room that is being opened.
    Token(String),
    /// The newest page, or with `ScrollBack` the one before what is there.
    Page(Page),
    Heads(Vec<Head>),
    Done,
}

/// An answer, and to what.
pub(super) struct Answered {
    act: Act,
    due: Instant,
    room: u32,
    answer: Result<Answer, AskError>,
}

impl Doing {
    /// The answer that is waited for; never without one.
    pub(super) async fn answer(&mut self) -> Answered {
        let Self::Asking {
            act,
            due,
            room,
            answer,
        } = self
        else {
            return std::future::pending().await;
        };
        let answered = Answered {
            act: *act,
            due: *due,
            room: *room,
            answer: answer.await,
        };
        *self = Self::Nothing;
        answered
    }
}

impl Person {
    /// Begins an act. Without anything to do it is none.
    pub(super) async fn begin(
        &mut self,
        act: Act,
        due: Instant,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), SocketError> {
        match act {
            Act::OpenRoom => return self.open(due, kept, socket).await,
            Act::ScrollBack => {
                if let Some(open) = kept.held.first()
                    && let Some(before) = open.before.clone()
                {
                    self.ask_page(Act::ScrollBack, due, open.room, Some(before), kept);
                }
            }
            Act::MarkRead => self.mark_read(due, kept),
            Act::Typing => {
                if let Some(open) = kept.held.first() {
                    let (asker, id) = (self.asker(), self.shared.rooms.id(open.room));
                    kept.doing = Doing::Asking {
                        act,
                        due,
                        room: open.room,
                        answer: Box::pin(async move {
                            asker.typing(id).await?;
                            Ok(Answer::Done)
                        }),
                    };
                }
            }
            Act::Heads => {
                let asker = self.asker();
                kept.doing = Doing::Asking {
                    act,
                    due,
                    room: 0,
                    answer: Box::pin(async move { asker.heads(false).await.map(Answer::Heads) }),
                };
            }
            Act::Reconnect => {}
        }
        Ok(())
    }

    /// Opens another room: one of those that are held is just there.
    async fn open(
        &mut self,
        due: Instant,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), SocketError> {
        let Some(room) = self.another(kept) else {
            return Ok(());
        };
        if let Some(place) = kept.held.iter().position(|held| held.room == room) {
            kept.held[..=place].rotate_right(1);
            self.shown(due, kept, socket).await?;
            return Ok(());
        }
        let Some(route) = self.shared.rooms.route(room) else {
            // Where they are is asked on every connection: it is no longer there.
            self.shared.meters().error("a room without channels".into());
            self.shared.acts.failed(Act::OpenRoom);
            return Ok(());
        };
        kept.opening = Some(Box::new(Opening::of(room)));
        let Some(channel) = route.channel else {
            self.ask_page(Act::OpenRoom, due, room, None, kept);
            return Ok(());
        };
        if super::opens_by_token(&channel) {
            let asker = self.asker();
            kept.doing = Doing::Asking {
                act: Act::OpenRoom,
                due,
                room,
                answer: Box::pin(async move {
                    asker.subscription_token(&channel).await.map(Answer::Token)
                }),
            };
        } else {
            let command = socket.subscribe(&channel, None, None).await?;
            kept.doing = Doing::Subscribing {
                due,
                command,
                is_open: false,
            };
        }
        Ok(())
    }

    /// A room that is not the open one, the favourites first; none: there is
    /// none.
    fn another(&mut self, kept: &Kept) -> Option<u32> {
        let open = kept.held.first().map(|held| held.room);
        let rooms = &self.rooms;
        let draws = (0..DRAWS).map(|_| rooms.get(favourite(rooms.len(), &mut self.random)));
        draws.flatten().copied().find(|room| Some(*room) != open)
    }

    fn ask_page(
        &self,
        act: Act,
        due: Instant,
        room: u32,
        before: Option<Box<str>>,
        kept: &mut Kept,
    ) {
        let (asker, id) = (self.asker(), self.shared.rooms.id(room));
        kept.doing = Doing::Asking {
            act,
            due,
            room,
            answer: Box::pin(async move { asker.page(id, before).await.map(Answer::Page) }),
        };
    }

    /// The open room is read to its end, if there is something new.
    fn mark_read(&self, due: Instant, kept: &mut Kept) {
        let Some(open) = kept.held.first_mut() else {
            return;
        };
        let newest = open.newest();
        if newest <= open.marked {
            return;
        }
        open.marked = newest;
        kept.unread.remove(&open.room);
        let (asker, id) = (self.asker(), self.shared.rooms.id(open.room));
        kept.doing = Doing::Asking {
            act: Act::MarkRead,
            due,
            room: open.room,
            answer: Box::pin(async move {
                asker.mark_read(id, newest).await?;
                Ok(Answer::Done)
            }),
        };
    }

    /// Something was answered.
    pub(super) async fn answered(
        &mut self,
        answered: Answered,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), SocketError> {
        let Answered {
            act,
            due,
            room,
            answer,
        } = answered;
        let meters = self.shared.meters();
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                meters.error(error.label());
                self.shared.acts.failed(act);
                if act == Act::OpenRoom
                    && let Some(place) = kept.opening.take().and_then(|opening| opening.place)
                {
                    socket.unsubscribe(&place.channel).await?;
                }
                return Ok(());
            }
        };
        match answer {
            Answer::Token(token) => {
                let Some(channel) = self
                    .shared
                    .rooms
                    .route(room)
                    .and_then(|route| route.channel)
                else {
                    // It has become small meanwhile.
                    return Err(SocketError::Moved);
                };
                let command = socket.subscribe(&channel, Some(&token), None).await?;
                kept.doing = Doing::Subscribing {
                    due,
                    command,
                    is_open: false,
                };
            }
            Answer::Page(page) if act == Act::ScrollBack => {
                self.shared.acts.done(act, due, meters);
                // Another room may be open by now.
                if let Some(held) = kept.of(room) {
                    held.prepend(page, self.shared.run.run);
                }
            }
            Answer::Page(page) => {
                // It may be that everything ends.
                if let Some(opening) = kept.opening.take() {
                    let id = self.shared.rooms.id(room);
                    let run = self.shared.run.run;
                    let held = Held::open(*opening, id, page, self.number, run, meters);
                    kept.held.insert(0, held);
                    self.shared.acts.done(act, due, meters);
                    self.leave_oldest(kept, socket).await?;
                    self.shown(Instant::now(), kept, socket).await?;
                }
            }
            Answer::Heads(heads) => {
                self.shared.acts.done(act, due, meters);
                self.learn(&heads, kept);
            }
            Answer::Done => self.shared.acts.done(act, due, meters),
        }
        Ok(())
    }

    /// The channel of the room that is being opened may be there: then its page
    /// is asked for.
    pub(super) fn subscribed(&self, kept: &mut Kept) {
        if let Doing::Subscribing {
            due, is_open: true, ..
        } = kept.doing
        {
            kept.doing = Doing::Nothing;
            if let Some(room) = kept.opening.as_ref().map(|opening| opening.room) {
                self.ask_page(Act::OpenRoom, due, room, None, kept);
            }
        }
    }

    /// Lets go of timelines beyond those that are held.
    async fn leave_oldest(&self, kept: &mut Kept, socket: &mut Socket) -> Result<(), SocketError> {
        while kept.held.len() > MOST_HELD {
            let Some(oldest) = kept.held.pop() else { break };
            if let Some(place) = &oldest.place {
                socket.unsubscribe(&place.channel).await?;
            }
            self.shared.ledger().close(oldest.close(false));
        }
        Ok(())
    }

    /// Another room is on the screen: who is there is heard of, and what is
    /// unread is read.
    async fn shown(
        &self,
        due: Instant,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), SocketError> {
        self.show_live(kept, socket).await?;
        if let Some(open) = kept.held.first() {
            self.shared.opened(self.number, open.room);
            if kept.unread.contains(&open.room) {
                self.mark_read(due, kept);
            }
        }
        Ok(())
    }

    /// Opens the live channel of the open room in place of the one before.
    pub(super) async fn show_live(
        &self,
        kept: &mut Kept,
        socket: &mut Socket,
    ) -> Result<(), SocketError> {
        let open = kept.held.first().map(|held| held.room);
        if open == kept.live {
            return Ok(());
        }
        let channel = |room: u32| self.shared.rooms.route(room).map(|route| route.live);
        if let Some(before) = kept.live.take().and_then(channel) {
            socket.unsubscribe(&before).await?;
        }
        if let Some(now) = open.and_then(channel) {
            socket.subscribe(&now, None, None).await?;
        }
        kept.live = open;
        Ok(())
    }

    /// Takes note of where rooms stand, and where their events are.
    pub(super) fn learn(&self, heads: &[Head], kept: &mut Kept) {
        for head in heads {
            let Some(room) = self.shared.rooms.number(head.room_id) else {
                continue;
            };
            if let Some(realtime) = &head.realtime {
                let channel = realtime.channel.as_deref();
                self.shared.rooms.learn(room, channel, &realtime.live);
            }
            if head.unread_count > 0 {
                kept.unread.insert(room);
            } else {
                kept.unread.remove(&room);
            }
        }
    }
}
