//! A gateway and a Centrifugo in one, with rooms that everybody is in, that
//! make a fault when they are told to.

mod connection;
mod graphql;
mod plaza;

use std::sync::{Arc, Mutex};

use axum::{Router, routing::post};
use tokio::net::TcpListener;
use uuid::Uuid;

use plaza::Plaza;

/// What happens, once and in one room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// A push does not come.
    LosePush,
    /// The last push of a run of one room does not come.
    LoseLastPush,
    /// A push comes twice.
    PushTwice,
    /// Two pushes come the other way round.
    SwapPushes,
    /// All connections are closed with 3001, and the push does not come.
    CloseConnections,
    /// All connections are closed, and the last push comes twice.
    CloseConnectionsAndPushAgain,
    /// The room's events come by another channel from here on.
    Cross,
    /// A message is accepted and the answer is an error.
    LoseAnswer,
    /// A message is accepted and never seen again.
    Forget,
    /// A message is stored at two places.
    StoreTwice,
    /// A push does not come, and `changes` has its message twice.
    RepeatChange,
    /// Two pushes do not come, and `changes` has their messages the other way
    /// round.
    SwapChanges,
}

/// How the events of a room go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By each user's own channel.
    Personal,
    /// By the room's channel.
    Room,
}

/// The Plaza as handlers share it.
type Shared = Arc<Mutex<Plaza>>;

/// Where it is.
pub(crate) struct StandIn {
    pub(crate) url: String,
    pub(crate) rooms: Vec<Uuid>,
}

impl StandIn {
    /// Serves a room each way that is named, until the test ends.
    pub(crate) async fn serve(fault: Fault, ways: &[Way]) -> Self {
        let graphql = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let sockets = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", graphql.local_addr().unwrap());
        let endpoint = format!("ws://{}/connection", sockets.local_addr().unwrap());
        let plaza = Plaza::new(fault, ways, endpoint);
        let rooms = plaza.ids();
        let plaza: Shared = Arc::new(Mutex::new(plaza));
        let routes = Router::new()
            .route("/graphql", post(graphql::answer))
            .with_state(plaza.clone());
        tokio::spawn(async move { axum::serve(graphql, routes).await });
        tokio::spawn(async move {
            while let Ok((stream, _)) = sockets.accept().await {
                tokio::spawn(connection::serve(stream, plaza.clone()));
            }
        });
        Self { url, rooms }
    }
}
