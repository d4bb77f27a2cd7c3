//! The controller against a real API server, which has the CRD and every rule
//! of it. There is no node and no other controller: what the controllers of
//! Kubernetes would report, the tests write.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "a helper that fails fails its test"
)]

mod backups;
mod cluster;
mod leader;
mod lifecycle;
mod memory;
mod mistakes;
mod monitoring;
mod process;
mod properties;
mod reconcile;
mod rotation;
mod rules;
mod scaling;
mod specs;
mod world;
