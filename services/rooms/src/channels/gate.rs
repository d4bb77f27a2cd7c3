//! Whether somebody may open a channel.

use std::{sync::Arc, time::Duration};

use plaza_centrifugo::Channel;
use plaza_kit::{
    feed::{self, Freshness},
    groups::Groups,
    health::Readiness,
    shutdown::Shutdown,
};
use plaza_types::{RoomId, UserId};

use super::{ChannelArgs, ChannelError, Memory};
use crate::{
    domain::{Standing, may_open},
    storage::Store,
};

/// How old the last look at the removals may be for memory to be relied on: one
/// is made each second.
const FRESH: Duration = Duration::from_millis(1_500);
/// Questions that are asked together.
const TOGETHER: usize = 256;

type Question = (RoomId, UserId);
type Answer = Result<Option<Standing>, ChannelError>;

/// Answers who may open a channel. At most one query is under way at a time,
/// for all who ask at that moment.
#[derive(Debug, Clone)]
pub(crate) struct Gate {
    store: Store,
    memory: Arc<Memory>,
    removals: Freshness,
    questions: Groups<(), Question, Answer>,
    timeout: Duration,
}

impl Gate {
    /// One that relies on nothing that it remembers until [`Gate::follow`].
    pub(crate) fn new(store: Store, args: ChannelArgs) -> Self {
        for source in ["memory", "database"] {
            metrics::counter!("plaza_channel_questions_total", "from" => source).increment(0);
        }
        let waiting = usize::try_from(args.rooms_channel_questions).unwrap_or(usize::MAX);
        Self {
            memory: store.memory.clone(),
            store,
            removals: Freshness::default(),
            questions: Groups::new(TOGETHER, waiting),
            timeout: Duration::from_millis(args.rooms_channel_timeout_ms),
        }
    }

    /// Begins to read the removals, whose first answer the readiness check
    /// `removals` stands for.
    pub(crate) fn follow(&mut self, readiness: &Readiness, shutdown: &Shutdown) {
        let store = self.store.clone();
        let ask = move |query| {
            let store = store.clone();
            async move { store.removals(query).await }
        };
        let memory = self.memory.clone();
        self.removals = feed::poll("removals", memory, ask, readiness.clone(), shutdown);
    }

    /// Whether somebody may open a channel now.
    pub(crate) async fn may_open(
        &self,
        user: UserId,
        channel: Channel,
    ) -> Result<bool, ChannelError> {
        let Some((room, _)) = channel.room() else {
            return Ok(false);
        };
        if self
            .remembered(room, user)
            .is_some_and(|standing| may_open(channel, &standing))
        {
            return Ok(true);
        }
        let standing = self.ask(room, user).await?;
        Ok(standing.is_some_and(|standing| may_open(channel, &standing)))
    }

    /// Where somebody stands in a room now; none: there is no such room.
    pub(crate) async fn standing(
        &self,
        user: UserId,
        room: RoomId,
    ) -> Result<Option<Standing>, ChannelError> {
        match self.remembered(room, user) {
            Some(standing) if standing.is_member => Ok(Some(standing)),
            _ => self.ask(room, user).await,
        }
    }

    fn remembered(&self, room: RoomId, user: UserId) -> Option<Standing> {
        if !self.relies_on_memory() {
            return None;
        }
        let standing = self.memory.get(room, user)?;
        answered_from("memory");
        Some(standing)
    }

    /// Whether what ended elsewhere is known by now.
    pub(super) fn relies_on_memory(&self) -> bool {
        self.removals.age().is_some_and(|age| age < FRESH)
    }

    async fn ask(&self, room: RoomId, user: UserId) -> Answer {
        answered_from("database");
        let (store, memory) = (self.store.clone(), self.memory.clone());
        let work = move |questions: Vec<Question>| ask(store.clone(), memory.clone(), questions);
        let question = self.questions.run((), (room, user), work);
        match tokio::time::timeout(self.timeout, question).await {
            Ok(answer) => answer?,
            Err(_) => Err(ChannelError::Late),
        }
    }
}

async fn ask(store: Store, memory: Arc<Memory>, questions: Vec<Question>) -> Vec<Answer> {
    let question = memory.question();
    match store.standings(&questions).await {
        Ok(standings) => {
            for ((room, user), standing) in questions.into_iter().zip(&standings) {
                if let Some(standing) = standing.filter(Standing::may_read) {
                    memory.remember(question, room, user, standing);
                }
            }
            standings.into_iter().map(Ok).collect()
        }
        Err(error) => {
            let error = ChannelError::Storage(Arc::new(error));
            vec![Err(error); questions.len()]
        }
    }
}

fn answered_from(source: &'static str) {
    metrics::counter!("plaza_channel_questions_total", "from" => source).increment(1);
}
