//! Of several operators one leads, and another takes over.

use std::{
    process::{Child, Command, Stdio},
    time::Duration,
};

use k8s_openapi::api::{apps::v1::StatefulSet, coordination::v1::Lease};
use kube::Api;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plaza_testkit::eventually;

use crate::{
    cluster::{As, cluster},
    world::{TRIAL, World},
};

/// The operator as a process, ended when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(world: &World, kubeconfig: &std::path::Path, identity: &str) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_plaza-operator"))
        .args([
            "run",
            "--namespace",
            &world.namespace,
            "--own-namespace",
            &world.namespace,
        ])
        .args(["--identity", identity, "--ops-listen", "127.0.0.1:0"])
        .env("KUBECONFIG", kubeconfig)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Running(child)
}

#[tokio::test]
async fn another_operator_takes_over() {
    let world = World::new().await;
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, cluster().await.kubeconfig(As::Admin)).unwrap();
    let leases: Api<Lease> = world.api();
    let holder = async || {
        let lease = leases.get_opt("plaza-operator").await.unwrap();
        lease.and_then(|lease| lease.spec?.holder_identity)
    };
    let mut first = start(&world, &kubeconfig, "first");
    eventually(Duration::from_secs(20), async || {
        holder().await.as_deref() == Some("first")
    })
    .await;
    let _second = start(&world, &kubeconfig, "second");
    // One that ends in good order gives the Lease back; who waits looks again
    // when what it saw would have ended.
    let pid = Pid::from_raw(i32::try_from(first.0.id()).unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    assert!(first.0.wait().unwrap().success());
    eventually(Duration::from_secs(30), async || {
        holder().await.as_deref() == Some("second")
    })
    .await;
    world.apply(TRIAL).await;
    let _: StatefulSet = world.find("chat-postgres").await;
}
