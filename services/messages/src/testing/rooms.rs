//! Rooms as messages sees it, governed by the test.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    Router,
    extract::{FromRef, State},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use plaza_clients::{
    Lookup,
    rooms::{Access, Membership, Removal, Room},
};
use plaza_kit::{
    feed::{FeedAnswer, FeedEntry, FeedQuery, continues},
    http::{Json, Path, Query, Reject},
    token::{Caller, ServiceCaller, ServiceTokens, Verifier},
};
use plaza_testkit::{Issuer, service_tokens};
use plaza_types::{ApiError, Epoch, FanoutMode, Person, Role, RoomId, UserId, Version, Visibility};
use tokio::net::TcpListener;

/// How rooms behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Answers,
    /// Answers after a moment.
    Slow,
    /// Answers UNAVAILABLE, as without its database.
    Refuses,
    /// Takes connections and says nothing, as behind a cut wire.
    Silent,
}

#[derive(Debug)]
struct Held {
    visibility: Visibility,
    members: HashMap<UserId, Option<DateTime<Utc>>>,
    banned: HashSet<UserId>,
}

#[derive(Debug)]
struct World {
    mood: Mood,
    rooms: HashMap<RoomId, Held>,
    removals: Vec<FeedEntry<Removal>>,
    asked: usize,
}

/// An HTTP server with the part of rooms' API that messages calls.
#[derive(Debug, Clone)]
pub(crate) struct StubRooms {
    pub(crate) url: String,
    world: Arc<Mutex<World>>,
    verifier: Verifier,
    tokens: ServiceTokens,
    epoch: Epoch,
}

impl FromRef<StubRooms> for Verifier {
    fn from_ref(rooms: &StubRooms) -> Self {
        rooms.verifier.clone()
    }
}

impl FromRef<StubRooms> for ServiceTokens {
    fn from_ref(rooms: &StubRooms) -> Self {
        rooms.tokens.clone()
    }
}

impl StubRooms {
    pub(crate) async fn serve(issuer: &Issuer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let rooms = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            world: Arc::new(Mutex::new(World {
                mood: Mood::Answers,
                rooms: HashMap::new(),
                removals: Vec::new(),
                asked: 0,
            })),
            verifier: issuer.verifier(),
            tokens: service_tokens("rooms"),
            epoch: Epoch::new(),
        };
        let routes = Router::new()
            .route("/v1/rooms/{room}/access", get(access))
            .route("/v1/rooms/lookup", post(lookup))
            .route("/internal/removals", get(removals))
            .with_state(rooms.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        rooms
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    pub(crate) fn public(&self, members: &[&Person]) -> RoomId {
        self.make(Visibility::Public, members)
    }

    pub(crate) fn private(&self, members: &[&Person]) -> RoomId {
        self.make(Visibility::Private, members)
    }

    fn make(&self, visibility: Visibility, members: &[&Person]) -> RoomId {
        let room = RoomId::new();
        let members = members.iter().map(|person| (person.id, None)).collect();
        let held = Held {
            visibility,
            members,
            banned: HashSet::new(),
        };
        self.world().rooms.insert(room, held);
        room
    }

    pub(crate) fn join(&self, room: RoomId, who: &Person) {
        self.change(room, |held| held.members.insert(who.id, None));
    }

    /// Ends a membership, and says so in the removals.
    pub(crate) fn remove(&self, room: RoomId, who: &Person) {
        self.change(room, |held| held.members.remove(&who.id));
        self.tell(room, Some(who));
    }

    /// Keeps somebody out, and says so in the removals.
    pub(crate) fn ban(&self, room: RoomId, who: &Person) {
        let was_open = self.world().rooms[&room].banned.is_empty();
        self.change(room, |held| {
            held.members.remove(&who.id);
            held.banned.insert(who.id);
        });
        self.tell(room, Some(who).filter(|_| !was_open));
    }

    /// Takes the room away, and says so in the removals.
    pub(crate) fn delete(&self, room: RoomId) {
        self.world().rooms.remove(&room);
        self.tell(room, None);
    }

    pub(crate) fn mute(&self, room: RoomId, who: &Person, until: DateTime<Utc>) {
        self.change(room, |held| held.members.insert(who.id, Some(until)));
        self.tell(room, Some(who));
    }

    pub(crate) fn make_private(&self, room: RoomId) {
        self.change(room, |held| held.visibility = Visibility::Private);
        self.tell(room, None);
    }

    fn change<T>(&self, room: RoomId, change: impl FnOnce(&mut Held) -> T) {
        change(self.world().rooms.get_mut(&room).unwrap());
    }

    fn tell(&self, room_id: RoomId, who: Option<&Person>) {
        let mut world = self.world();
        let number = world.removals.last().map_or(1, |last| last.number + 1);
        let user_id = who.map(|person| person.id);
        let entry = Removal { room_id, user_id };
        world.removals.push(FeedEntry { number, entry });
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.world().mood = mood;
    }

    /// How often rooms was asked about access.
    pub(crate) fn asked(&self) -> usize {
        self.world().asked
    }

    async fn answering(&self) -> Result<(), Reject> {
        let mood = self.world().mood;
        match mood {
            Mood::Answers => Ok(()),
            Mood::Slow => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                Ok(())
            }
            Mood::Refuses => Err(Reject(ApiError::unavailable(1_000))),
            Mood::Silent => std::future::pending().await,
        }
    }

    fn seen_by(&self, user: UserId, room: RoomId) -> Option<Access> {
        let world = self.world();
        let held = world.rooms.get(&room)?;
        let membership = held.members.get(&user).map(|muted_until| Membership {
            role: Role::Member,
            joined_at: Utc::now(),
            muted_until: *muted_until,
        });
        let public = held.visibility == Visibility::Public;
        let visible = (public && !held.banned.contains(&user)) || membership.is_some();
        visible.then_some(Access {
            visibility: held.visibility,
            open: public && held.banned.is_empty(),
            membership,
        })
    }
}

async fn access(
    State(rooms): State<StubRooms>,
    caller: Caller,
    Path(room): Path<RoomId>,
) -> Result<Json<Access>, Reject> {
    rooms.answering().await?;
    rooms.world().asked += 1;
    let access = rooms.seen_by(caller.user, room);
    Ok(Json(access.ok_or_else(|| ApiError::not_found("room"))?))
}

async fn lookup(
    State(rooms): State<StubRooms>,
    caller: Caller,
    Json(asked): Json<Lookup<RoomId>>,
) -> Result<Json<Vec<Room>>, Reject> {
    rooms.answering().await?;
    rooms.world().asked += 1;
    let found = asked.ids.into_iter().filter_map(|id| {
        let access = rooms.seen_by(caller.user, id)?;
        Some(Room {
            id,
            name: "a room".into(),
            topic: String::new(),
            visibility: access.visibility,
            open: access.open,
            fanout: FanoutMode::Personal,
            generation: plaza_types::Generation::ZERO.next(),
            member_count: 1,
            online_count: None,
            version: Version::ZERO,
            epoch: rooms.epoch,
            created_at: Utc::now(),
            membership: access.membership,
        })
    });
    Ok(Json(found.collect()))
}

async fn removals(
    State(rooms): State<StubRooms>,
    _: ServiceCaller,
    Query(query): Query<FeedQuery>,
) -> Result<Json<FeedAnswer<Removal>>, Reject> {
    rooms.answering().await?;
    let entries = rooms.world().removals.clone();
    let last = entries.last().map_or(0, |entry| entry.number);
    let goes_on = continues(query, rooms.epoch, 0, last);
    let since = query.since.filter(|_| goes_on).unwrap_or(0);
    Ok(Json(FeedAnswer {
        epoch: rooms.epoch,
        last,
        replace: !goes_on,
        entries: entries
            .into_iter()
            .filter(|entry| entry.number > since)
            .collect(),
    }))
}
