//! Requests that the web app makes to show something, by many at once.

use anyhow::Context as _;
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::{
    documents,
    figure::Figure,
    graphql::{Endpoint, Request},
    stack::Stack,
    times::Times,
    users,
};

/// Who asks at the same time.
const CLIENTS: u32 = 8;
/// Messages of the room whose history is read.
const HISTORY: u64 = 5_000;
/// Messages of a page.
const PAGE: u32 = 50;
/// Rooms of a page of discovery, as in the web app.
const DISCOVERED: u32 = 30;

/// How much is there and is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    /// Public rooms.
    rooms: usize,
    /// Of them, those that every client is in.
    joined: usize,
    /// Messages in each of these.
    messages: usize,
    /// Requests of each kind by each client that are timed.
    requests: usize,
    /// Requests before, that are not.
    warm_up: usize,
}

impl Extent {
    /// That of the table, or a small one that shows that everything works.
    pub(crate) const fn of(quick: bool) -> Self {
        if quick {
            Self {
                rooms: 4,
                joined: 2,
                messages: 1,
                requests: 10,
                warm_up: 2,
            }
        } else {
            Self {
                rooms: 200,
                joined: 20,
                messages: 5,
                requests: 500,
                warm_up: 50,
            }
        }
    }
}

/// A Plaza with something to read in it.
pub(crate) struct Library {
    endpoint: Endpoint,
    tokens: Vec<String>,
    room: String,
    extent: Extent,
}

impl Library {
    /// Fills a Plaza.
    pub(crate) async fn fill(stack: &Stack, extent: Extent) -> anyhow::Result<Self> {
        let seeded = users::seed(stack, CLIENTS, HISTORY, CLIENTS as usize).await?;
        let library = Self {
            endpoint: Endpoint::new(stack.url())?,
            tokens: seeded.tokens,
            room: seeded.room,
            extent,
        };
        let (first, others) = library.tokens.split_first().context("nobody was seeded")?;
        for number in 0..extent.rooms {
            let room = library.open(first, number).await?;
            if number < extent.joined {
                let join = Request {
                    document: "mutation($room: ID!) { joinRoom(roomId: $room) { id } }",
                    variables: json!({ "room": room }),
                };
                let joins = others.iter().map(|who| library.endpoint.ask(who, &join));
                try_join_all(joins).await?;
                for message in 0..extent.messages {
                    let send = send(&room, &format!("message {message}"), &format!("m{message}"));
                    library.endpoint.ask(first, &send).await?;
                }
            }
        }
        Ok(library)
    }

    async fn open(&self, token: &str, number: usize) -> anyhow::Result<String> {
        let create = Request {
            document: "mutation($input: CreateRoomInput!) { createRoom(input: $input) { id } }",
            variables: json!({ "input": { "name": format!("Room {number}"), "topic": "A room to find" } }),
        };
        let data = self.endpoint.ask(token, &create).await?;
        let id = data["createRoom"]["id"].as_str();
        Ok(id.context("a room without an id")?.to_owned())
    }

    /// Times each kind of read, one after another.
    pub(crate) async fn read(&self) -> anyhow::Result<Vec<(Figure, f64)>> {
        let rooms = Request {
            document: documents::ROOMS,
            variables: json!({ "first": PAGE, "after": null }),
        };
        let history = Request {
            document: documents::NEWEST,
            variables: json!({ "roomId": self.room, "last": PAGE }),
        };
        let discovery = Request {
            document: documents::DISCOVER,
            variables: json!({ "query": null, "first": DISCOVERED, "after": null }),
        };
        let joined = self.extent.joined + 1;
        let found = (DISCOVERED as usize).min(self.extent.rooms + 1);
        let reads = [
            (
                rooms,
                "/rooms/nodes",
                joined,
                Figure::RoomsP50,
                Figure::RoomsP99,
            ),
            (
                history,
                "/room/messages/edges",
                PAGE as usize,
                Figure::HistoryP50,
                Figure::HistoryP99,
            ),
            (
                discovery,
                "/discoverRooms/nodes",
                found,
                Figure::DiscoveryP50,
                Figure::DiscoveryP99,
            ),
        ];
        let mut figures = Vec::new();
        for (request, place, count, p50, p99) in reads {
            self.check(&request, place, count).await?;
            self.at_once(&request, self.extent.warm_up).await?;
            let times = self.at_once(&request, self.extent.requests).await?;
            figures.extend([(p50, times.p50_ms()), (p99, times.p99_ms())]);
        }
        Ok(figures)
    }

    /// That an answer holds what is to be read: nothing is quick to read.
    async fn check(&self, request: &Request, place: &str, count: usize) -> anyhow::Result<()> {
        let token = self.tokens.last().context("nobody was seeded")?;
        let data = self.endpoint.ask(token, request).await?;
        let items = data.pointer(place).and_then(Value::as_array);
        let there = items.map_or(0, Vec::len);
        anyhow::ensure!(
            there == count,
            "{place} has {there} items in place of {count}"
        );
        Ok(())
    }

    /// The same by all clients at once, each `times` after another.
    async fn at_once(&self, request: &Request, times: usize) -> anyhow::Result<Times> {
        let clients = self.tokens.iter().map(|token| {
            let (endpoint, token, request) =
                (self.endpoint.clone(), token.clone(), request.clone());
            tokio::spawn(async move {
                let requests = std::iter::repeat_n(request, times);
                endpoint.time(&token, requests).await
            })
        });
        let mut all = Times::default();
        for client in try_join_all(clients).await? {
            all.extend(client?);
        }
        Ok(all)
    }
}

/// A message of the web app.
pub(crate) fn send(room: &str, content: &str, id: &str) -> Request {
    Request {
        document: documents::SEND,
        variables: json!({ "input": {
            "roomId": room, "content": content, "clientMessageId": id } }),
    }
}
