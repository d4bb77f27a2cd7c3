//! A part that is cut off from auth does not learn of what has ended. It lets
//! nobody in for all that, since no request is answered by it alone, and a
//! connection needs a token that auth signs.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures::future::join;
use plaza_local::Passage;
use plaza_types::MessageId;
use serde_json::json;
use tokio::time::{sleep, timeout};

use crate::support::{Person, Plaza, Refused, Socket};

/// Of guarantee 5, for a disabled account.
const BOUND: Duration = Duration::from_secs(10);
/// It is watched for so long after the bound.
const BEYOND: Duration = Duration::from_secs(2);
const TRY_EVERY: Duration = Duration::from_millis(250);
/// It reads, writes and is connected.
const WAYS: usize = 3;

const READ: &str = "query($room: ID!) { heads { rooms { roomId } }
    room(id: $room) { name messages(last: 5) { nodes { content } } changes(sinceSeq: 0) { nextSeq } } }";

/// Asks for nothing that another part has to answer.
const WRITE: &str = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }";

/// Somebody who uses every token for as long as it opens anything.
struct Hostile {
    person: Person,
    room: String,
    /// The newest that opens a connection.
    token: Option<String>,
    socket: Option<Socket>,
    /// When it last saw, or could have seen, anything, by each way.
    last: BTreeMap<&'static str, Instant>,
}

impl Hostile {
    fn saw(&mut self, how: &'static str) {
        self.last.insert(how, Instant::now());
    }

    /// Everything once.
    async fn tries(&mut self, plaza: &Plaza) {
        let room = json!({ "room": self.room });
        let token = "mutation { connectionToken { token } }";
        let token = self.person.ask(plaza, token, json!({})).await;
        if let Some(token) = token.json["data"]["connectionToken"]["token"].as_str() {
            self.token = Some(token.to_owned());
        }
        let read = self.person.ask(plaza, READ, room).await;
        let rooms = [
            "/room/name",
            "/room/messages",
            "/room/changes",
            "/heads/rooms/0",
        ];
        let found = |pointer: &&str| {
            let found = read.json["data"].pointer(pointer);
            found.is_some_and(|found| !found.is_null())
        };
        if rooms.iter().any(found) {
            self.saw("read");
        }
        let input = json!({ "input": {
            "roomId": self.room, "content": "still here", "clientMessageId": MessageId::new(),
        } });
        let sent = self.person.ask(plaza, WRITE, input).await;
        if !sent.json["data"]["sendMessage"].is_null() {
            self.saw("wrote");
        }
        self.listens(plaza).await;
    }

    /// Asks something over its connection; over a new one when that was closed.
    async fn listens(&mut self, plaza: &Plaza) {
        if self.socket.is_none()
            && let Some(token) = &self.token
        {
            self.socket = Socket::connect(plaza, token).await.ok();
        }
        let Some(socket) = &mut self.socket else {
            return;
        };
        let own = json!({ "channel": format!("personal:{}", self.person.id) });
        // Whatever the answer is: a connection that answers gets what is sent.
        match socket.ask("presence_stats", own).await {
            Ok(_) | Err(Refused(100..=999)) => self.saw("connected"),
            Err(_) => self.socket = None,
        }
    }

    /// Goes on until long after the bound; how long after `ended` each way led
    /// anywhere.
    async fn goes_on(mut self, plaza: &Plaza, ended: Instant) -> BTreeMap<&'static str, Duration> {
        while ended.elapsed() < BOUND + BEYOND {
            self.tries(plaza).await;
            sleep(TRY_EVERY).await;
        }
        let last = self.last.into_iter();
        last.map(|(how, at)| (how, at.saturating_duration_since(ended)))
            .collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_one_part_cut_off_from_auth_lets_nobody_in() {
    let parts = ["gateway", "rooms", "messages"];
    let (plaza, wires) = Plaza::start_wired(parts, "auth").await;
    let ada = plaza.person().await;
    let mut people = Vec::new();
    for part in parts {
        let room = ada.creates_room(&plaza, part).await;
        let person = plaza.person().await;
        person.joins(&plaza, &room).await;
        people.push((part, room, person));
    }
    for ((part, room, person), wire) in people.into_iter().zip(&wires) {
        let mut hostile = Hostile {
            person,
            room: room.clone(),
            token: None,
            socket: None,
            last: BTreeMap::new(),
        };
        // The part that was cut off before takes a moment.
        let is_in = async {
            while hostile.last.len() < WAYS {
                hostile.tries(&plaza).await;
                sleep(TRY_EVERY).await;
            }
        };
        timeout(BOUND, is_in).await.expect("it gets in");

        wire.set_all(Passage::Cut);
        let name = hostile.person.username.clone();
        let (disabled, ()) = join(plaza.admin(&["disable", &name]), hostile.tries(&plaza)).await;
        disabled.unwrap();
        let after = hostile.goes_on(&plaza, Instant::now()).await;
        let late = after.values().any(|after| *after >= BOUND);
        assert!(!late, "{part} is cut off: {after:?}");
        // It is not because nothing works.
        ada.sends(&plaza, &room, "among ourselves").await;
        wire.set_all(Passage::Open);
    }
}
