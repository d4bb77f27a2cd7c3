//! Who may do what to whom, walked through the API and compared with the table
//! of docs/security.md.

use std::collections::BTreeMap;

use http::StatusCode;
use plaza_clients::rooms::Invitation;
use plaza_testkit::{Answer, Issuer, Request};
use plaza_types::{Person, RoomId, Visibility};
use serde_json::json;

use crate::api::testing::Bench;

/// Where somebody stands towards a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Owner,
    Admin,
    Moderator,
    Member,
    Stranger,
    Former,
    Banned,
}

use Standing::{Admin, Banned, Former, Member, Moderator, Owner, Stranger};

const ALL: [Standing; 7] = [Owner, Admin, Moderator, Member, Stranger, Former, Banned];

impl Standing {
    const fn name(self) -> &'static str {
        match self {
            Owner => "owner",
            Admin => "admin",
            Moderator => "moderator",
            Member => "member",
            Stranger => "stranger",
            Former => "former",
            Banned => "banned",
        }
    }
}

/// The columns of the table: who acts, and in which rooms.
const COLUMNS: [(&str, Visibility, &[Standing]); 11] = [
    ("owner", Visibility::Public, &[Owner]),
    ("owner", Visibility::Private, &[Owner]),
    ("admin", Visibility::Public, &[Admin]),
    ("admin", Visibility::Private, &[Admin]),
    ("moderator", Visibility::Public, &[Moderator]),
    ("moderator", Visibility::Private, &[Moderator]),
    ("member", Visibility::Public, &[Member]),
    ("member", Visibility::Private, &[Member]),
    (
        "stranger or former, public",
        Visibility::Public,
        &[Stranger, Former],
    ),
    ("banned, public", Visibility::Public, &[Banned]),
    (
        "outside of a private room",
        Visibility::Private,
        &[Stranger, Former, Banned],
    ),
];

/// The rows: acts on the room, and acts on somebody.
const ON_ROOM: [&str; 11] = [
    "see",
    "join",
    "leave",
    "lower the own role",
    "raise the own role",
    "update",
    "make a link",
    "see invitations",
    "revoke an invitation",
    "see bans",
    "delete",
];
const ON_SOMEBODY: [&str; 10] = [
    "make member",
    "make moderator",
    "make admin",
    "make owner",
    "kick",
    "mute",
    "ban",
    "unban",
    "invite by name",
    "delete messages",
];

/// A room with two people of each standing: one acts, the other is acted on.
struct Scene {
    room: RoomId,
    actors: BTreeMap<Standing, Person>,
    others: BTreeMap<Standing, Person>,
    invitation: Invitation,
}

impl Scene {
    async fn new(bench: &Bench, visibility: Visibility) -> Self {
        let founder = Issuer::person("founder");
        let body = json!({ "name": "Rust", "visibility": visibility });
        let room: plaza_clients::rooms::Room = bench
            .send(&founder, Request::post("/v1/rooms").json(&body))
            .await
            .parse();
        let room = room.id;
        let people = || ALL.map(|standing| (standing, Issuer::person(standing.name())));
        let (actors, others) = (BTreeMap::from(people()), BTreeMap::from(people()));
        for (standing, person) in actors.iter().chain(&others) {
            let path = format!("/v1/rooms/{room}/members/{}", person.id);
            match standing {
                Owner | Admin | Moderator | Member => {
                    bench.seat(room, person.id, standing.name()).await;
                }
                Stranger => {}
                Former => {
                    bench.seat(room, person.id, "member").await;
                    bench.leave(person, room).await.expect(StatusCode::OK);
                }
                Banned => {
                    let ban = Request::post(format!("{path}/ban")).json(&json!({}));
                    bench.send(&founder, ban).await.expect(StatusCode::OK);
                }
            }
        }
        let invitation = bench.invite(&founder, room, &json!({})).await.parse();
        Self {
            room,
            actors,
            others,
            invitation,
        }
    }

    fn on_room(&self, act: &str, actor: Standing) -> Request {
        let room = format!("/v1/rooms/{}", self.room);
        let own = format!("{room}/members/{}/role", self.actors[&actor].id);
        match act {
            "see" => Request::get(format!("{room}/access")),
            "join" => Request::post(format!("{room}/join")),
            "leave" => Request::post(format!("{room}/leave")),
            "lower the own role" => Request::post(own).json(&json!({ "role": "member" })),
            "raise the own role" => {
                let role = match actor {
                    Member => "moderator",
                    Moderator => "admin",
                    _ => "owner",
                };
                Request::post(own).json(&json!({ "role": role }))
            }
            "update" => Request::patch(room).json(&json!({ "topic": "Crabs" })),
            "make a link" => Request::post(format!("{room}/invitations")).json(&json!({})),
            "see invitations" => Request::get(format!("{room}/invitations")),
            "revoke an invitation" => {
                Request::delete(format!("/v1/invitations/{}", self.invitation.id))
            }
            "see bans" => Request::get(format!("{room}/bans")),
            "delete" => Request::delete(room),
            other => panic!("{other}"),
        }
    }

    fn on_somebody(&self, act: &str, other: Standing) -> Request {
        let other = self.others[&other].id;
        let path = format!("/v1/rooms/{}/members/{other}", self.room);
        match act {
            "kick" | "unban" => Request::post(format!("{path}/{act}")),
            "mute" => {
                let until = chrono::Utc::now() + chrono::TimeDelta::hours(1);
                Request::post(format!("{path}/mute")).json(&json!({ "until": until }))
            }
            "ban" => Request::post(format!("{path}/ban")).json(&json!({})),
            "delete messages" => Request::get(format!("{path}/moderates")),
            "invite by name" => {
                let body = json!({ "username": other.uuid().simple().to_string() });
                Request::post(format!("/v1/rooms/{}/invitations", self.room)).json(&body)
            }
            make => {
                let role = make.strip_prefix("make ").unwrap();
                Request::post(format!("{path}/role")).json(&json!({ "role": role }))
            }
        }
    }
}

/// Walks the acts; a room that was changed is followed by a new one.
struct Walk {
    bench: Bench,
    scenes: BTreeMap<&'static str, Scene>,
    acts: usize,
}

impl Walk {
    async fn allowed(
        &mut self,
        visibility: Visibility,
        actor: Standing,
        changes: bool,
        request: impl Fn(&Scene) -> Request,
    ) -> bool {
        let scene = match self.scenes.remove(visibility.as_str()) {
            Some(scene) => scene,
            None => Scene::new(&self.bench, visibility).await,
        };
        let before = self.bench.stored().await;
        let answer = self
            .bench
            .send(&scene.actors[&actor], request(&scene))
            .await;
        self.acts += 1;
        if answer.status == StatusCode::OK {
            if !changes {
                self.scenes.insert(visibility.as_str(), scene);
            }
            return true;
        }
        assert_eq!(
            self.bench.stored().await,
            before,
            "a refusal changes nothing"
        );
        check_refusal(&answer, visibility, actor);
        self.scenes.insert(visibility.as_str(), scene);
        false
    }

    async fn row(&mut self, act: &str) -> String {
        let on_somebody = ON_SOMEBODY.contains(&act);
        // The last is what messages asks before it deletes.
        let changes = !act.starts_with("see") && act != "delete messages";
        let mut cells: Vec<(&str, String)> = Vec::new();
        for (name, visibility, actors) in COLUMNS {
            for &actor in actors {
                let cell = if on_somebody {
                    let mut allowed = Vec::new();
                    for other in ALL {
                        let request = |scene: &Scene| scene.on_somebody(act, other);
                        if self.allowed(visibility, actor, changes, request).await {
                            allowed.push(other.name());
                        }
                    }
                    allowed.join(", ")
                } else {
                    let request = |scene: &Scene| scene.on_room(act, actor);
                    let allowed = self.allowed(visibility, actor, changes, request).await;
                    if allowed { "yes" } else { "" }.to_owned()
                };
                let cell = if cell.is_empty() {
                    "–".to_owned()
                } else {
                    cell
                };
                // What two share a column for has to be the same for both.
                match cells.last() {
                    Some((column, before)) if *column == name => {
                        assert_eq!(before, &cell, "{act}: {name}");
                    }
                    _ => cells.push((name, cell)),
                }
            }
        }
        let cells: Vec<String> = cells.into_iter().map(|(_, cell)| cell).collect();
        format!("| {act} | {} |", cells.join(" | "))
    }
}

/// Who may not see a room learns nothing of it; everybody else, why.
fn check_refusal(answer: &Answer, visibility: Visibility, actor: Standing) {
    let code = answer.code();
    let is_outside = matches!(actor, Stranger | Former | Banned);
    let sees = !is_outside || (visibility == Visibility::Public && actor != Banned);
    if sees {
        let known = ["FORBIDDEN", "NOT_FOUND", "CONFLICT"];
        assert!(known.contains(&&*code), "{actor:?}: {}", answer.text());
    } else if !(visibility == Visibility::Public && code == "FORBIDDEN") {
        // Of a public room a banned person is told when they try to join it.
        assert_eq!(code, "NOT_FOUND", "{actor:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn guarantee_5_every_role_may_do_what_the_table_says_and_nothing_else() {
    let mut walk = Walk {
        bench: Bench::new().await,
        scenes: BTreeMap::new(),
        acts: 0,
    };
    let mut rows = Vec::new();
    for act in ON_ROOM.iter().chain(&ON_SOMEBODY) {
        rows.push(walk.row(act).await);
    }
    assert!(walk.acts > 900, "only {} acts were tried", walk.acts);
    let walked = rows.join("\n");
    let docs = include_str!("../../../docs/security.md");
    let printed: Vec<&str> = docs
        .lines()
        .skip_while(|line| !line.starts_with("| act |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    assert!(
        printed.join("\n") == walked,
        "docs/security.md does not say what is so, which is:\n{walked}"
    );
}
