//! What came, counted twice: on the wire, where repeated and late publications
//! are expected now and then, and on the screen that a client's rule keeps,
//! where nothing may be missing, doubled or out of order.
//!
//! All of it is pure. What one subscriber needs is constant, whatever comes;
//! only what was accepted is kept a message, once for all subscribers.

mod ledger;
mod rule;
mod screen;
mod truth;
mod window;
mod wire;

pub(crate) use ledger::{Closed, Ledger};
pub(crate) use rule::{Rule, Step};
pub(crate) use screen::{Faults, Screen, Shown};
pub(crate) use truth::{Accepted, Mark};
pub(crate) use wire::{Wire, WireCounts};
