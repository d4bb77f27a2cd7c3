//! The gateway through its router. Where a service's part is needed, a
//! stand-in plays it and counts the calls: what is tested is the gateway's
//! own behaviour, also towards services that refuse or are gone.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what fails here fails its test"
)]

mod hostile;
mod identity;
mod limits;
mod loaders;
mod lost;
mod realtime;
mod sessions;
mod spa;
mod stand_in;
