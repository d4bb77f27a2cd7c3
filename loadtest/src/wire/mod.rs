//! Centrifugo's client protocol over a WebSocket, in JSON: as much of it as a
//! subscriber needs, made for very many of them in one process.
//! <https://centrifugal.dev/docs/transports/client_protocol>

mod content;
mod frame;
mod shared;
mod socket;

pub(crate) use content::{Content, RunId};
pub(crate) use frame::{Change, Entry, Line, Publication, Push, Subscribed};
pub(crate) use socket::{Socket, SocketError, Target, TargetError};
