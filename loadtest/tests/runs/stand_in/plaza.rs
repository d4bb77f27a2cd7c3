//! The rooms, and what happens to a message of one of them.

use serde_json::{Value, json};
use tokio::sync::broadcast;
use uuid::Uuid;

use super::{Fault, Way};

/// The message of all rooms together that something happens to.
const UNLUCKY: usize = 10;
/// The last one of a run of one room.
const LAST: usize = 50;

/// What goes to connections.
#[derive(Debug, Clone)]
pub(super) enum Sent {
    Push {
        /// None: to everybody's own.
        channel: Option<String>,
        publication: Value,
    },
    Close,
}

#[derive(Debug)]
pub(super) struct Stored {
    id: Uuid,
    client_message_id: String,
    content: String,
    forgotten: bool,
}

#[derive(Debug)]
pub(super) struct Room {
    id: Uuid,
    way: Way,
    /// Grows when the channel becomes another.
    generation: u32,
    pub(super) messages: Vec<Stored>,
}

#[derive(Debug)]
pub(super) struct Plaza {
    fault: Fault,
    rooms: Vec<Room>,
    /// Messages that were sent to all rooms together.
    sends: usize,
    /// The room that the fault is in, and the place of its message there.
    unlucky: Option<(usize, usize)>,
    /// The place whose push comes after the next one's.
    held_back: Option<usize>,
    pub(super) sent: broadcast::Sender<Sent>,
    /// Of connections.
    pub(super) endpoint: String,
}

impl Room {
    fn channel(&self) -> Option<String> {
        (self.way == Way::Room).then(|| format!("room:{}.{}", self.id, self.generation))
    }

    pub(super) fn head(&self) -> Value {
        let (channel, live) = (self.channel(), format!("live:{}.1", self.id));
        let token = channel.as_ref().map(|_| "s");
        json!({ "roomId": self.id, "headSeq": self.messages.len(), "unreadCount": self.messages.len(),
            "realtime": { "live": live, "channel": channel, "token": token,
                "headChannel": null, "headToken": null } })
    }

    fn message(&self, place: usize) -> Value {
        let Stored { id, content, .. } = &self.messages[place];
        json!({ "id": id, "seq": place + 1, "number": place + 1, "content": content })
    }

    /// The newest of the places before one.
    pub(super) fn page(&self, variables: &Value) -> Value {
        let last = usize::try_from(variables["last"].as_u64().unwrap_or_default()).unwrap();
        let before = variables["before"].as_str();
        let end = before.map_or(self.messages.len(), |before| before.parse().unwrap());
        let start = end.saturating_sub(last);
        let edges: Vec<_> = (start..end)
            .filter(|place| !self.messages[*place].forgotten)
            .map(|place| json!({ "cursor": place.to_string(), "node": self.message(place) }))
            .collect();
        json!({ "headSeq": self.messages.len(), "edges": edges,
            "pageInfo": { "hasNextPage": false, "hasPreviousPage": start > 0 } })
    }
}

impl Plaza {
    /// With a room each way that is named.
    pub(super) fn new(fault: Fault, ways: &[Way], endpoint: String) -> Self {
        let room = |way: &Way| Room {
            id: Uuid::now_v7(),
            way: *way,
            generation: 1,
            messages: Vec::new(),
        };
        Self {
            fault,
            rooms: ways.iter().map(room).collect(),
            sends: 0,
            unlucky: None,
            held_back: None,
            sent: broadcast::channel(4_096).0,
            endpoint,
        }
    }

    pub(super) fn ids(&self) -> Vec<Uuid> {
        self.rooms.iter().map(|room| room.id).collect()
    }

    fn number(&self, id: &Value) -> usize {
        let id: Uuid = id.as_str().unwrap().parse().unwrap();
        self.rooms.iter().position(|room| room.id == id).unwrap()
    }

    pub(super) fn room(&self, id: &Value) -> &Room {
        &self.rooms[self.number(id)]
    }

    pub(super) fn heads(&self) -> Vec<Value> {
        self.rooms.iter().map(Room::head).collect()
    }

    pub(super) fn changes(&self, variables: &Value) -> Value {
        let number = self.number(&variables["room"]);
        let room = &self.rooms[number];
        let since = usize::try_from(variables["since"].as_u64().unwrap()).unwrap();
        let head = room.messages.len();
        let mut places: Vec<_> = (since..head)
            .filter(|place| !room.messages[*place].forgotten)
            .collect();
        if let Some((unlucky, place)) = self.unlucky
            && unlucky == number
            && let Some(found) = places.iter().position(|known| *known == place)
        {
            match self.fault {
                Fault::RepeatChange => places.insert(found, place),
                Fault::SwapChanges if found + 1 < places.len() => places.swap(found, found + 1),
                _ => {}
            }
        }
        let messages: Vec<_> = places.iter().map(|place| room.message(*place)).collect();
        json!({ "nextSeq": head, "headSeq": head, "reset": false, "messages": messages })
    }

    /// Accepts a message; none: nobody is told.
    pub(super) fn send(&mut self, input: &Value) -> Option<Value> {
        let client_message_id = input["clientMessageId"].as_str().unwrap();
        let number = self.number(&input["roomId"]);
        let room = &self.rooms[number];
        let known = |stored: &Stored| stored.client_message_id == client_message_id;
        if let Some(place) = room.messages.iter().position(known) {
            return Some(room.message(place));
        }
        self.sends += 1;
        let place = room.messages.len();
        let is_unlucky = self.sends >= UNLUCKY && self.unlucky.is_none();
        if is_unlucky {
            self.unlucky = Some((number, place));
        }
        let stored = || Stored {
            id: Uuid::now_v7(),
            client_message_id: client_message_id.to_owned(),
            content: input["content"].as_str().unwrap().to_owned(),
            forgotten: is_unlucky && self.fault == Fault::Forget,
        };
        let (first, second) = (stored(), stored());
        self.rooms[number].messages.push(first);
        self.push(number, place, second);
        let answered = !is_unlucky || self.fault != Fault::LoseAnswer;
        answered.then(|| self.rooms[number].message(place))
    }

    /// Publishes a message that was accepted, unless something happens to it;
    /// `again` is for the place after it.
    fn push(&mut self, number: usize, place: usize, again: Stored) {
        let is_unlucky = self.unlucky == Some((number, place));
        let is_next = self.unlucky == Some((number, place.wrapping_sub(1)));
        let is_last = place + 1 == LAST;
        match self.fault {
            Fault::LosePush | Fault::Forget | Fault::RepeatChange if is_unlucky => {}
            Fault::SwapChanges if is_unlucky || is_next => {}
            Fault::LoseLastPush if is_last => {}
            Fault::PushTwice if is_unlucky => {
                self.publish(number, place);
                self.publish(number, place);
            }
            Fault::SwapPushes if is_unlucky => self.held_back = Some(place),
            Fault::CloseConnections | Fault::CloseConnectionsAndPushAgain if is_unlucky => {
                self.tell(Sent::Close);
            }
            Fault::CloseConnectionsAndPushAgain if is_last => {
                self.publish(number, place);
                self.publish(number, place);
            }
            Fault::Cross if is_unlucky => {
                let fanout =
                    json!({ "type": "fanout", "room": self.rooms[number].id, "mode": "room" });
                self.publish_event(number, place, &fanout);
                self.rooms[number].generation += 1;
                self.publish(number, place);
            }
            Fault::StoreTwice if is_unlucky => {
                self.publish(number, place);
                self.rooms[number].messages.push(again);
                self.publish(number, place + 1);
            }
            _ => self.publish(number, place),
        }
        if is_next && let Some(place) = self.held_back.take() {
            self.publish(number, place);
        }
    }

    /// Publishes the event of a message.
    fn publish(&self, number: usize, place: usize) {
        let room = &self.rooms[number];
        let event = json!({
            "type": "message.created", "room": room.id, "epoch": "e", "seq": place + 1,
            "time": "2026-01-02T03:04:05Z", "message": room.message(place),
        });
        self.publish_event(number, place, &event);
    }

    fn publish_event(&self, number: usize, place: usize, event: &Value) {
        self.tell(Sent::Push {
            channel: self.rooms[number].channel(),
            publication: json!({ "data": { "v": 1, "events": [event] }, "offset": place + 1 }),
        });
    }

    fn tell(&self, sent: Sent) {
        // Without connections nobody is told.
        let _ = self.sent.send(sent);
    }
}
