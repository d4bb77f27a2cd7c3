//! Rooms of a load test with all their members, on the database. No network
//! API reaches this, and no event tells of it: nobody can know a room before
//! it is there, and who meets it first asks for it.

use std::iter;

use chrono::Utc;
use plaza_types::{Epoch, Role, RoomId, RoomName, UserId, Visibility};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    Threshold,
    domain::{Change, Channels, Counters, nameless},
    storage::seed,
};

/// Members that one statement writes.
const AT_ONCE: usize = 10_000;
/// Rooms that one statement writes.
const ROOMS_AT_ONCE: usize = 1_000;

/// Why there is no room.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A room has an owner.
    #[error("a room needs at least one member")]
    NoMembers,
    /// The database refused.
    #[error("the rooms database did not do it")]
    Database(#[from] sqlx::Error),
}

/// A room to make.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// Its name.
    pub name: RoomName,
    /// Who may read.
    pub visibility: Visibility,
    /// From how many members on it has channels of its own: as the serving
    /// rooms has it.
    pub threshold: Threshold,
}

/// A room to make with those who are in it.
#[derive(Debug, Clone)]
pub struct Filled {
    /// The room.
    pub new: NewRoom,
    /// Its members; the first is its owner.
    pub members: Vec<UserId>,
}

/// Makes a room in one transaction. The first member is its owner. Calls
/// `written` with how many members are there.
pub async fn room(
    pool: &PgPool,
    new: &NewRoom,
    members: &[UserId],
    mut written: impl FnMut(usize),
) -> Result<RoomId, SeedError> {
    let filled = [Filled {
        new: new.clone(),
        members: members.to_vec(),
    }];
    let mut done = 0;
    let mut count = |more| {
        done += more;
        written(done);
    };
    let rooms = write(pool, &filled, &mut count).await?;
    rooms.first().copied().ok_or(SeedError::NoMembers)
}

/// Makes rooms, many in one transaction: those before an error stay. Calls
/// `written` with how many memberships are there; the ids are in the order of
/// the rooms.
pub async fn rooms(
    pool: &PgPool,
    rooms: impl IntoIterator<Item = Filled>,
    mut written: impl FnMut(usize),
) -> Result<Vec<RoomId>, SeedError> {
    let (mut ids, mut done) = (Vec::new(), 0);
    let mut waiting: Vec<Filled> = Vec::new();
    let mut count = |more| {
        done += more;
        written(done);
    };
    for filled in rooms {
        waiting.push(filled);
        let places: usize = waiting.iter().map(|filled| filled.members.len()).sum();
        if places >= AT_ONCE || waiting.len() >= ROOMS_AT_ONCE {
            ids.extend(write(pool, &waiting, &mut count).await?);
            waiting.clear();
        }
    }
    if !waiting.is_empty() {
        ids.extend(write(pool, &waiting, &mut count).await?);
    }
    Ok(ids)
}

/// Makes rooms in one transaction. Calls `written` with how many members each
/// statement wrote.
async fn write(
    pool: &PgPool,
    filled: &[Filled],
    written: &mut impl FnMut(usize),
) -> Result<Vec<RoomId>, SeedError> {
    if filled.iter().any(|room| room.members.is_empty()) {
        return Err(SeedError::NoMembers);
    }
    let standing: Vec<_> = filled
        .iter()
        .map(|Filled { new, members }| {
            let room = RoomId::new();
            let (counters, channels) = standing(room, new, members);
            seed::Standing {
                room,
                name: new.name.clone(),
                counters,
                channels,
            }
        })
        .collect();
    let mut memberships = standing.iter().zip(filled).flat_map(|(standing, filled)| {
        let roles = iter::once(Role::Owner).chain(iter::repeat(Role::Member));
        let members = filled.members.iter().zip(roles);
        members.map(|(member, role)| (standing.room, *member, role))
    });
    let mut transaction = pool.begin().await?;
    seed::rooms(&mut transaction, &standing).await?;
    loop {
        let some: Vec<_> = memberships.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            break;
        }
        seed::members(&mut transaction, &some).await?;
        written(some.len());
    }
    transaction.commit().await?;
    Ok(standing.into_iter().map(|standing| standing.room).collect())
}

/// Where a room stands after it was made and joined by one after another, by
/// the rule of those changes. Their events go nowhere.
fn standing(room: RoomId, new: &NewRoom, members: &[UserId]) -> (Counters, Channels) {
    let (now, epoch) = (Utc::now(), Epoch(Uuid::nil()));
    let begin = |counters, channels| Change::new(room, epoch, new.threshold, counters, channels);
    let mut change = begin(Counters::default(), Channels::new(new.visibility));
    change.attributes(new.name.as_str(), "", new.visibility, now);
    let (_, mut counters, mut channels, _) = change.finish();
    let mut role = Role::Owner;
    for some in members.chunks(AT_ONCE) {
        let mut change = begin(counters, channels);
        for member in some {
            change.joined(nameless(*member), role, now);
            role = Role::Member;
        }
        (_, counters, channels, _) = change.finish();
    }
    (counters, channels)
}

#[cfg(test)]
mod tests {
    use plaza_testkit::Issuer;
    use plaza_types::{FanoutMode, Version};

    use super::*;
    use crate::api::testing::Bench;

    fn new(threshold: u32) -> NewRoom {
        NewRoom {
            name: RoomName::parse("Load").unwrap(),
            visibility: Visibility::Public,
            threshold: Threshold(threshold),
        }
    }

    fn version(number: i64) -> Version {
        number.try_into().unwrap()
    }

    #[test]
    fn a_seeded_room_stands_where_joins_one_by_one_would_have_brought_it() {
        let members: Vec<_> = (0..4).map(|_| UserId::new()).collect();
        let (counters, channels) = standing(RoomId::new(), &new(4), &members);
        // The room, four joins, and the crossing.
        assert_eq!(counters.version, version(6));
        assert_eq!(counters.state_version, version(6));
        assert_eq!(counters.member_count, 4);
        assert_eq!(channels.mode, FanoutMode::Room);
        let (counters, channels) = standing(RoomId::new(), &new(5), &members);
        assert_eq!(counters.version, version(5));
        assert_eq!(counters.state_version, version(1));
        assert_eq!(channels, Channels::new(Visibility::Public));
    }

    #[tokio::test]
    async fn a_seeded_room_goes_on_as_any_other() {
        let bench = Bench::new().await;
        let people: Vec<_> = ["ada", "bob", "cleo"].map(Issuer::person).into();
        let ids: Vec<_> = people.iter().map(|person| person.id).collect();
        let pool = &bench.database.pool;
        let room = room(pool, &new(2), &ids, |_| ()).await.unwrap();
        let access = bench.store.access(ids[2], room).await.unwrap().unwrap();
        assert_eq!(
            access.membership.map(|membership| membership.role),
            Some(Role::Member)
        );
        let dan = Issuer::person("dan");
        bench.store.join(dan, room, 10).await.unwrap();
        let events = bench.events().await;
        assert_eq!(events.len(), 1, "the seeding told nobody");
        assert!(matches!(
            events[0].body,
            plaza_events::Body::MemberUpdated { version: told, member_count: 4, .. }
                // The room, three joins and the crossing were before it.
                if told == version(6)
        ));
        let owner = bench.store.access(ids[0], room).await.unwrap().unwrap();
        assert_eq!(
            owner.membership.map(|membership| membership.role),
            Some(Role::Owner)
        );
        let nobody = super::room(pool, &new(2), &[], |_| ()).await;
        assert!(matches!(nobody, Err(SeedError::NoMembers)));
    }

    #[tokio::test]
    async fn many_rooms_have_their_members_and_each_its_owner() {
        let bench = Bench::new().await;
        let people: Vec<_> = (0..5).map(|_| UserId::new()).collect();
        let sizes: Vec<_> = (0..ROOMS_AT_ONCE + 5).map(|place| place % 5 + 1).collect();
        let filled = sizes.iter().map(|size| Filled {
            new: new(4),
            members: people[5 - size..].to_vec(),
        });
        let mut heard = Vec::new();
        let pool = &bench.database.pool;
        let rooms = rooms(pool, filled, |done| heard.push(done)).await.unwrap();
        assert_eq!(rooms.len(), sizes.len());
        assert_eq!(heard, [3_000, 3_015]);
        for (room, size) in rooms.iter().zip(sizes).rev().take(5) {
            for (place, person) in people.iter().enumerate() {
                let access = bench.store.access(*person, *room).await.unwrap().unwrap();
                let role = access.membership.map(|membership| membership.role);
                let expected = match (place + size).checked_sub(5) {
                    None => None,
                    Some(0) => Some(Role::Owner),
                    Some(_) => Some(Role::Member),
                };
                assert_eq!(role, expected, "{place} of {size}");
            }
        }
    }
}
