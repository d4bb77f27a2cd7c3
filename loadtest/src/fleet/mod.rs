//! A fleet: many rooms, and virtual users that behave as people in them.

mod habits;
mod scenario;
mod sizes;

pub(crate) use habits::{Act, Habits, favourite};
pub(crate) use scenario::{FLEET, FleetScenario};
pub(crate) use sizes::{Deal, sizes};
