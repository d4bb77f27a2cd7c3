//! Whether somebody may read or write, answered from memory where that is
//! safe, else by rooms.

use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use plaza_clients::{As, rooms::RoomsClient};
use plaza_kit::{
    feed::{self, Freshness},
    health::Readiness,
    shutdown::Shutdown,
    token::{Caller, ServiceTokens},
};
use plaza_types::{RoomId, UserId, Visibility};

use super::{
    AccessError, MemoryArgs,
    asker::{Asker, may_read},
    counted,
    judge::{Verdict, judge},
    memory::{Known, Member, Memory},
};

/// Answers who may read and who may write.
#[derive(Debug)]
pub struct Gate {
    memory: Arc<Memory>,
    asker: Asker,
    removals: Freshness,
}

impl Gate {
    /// Begins to follow rooms' removals, whose first answer the readiness
    /// check `removals` stands for.
    pub fn start(
        rooms: RoomsClient,
        tokens: ServiceTokens,
        args: MemoryArgs,
        readiness: &Readiness,
        shutdown: &Shutdown,
    ) -> Self {
        let memory = Arc::new(Memory::new(args));
        let client = rooms.clone();
        let ask = move |query| {
            let (client, tokens) = (client.clone(), tokens.clone());
            async move { client.removals(As::Service(&tokens), query).await }
        };
        let removals = feed::poll("removals", memory.clone(), ask, readiness.clone(), shutdown);
        Self {
            asker: Asker::new(rooms, memory.clone()),
            memory,
            removals,
        }
    }

    /// Whether the caller may write in a room at this time.
    pub(crate) async fn write(
        &self,
        caller: &Caller,
        room: RoomId,
        now: DateTime<Utc>,
    ) -> Result<(), AccessError> {
        match self.member(caller, room).await?.muted_until {
            Some(until) if until > now => Err(AccessError::Muted { until }),
            _ => Ok(()),
        }
    }

    /// The caller as a member of a room, muted or not.
    pub(crate) async fn member(
        &self,
        caller: &Caller,
        room: RoomId,
    ) -> Result<Member, AccessError> {
        let known = self.memory.member(room, caller.user);
        let question = self.asker.access(caller, room);
        let verdict = known.map(|known| (self.judged(&known, known.what.visibility), known.what));
        let access = match verdict {
            Some((Verdict::Good, member)) => {
                counted("remembered");
                return Ok(member);
            }
            Some((Verdict::AskOrRely, member)) => {
                let Some(access) = self.asker.briefly(question).await? else {
                    return Ok(member);
                };
                access
            }
            Some((Verdict::Ask, _)) | None => question.await?,
        };
        let membership = access.membership.ok_or(AccessError::NotMember)?;
        Ok(Member {
            visibility: access.visibility,
            muted_until: membership.muted_until,
        })
    }

    /// Whether the caller may read a room.
    pub(crate) async fn read(&self, caller: &Caller, room: RoomId) -> Result<(), AccessError> {
        let question = self.asker.access(caller, room);
        let access = match self.readability(caller, room) {
            Verdict::Good => {
                counted("remembered");
                return Ok(());
            }
            Verdict::AskOrRely => {
                let Some(access) = self.asker.briefly(question).await? else {
                    return Ok(());
                };
                access
            }
            Verdict::Ask => question.await?,
        };
        if may_read(&access) {
            Ok(())
        } else {
            Err(AccessError::NoSuchRoom)
        }
    }

    /// Whether the caller may delete what this person wrote: asked each time.
    pub(crate) async fn moderates(
        &self,
        caller: &Caller,
        room: RoomId,
        author: UserId,
    ) -> Result<(), AccessError> {
        self.asker.moderates(caller, room, author).await
    }

    /// Those of the rooms that the caller may read.
    pub(crate) async fn readable(
        &self,
        caller: &Caller,
        rooms: impl IntoIterator<Item = RoomId>,
    ) -> Result<HashSet<RoomId>, AccessError> {
        let mut readable = HashSet::new();
        let (mut asked, mut relied) = (Vec::new(), Vec::new());
        for room in rooms {
            match self.readability(caller, room) {
                Verdict::Good => {
                    readable.insert(room);
                    continue;
                }
                Verdict::AskOrRely => relied.push(room),
                Verdict::Ask => {}
            }
            asked.push(room);
        }
        if asked.is_empty() {
            counted("remembered");
            return Ok(readable);
        }
        let question = self.asker.readable(caller, &asked);
        if relied.len() < asked.len() {
            readable.extend(question.await?);
        } else if let Some(found) = self.asker.briefly(question).await? {
            readable.extend(found);
        } else {
            readable.extend(relied);
        }
        Ok(readable)
    }

    /// How far memory answers that the caller may read a room: everybody may,
    /// or they are known to.
    fn readability(&self, caller: &Caller, room: RoomId) -> Verdict {
        let open = self.memory.open(room);
        let everybody = open.map(|known| self.judged(&known, Visibility::Public));
        let reader = self.memory.reader(room, caller.user);
        let own = reader.map(|known| self.judged(&known, known.what));
        everybody
            .into_iter()
            .chain(own)
            .min()
            .unwrap_or(Verdict::Ask)
    }

    fn judged<T>(&self, known: &Known<T>, visibility: Visibility) -> Verdict {
        judge(visibility, known.asked.elapsed(), self.removals.age())
    }
}
