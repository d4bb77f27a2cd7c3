//! Of several operators one leads, and another takes over.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::StatefulSet, coordination::v1::Lease};
use kube::Api;
use nix::sys::signal::{Signal, kill};
use plaza_testkit::eventually;

use crate::{
    process::Operator,
    world::{TRIAL, World},
};

#[tokio::test]
async fn another_operator_takes_over() {
    let world = World::new().await;
    let leases: Api<Lease> = world.api();
    let holder = async || {
        let lease = leases.get_opt("plaza-operator").await.unwrap();
        lease.and_then(|lease| lease.spec?.holder_identity)
    };
    let mut first = Operator::start(&world, "first").await;
    eventually(Duration::from_secs(20), async || {
        holder().await.as_deref() == Some("first")
    })
    .await;
    let _second = Operator::start(&world, "second").await;
    // One that ends in good order gives the Lease back; who waits looks again
    // when what it saw would have ended.
    kill(first.pid(), Signal::SIGTERM).unwrap();
    assert!(first.wait().success());
    eventually(Duration::from_secs(30), async || {
        holder().await.as_deref() == Some("second")
    })
    .await;
    world.apply(TRIAL).await;
    let _: StatefulSet = world.find("chat-postgres").await;
}
