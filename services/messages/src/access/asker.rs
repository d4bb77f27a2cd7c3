//! Asking rooms, and remembering what it says.

use std::{
    collections::HashSet,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, stream};
use moka::future::Cache;
use plaza_clients::{
    As, ClientError, MAX_LOOKUP,
    rooms::{Access, RoomsClient},
};
use plaza_kit::{retry::Outage, token::Caller};
use plaza_types::{Code, RoomId, UserId, Visibility};
use secrecy::ExposeSecret;
use tokio::time::{Instant, timeout};

use super::{AccessError, counted, memory::Memory};

/// Longest wait for rooms where what is remembered would do.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long rooms is not asked again, after it did not answer, where what is
/// remembered would do: its outage must not slow every send.
const QUIET: Duration = Duration::from_secs(1);
/// Questions about different users and rooms at one moment.
const QUESTIONS: u64 = 10_000;
/// Lookups at one moment for one request.
const LOOKUPS: usize = 4;

type Answer = Result<Access, AccessError>;

/// Asks rooms in the caller's name.
#[derive(Debug)]
pub(super) struct Asker {
    rooms: RoomsClient,
    memory: Arc<Memory>,
    /// Lets concurrent questions about one user in one room share an answer.
    /// It keeps nothing: every answer is handed over as an error.
    shared: Cache<(RoomId, UserId), Infallible>,
    outage: Outage,
    quiet_since: Mutex<Option<Instant>>,
}

impl Asker {
    pub(super) fn new(rooms: RoomsClient, memory: Arc<Memory>) -> Self {
        Self {
            rooms,
            memory,
            shared: Cache::new(QUESTIONS),
            outage: Outage::new("rooms"),
            quiet_since: Mutex::new(None),
        }
    }

    /// What the caller may do in a room, asked together with whoever asks the
    /// same at this moment.
    pub(super) async fn access(&self, caller: &Caller, room: RoomId) -> Answer {
        let mut again = false;
        loop {
            let mut own = false;
            let shared = self.shared.try_get_with((room, caller.user), async {
                own = true;
                Err::<Infallible, _>(self.ask(caller, room).await)
            });
            let answer = match shared.await {
                Ok(never) => match never {},
                Err(answer) => Answer::clone(&answer),
            };
            // A question that was on its way already may be older than the
            // caller's join; the one after it cannot be.
            let member = matches!(&answer, Ok(access) if access.membership.is_some());
            if own || again || member {
                return answer;
            }
            again = true;
        }
    }

    async fn ask(&self, caller: &Caller, room: RoomId) -> Answer {
        let question = self.memory.question();
        let token = As::User(caller.token.expose_secret());
        let answer = self.heard(self.rooms.access(token, room).await);
        match &answer {
            Ok(access) => self.memory.remember(question, room, caller.user, access),
            Err(AccessError::NoSuchRoom) => self.memory.forget(room, caller.user),
            Err(_) => {}
        }
        answer
    }

    /// Whether the caller may delete what this person wrote.
    pub(super) async fn moderates(
        &self,
        caller: &Caller,
        room: RoomId,
        author: UserId,
    ) -> Result<(), AccessError> {
        let token = As::User(caller.token.expose_secret());
        self.heard(self.rooms.moderates(token, room, author).await)
    }

    /// Those of the rooms that the caller may read.
    pub(super) async fn readable(
        &self,
        caller: &Caller,
        rooms: &[RoomId],
    ) -> Result<HashSet<RoomId>, AccessError> {
        let questions: Vec<_> = rooms
            .chunks(MAX_LOOKUP)
            .map(|some| self.look_up(caller, some.to_vec()))
            .collect();
        let answers: Vec<Vec<RoomId>> = stream::iter(questions)
            .buffer_unordered(LOOKUPS)
            .try_collect()
            .await?;
        Ok(answers.into_iter().flatten().collect())
    }

    async fn look_up(
        &self,
        caller: &Caller,
        rooms: Vec<RoomId>,
    ) -> Result<Vec<RoomId>, AccessError> {
        let question = self.memory.question();
        let token = As::User(caller.token.expose_secret());
        let found = self.heard(self.rooms.lookup(token, rooms.clone()).await)?;
        let mut readable = Vec::with_capacity(found.len());
        for room in found {
            let access = Access {
                visibility: room.visibility,
                open: room.open,
                membership: room.membership,
            };
            self.memory
                .remember(question, room.id, caller.user, &access);
            if may_read(&access) {
                readable.push(room.id);
            }
        }
        for room in rooms.into_iter().filter(|room| !readable.contains(room)) {
            self.memory.forget(room, caller.user);
        }
        Ok(readable)
    }

    /// Asks no longer than is worth it where something is remembered; none:
    /// there is no answer, and what is remembered has to do.
    pub(super) async fn briefly<T>(
        &self,
        question: impl Future<Output = Result<T, AccessError>>,
    ) -> Result<Option<T>, AccessError> {
        if !self.is_quiet() {
            match timeout(PATIENCE, question).await {
                Ok(Ok(answer)) => return Ok(Some(answer)),
                Ok(Err(AccessError::Unanswered(_))) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => self.set_quiet(true),
            }
        }
        counted("relied");
        Ok(None)
    }

    /// Tells a refusal from an outage, and takes note of the latter.
    fn heard<T>(&self, answer: Result<T, ClientError>) -> Result<T, AccessError> {
        counted("asked");
        let error = match answer {
            Ok(answer) => {
                self.outage.answered();
                self.set_quiet(false);
                return Ok(answer);
            }
            Err(error) => error,
        };
        match (error.code(), error) {
            (Some(Code::NotFound), _) => Err(AccessError::NoSuchRoom),
            (
                Some(Code::Unauthenticated | Code::Forbidden | Code::RateLimited),
                ClientError::Refused { error, .. },
            ) => Err(AccessError::Refused(error)),
            (_, error) => {
                self.outage.failed(&error);
                self.set_quiet(true);
                Err(AccessError::Unanswered(Arc::new(error)))
            }
        }
    }

    fn set_quiet(&self, quiet: bool) {
        *self
            .quiet_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = quiet.then(Instant::now);
    }

    fn is_quiet(&self) -> bool {
        self.quiet_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|since| since.elapsed() < QUIET)
    }
}

/// Whether somebody with this access may read.
pub(super) fn may_read(access: &Access) -> bool {
    access.visibility == Visibility::Public || access.membership.is_some()
}
