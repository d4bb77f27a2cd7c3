//! Who may do what with which channel: everything is tried by everybody, and
//! compared with the table of docs/security.md.

use std::collections::BTreeMap;

use plaza_testkit::Issuer;
use plaza_types::UserId;
use serde_json::{Value, json};

use crate::support::{Person, Plaza, Refused, Socket};

/// The rows: every namespace, and what it is the channel of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Own,
    Anothers,
    Pulse,
    OtherPulse,
    Room,
    Head,
    Private,
    PrivateHead,
    LiveOfPublic,
    LiveOfPrivate,
    Unknown,
}

const ROWS: [(&str, Row); 11] = [
    ("`personal:`, one's own", Row::Own),
    ("`personal:`, another's", Row::Anothers),
    ("`pulse:all`", Row::Pulse),
    ("`pulse:`, any other", Row::OtherPulse),
    ("`room:`", Row::Room),
    ("`head:`", Row::Head),
    ("`private:`", Row::Private),
    ("`privatehead:`", Row::PrivateHead),
    ("`live:` of a public room", Row::LiveOfPublic),
    ("`live:` of a private room", Row::LiveOfPrivate),
    ("any other", Row::Unknown),
];

/// The columns: who tries, or with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Member,
    Stranger,
    Former,
    Banned,
    /// A member with a token of the right channel whose time is over.
    Expired,
    /// A member with a good token for another channel.
    Elsewhere,
}

const COLUMNS: [(&str, Who); 6] = [
    ("member", Who::Member),
    ("stranger", Who::Stranger),
    ("former member", Who::Former),
    ("banned", Who::Banned),
    ("expired token", Who::Expired),
    ("another channel's token", Who::Elsewhere),
];

const ACTS: [&str; 5] = ["subscribe", "publish", "presence", "history", "call"];

/// What a refusal may be: never one that says to try again, which would be
/// an outage and no answer.
const REFUSALS: [u64; 9] = [
    102,  // no such namespace
    103,  // permission denied
    105,  // subscribed already: with the connection
    107,  // no such name in this namespace
    108,  // not available
    109,  // the token has expired
    403,  // rooms says no
    3500, // not a token for this
    3501, // not a command
];

/// A room in room mode with somebody of each standing.
struct Scene {
    id: String,
    generation: i64,
    people: BTreeMap<&'static str, Person>,
}

impl Scene {
    async fn new(plaza: &Plaza, visibility: &str) -> Self {
        let owner = plaza.person().await;
        let create = "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }";
        let input = json!({ "input": { "name": "Dome", "visibility": visibility } });
        let made = owner.ask(plaza, create, input).await;
        let id = made.data()["createRoom"]["id"].as_str().unwrap().to_owned();
        let mut people = BTreeMap::new();
        for name in ["member", "stranger", "former", "banned"] {
            let person = plaza.person().await;
            if name != "stranger" {
                lets_in(plaza, &owner, &person, &id).await;
            }
            people.insert(name, person);
        }
        let leave = "mutation($room: ID!) { leaveRoom(roomId: $room) }";
        let left = people["former"].ask(plaza, leave, json!({ "room": id }));
        left.await.data();
        let ban = "mutation($room: ID!, $user: ID!) { banMember(input: { roomId: $room, userId: $user }) }";
        let banned = json!({ "room": id, "user": people["banned"].id });
        owner.ask(plaza, ban, banned).await.data();
        let fanout = "query($room: ID!) { room(id: $room) { fanout realtime { live } } }";
        let room = owner.ask(plaza, fanout, json!({ "room": id })).await;
        let room = &room.data()["room"];
        assert_eq!(room["fanout"], "ROOM");
        let live = room["realtime"]["live"].as_str().unwrap();
        let (_, generation) = live.rsplit_once('.').unwrap();
        Self {
            id,
            generation: generation.parse().unwrap(),
            people,
        }
    }

    fn channel(&self, namespace: &str) -> String {
        format!("{namespace}:{}.{}", self.id, self.generation)
    }

    fn person(&self, who: Who) -> &Person {
        match who {
            Who::Member | Who::Expired | Who::Elsewhere => &self.people["member"],
            Who::Stranger => &self.people["stranger"],
            Who::Former => &self.people["former"],
            Who::Banned => &self.people["banned"],
        }
    }
}

/// Makes somebody a member.
async fn lets_in(plaza: &Plaza, owner: &Person, guest: &Person, room: &str) {
    let invite = "mutation($room: ID!) { invite(input: { roomId: $room }) { token } }";
    let link = owner.ask(plaza, invite, json!({ "room": room })).await;
    let accept = "mutation($token: String) { acceptInvitation(token: $token) { id } }";
    let token = link.data()["invite"]["token"].clone();
    guest
        .ask(plaza, accept, json!({ "token": token }))
        .await
        .data();
}

struct Stage {
    plaza: Plaza,
    issuer: Issuer,
    public: Scene,
    private: Scene,
    tried: usize,
}

/// What somebody comes with.
struct Attempt {
    channel: String,
    /// For the connection.
    connection: String,
    /// For the channel; none: it is tried without one.
    subscription: Option<String>,
    /// Namespaces that the connection itself opens.
    with_connection: bool,
    who: UserId,
}

impl Stage {
    fn scene(&self, row: Row) -> &Scene {
        match row {
            Row::Private | Row::PrivateHead | Row::LiveOfPrivate => &self.private,
            _ => &self.public,
        }
    }

    fn channel(&self, row: Row, who: &Person) -> String {
        let scene = self.scene(row);
        match row {
            Row::Own => format!("personal:{}", who.id),
            Row::Anothers => format!("personal:{}", UserId::new()),
            Row::Pulse => "pulse:all".into(),
            Row::OtherPulse => "pulse:all2".into(),
            Row::Room => scene.channel("room"),
            Row::Head => scene.channel("head"),
            Row::Private => scene.channel("private"),
            Row::PrivateHead => scene.channel("privatehead"),
            Row::LiveOfPublic | Row::LiveOfPrivate => scene.channel("live"),
            Row::Unknown => scene.channel("other"),
        }
    }

    /// A token as auth signs one, with these differences.
    fn sign(&self, who: &Person, audience: &str, lives_s: i64, more: &Value) -> String {
        let now = chrono::Utc::now().timestamp();
        let mut claims = json!({
            "iss": "plaza", "aud": audience, "sub": who.id, "iat": now,
            "exp": now + lives_s, "expire_at": now + 3_600,
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.issuer.sign(&claims)
    }

    /// Every token that the API gives somebody for a channel: none, or one.
    async fn given(&self, who: &Person, row: Row, channel: &str) -> Option<String> {
        let query = "query($room: ID!) { room(id: $room) { realtime { channel token headChannel headToken } } }";
        let room = json!({ "room": self.scene(row).id });
        let answer = who.ask(&self.plaza, query, room).await;
        let realtime = answer.data()["room"]["realtime"].clone();
        let listed = [("channel", "token"), ("headChannel", "headToken")]
            .into_iter()
            .find(|(name, _)| realtime[name] == channel)
            .and_then(|(_, token)| realtime[token].as_str().map(str::to_owned));
        let query =
            "mutation($channel: String!) { subscriptionToken(channel: $channel) { token } }";
        let renewed = who.ask(&self.plaza, query, json!({ "channel": channel }));
        let renewed = renewed.await.json["data"]["subscriptionToken"]["token"].clone();
        let renewed = renewed.as_str().map(str::to_owned);
        assert_eq!(listed.is_some(), renewed.is_some(), "{row:?}");
        renewed
    }

    async fn attempt(&self, row: Row, who: Who) -> Attempt {
        let person = self.scene(row).person(who);
        let channel = self.channel(row, person);
        let with_connection = row == Row::Own;
        let query = "mutation { connectionToken { token } }";
        let connection = person.ask(&self.plaza, query, json!({})).await;
        let connection = connection.data()["connectionToken"]["token"].clone();
        let mut connection = connection.as_str().unwrap().to_owned();
        let elsewhere = self.public.channel("room").replace('.', ".9");
        let mut subscription = None;
        match (who, with_connection) {
            (Who::Expired, true) => {
                let channels = json!({ "channels": [channel] });
                connection = self.sign(person, "centrifugo", -5, &channels);
            }
            (Who::Elsewhere, true) => {
                let other = json!({ "channel": elsewhere });
                connection = self.sign(person, "centrifugo-sub", 6, &other);
            }
            (Who::Expired, false) => {
                let own = json!({ "channel": channel });
                subscription = Some(self.sign(person, "centrifugo-sub", -5, &own));
            }
            (Who::Elsewhere, false) => {
                let other = json!({ "channel": elsewhere });
                subscription = Some(self.sign(person, "centrifugo-sub", 6, &other));
            }
            (_, true) => {}
            (_, false) => subscription = self.given(person, row, &channel).await,
        }
        Attempt {
            channel,
            connection,
            subscription,
            with_connection,
            who: person.id,
        }
    }

    /// The acts that succeed.
    async fn cell(&mut self, row: Row, who: Who) -> String {
        let mut allowed = Vec::new();
        for act in ACTS {
            self.tried += 1;
            let attempt = self.attempt(row, who).await;
            let result = does(&self.plaza, &attempt, act).await;
            match result {
                Ok(()) => allowed.push(act),
                Err(Refused(code)) => assert!(
                    REFUSALS.contains(&code),
                    "{row:?}, {who:?} ({}), {act}: {code}",
                    attempt.who
                ),
            }
        }
        if allowed.is_empty() {
            "–".to_owned()
        } else {
            allowed.join(", ")
        }
    }
}

/// Tries one act on a connection of its own: before the channel is asked for,
/// and after.
async fn does(plaza: &Plaza, attempt: &Attempt, act: &str) -> Result<(), Refused> {
    let mut socket = Socket::connect(plaza, &attempt.connection).await?;
    let channel = &attempt.channel;
    let mut subscribe = json!({ "channel": channel });
    if let Some(token) = &attempt.subscription {
        subscribe["token"] = json!(token);
    }
    if act == "subscribe" {
        if attempt.with_connection && socket.opened.contains(channel) {
            return Ok(());
        }
        assert!(!socket.opened.contains(channel), "{channel}");
        return socket.ask("subscribe", subscribe).await.map(|_| ());
    }
    let commands = match act {
        "publish" => vec![("publish", json!({ "channel": channel, "data": {} }))],
        "presence" => vec![
            ("presence", json!({ "channel": channel })),
            ("presence_stats", json!({ "channel": channel })),
        ],
        "history" => vec![("history", json!({ "channel": channel, "limit": 10 }))],
        "call" => vec![
            ("rpc", json!({ "method": channel, "data": {} })),
            ("rpc", json!({ "method": "plaza", "data": {} })),
        ],
        other => panic!("{other}"),
    };
    let mut refused = Refused(0);
    for opened in [false, true] {
        if opened {
            let _ = socket.ask("subscribe", subscribe.clone()).await;
        }
        for (command, body) in &commands {
            match socket.ask(command, body.clone()).await {
                Ok(_) => return Ok(()),
                // The wrong token has closed the connection: nothing is left to try.
                Err(Refused(1005 | 1006)) if opened => return Err(refused),
                Err(why) => refused = why,
            }
        }
    }
    Err(refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_every_channel_allows_what_the_table_says_and_nothing_else() {
    let plaza = Plaza::start_in(&[("PLAZA_ROOMS_FANOUT_THRESHOLD", "2")], &[]).await;
    let mut stage = Stage {
        issuer: plaza.issuer().await,
        public: Scene::new(&plaza, "PUBLIC").await,
        private: Scene::new(&plaza, "PRIVATE").await,
        plaza,
        tried: 0,
    };
    let mut rows = Vec::new();
    for (name, row) in ROWS {
        let mut cells = Vec::new();
        for (_, who) in COLUMNS {
            cells.push(stage.cell(row, who).await);
        }
        rows.push(format!("| {name} | {} |", cells.join(" | ")));
    }
    assert_eq!(stage.tried, ROWS.len() * COLUMNS.len() * ACTS.len());
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    let head = format!("| channel | {} |", names.join(" | "));
    let walked = format!("{head}\n{}", rows.join("\n"));
    let docs = include_str!("../../../docs/security.md");
    let mut printed: Vec<&str> = docs
        .lines()
        .skip_while(|line| !line.starts_with("| channel |"))
        .take_while(|line| line.starts_with('|'))
        .collect();
    if printed.len() > 1 {
        printed.remove(1);
    }
    assert!(
        printed.join("\n") == walked,
        "docs/security.md does not say what is so, which is:\n{walked}"
    );
}
