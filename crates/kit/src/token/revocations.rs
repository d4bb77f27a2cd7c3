use std::{
    collections::HashSet,
    sync::{PoisonError, RwLock},
};

use plaza_types::{SessionId, UserId};
use serde::{Deserialize, Serialize};

use crate::feed::{Consumer, FeedEntry};

/// What was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "lowercase")]
pub enum Revocation {
    /// One session: logout, reuse of a refresh token.
    Session(SessionId),
    /// Every session of a disabled user.
    User(UserId),
}

/// What was revoked in the last 15 minutes: longer than any access token lives.
#[derive(Debug, Default)]
pub struct Revocations {
    revoked: RwLock<Revoked>,
}

#[derive(Debug, Default)]
struct Revoked {
    sessions: HashSet<SessionId>,
    users: HashSet<UserId>,
}

/// Beyond this many the log says so: entries leave only when the feed replaces.
const MOST: usize = 100_000;

impl Revocations {
    /// Whether a token of this session and user is revoked.
    pub fn covers(&self, session: SessionId, user: UserId) -> bool {
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        revoked.sessions.contains(&session) || revoked.users.contains(&user)
    }

    /// Takes one revocation at once, ahead of the feed.
    pub fn add(&self, revocation: Revocation) {
        let mut revoked = self.revoked.write().unwrap_or_else(PoisonError::into_inner);
        match revocation {
            Revocation::Session(id) => revoked.sessions.insert(id),
            Revocation::User(id) => revoked.users.insert(id),
        };
    }
}

impl Consumer for Revocations {
    type Entry = Revocation;

    fn apply(&self, replace: bool, entries: Vec<FeedEntry<Revocation>>) {
        if replace {
            let mut fresh = Revoked::default();
            for FeedEntry { entry, .. } in entries {
                match entry {
                    Revocation::Session(id) => fresh.sessions.insert(id),
                    Revocation::User(id) => fresh.users.insert(id),
                };
            }
            *self.revoked.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            return;
        }
        for FeedEntry { entry, .. } in entries {
            self.add(entry);
        }
        let revoked = self.revoked.read().unwrap_or_else(PoisonError::into_inner);
        if revoked.sessions.len() > MOST {
            tracing::warn!(
                sessions = revoked.sessions.len(),
                "many revoked sessions are held"
            );
        }
    }
}
