//! The operator, the images and all parts of a chat on a real node, as
//! `make e2e` runs them: KUBECONFIG leads to the cluster, which has the images
//! of `k8s/images/build`, and the Services' addresses are reached from here.
//!
//! The tests share one node, so they run one after another, and each prints
//! the times that it measured.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a helper that fails fails its test; measured times are for people"
)]

mod absence;
mod backups;
mod browsers;
mod chat;
mod connections;
mod deaths;
mod door;
mod drain;
mod listener;
mod load;
mod node;
mod people;
mod policies;
mod rollout;
mod rotation;
mod scaling;
mod states;
mod store;
mod upgrade;
mod walk;
mod writer;
