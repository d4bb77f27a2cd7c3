//! The messages-publisher between real streams in Redis and a real Centrifugo.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod backlog;
mod crossing;
mod fake_centrifugo;
mod faults;
mod fixture;
mod forgets;
mod heads;
mod leases;
mod outages;
mod redis_forms;
mod removals;
mod screen;
mod shards;
mod way;
