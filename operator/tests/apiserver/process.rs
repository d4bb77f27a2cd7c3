//! The operator as a process of its own.

use std::process::{Child, Command, ExitStatus, Stdio};

use nix::unistd::Pid;

use crate::{
    cluster::{As, cluster},
    world::World,
};

/// Ended when it is dropped.
pub(crate) struct Operator {
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Operator {
    /// One that looks after this namespace, under a name of its own.
    pub(crate) async fn start(world: &World, identity: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, cluster().await.kubeconfig(As::Admin)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_operator-alone"))
            .args(["--namespace", &world.namespace])
            .args(["--own-namespace", &world.namespace])
            .args(["--identity", identity, "--ops-listen", "127.0.0.1:0"])
            .env("KUBECONFIG", kubeconfig)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            child,
            _folder: folder,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}
