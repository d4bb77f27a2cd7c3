//! A disk of Redis's own, in memory, that can be full.

use std::path::{Path, PathBuf};

/// As much as it holds when it is not full (bytes).
#[cfg(target_os = "linux")]
const BYTES: u64 = 1 << 30;

/// The disk, at a folder.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
}

#[cfg(target_os = "linux")]
mod linux {
    use anyhow::Context as _;
    use nix::{
        mount::{MntFlags, MsFlags, mount, umount2},
        sched::{CloneFlags, unshare},
        sys::statvfs::statvfs,
        unistd::{getgid, getuid},
    };

    use super::{BYTES, Disk, Path};

    /// Gives this process a list of mounts of its own, so that what it mounts is
    /// gone with it however it ends. Anybody may where the system lets users
    /// have namespaces. Only while there is one thread.
    pub(crate) fn own_mounts() -> anyhow::Result<()> {
        let (user, group) = (getuid(), getgid());
        if user.is_root() {
            unshare(CloneFlags::CLONE_NEWNS)?;
        } else {
            unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
                .context("users may not have namespaces here")?;
            std::fs::write("/proc/self/setgroups", "deny")?;
            std::fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
            std::fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
        }
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>)?;
        Ok(())
    }

    impl Disk {
        /// Mounts it.
        pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
            let options = format!("size={BYTES},mode=700");
            let kind = Some("tmpfs");
            mount(kind, folder, kind, MsFlags::empty(), Some(options.as_str()))?;
            Ok(Self {
                folder: folder.to_owned(),
            })
        }

        /// Leaves no room beyond what it holds.
        pub(crate) fn fill(&self) -> anyhow::Result<()> {
            let now = statvfs(&self.folder)?;
            let used = now.blocks() - now.blocks_free();
            self.resize(used.max(1) * now.fragment_size())
        }

        /// Makes room again.
        pub(crate) fn free(&self) -> anyhow::Result<()> {
            self.resize(BYTES)
        }

        fn resize(&self, bytes: u64) -> anyhow::Result<()> {
            let options = format!("size={bytes}");
            let (none, again) = (None::<&str>, MsFlags::MS_REMOUNT);
            mount(none, &self.folder, none, again, Some(options.as_str()))
                .context("cannot resize the disk of Redis")
        }
    }

    impl Drop for Disk {
        fn drop(&mut self) {
            let _ = umount2(&self.folder, MntFlags::MNT_DETACH);
        }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::own_mounts;

/// Only Linux has what it takes.
#[cfg(not(target_os = "linux"))]
pub(crate) fn own_mounts() -> anyhow::Result<()> {
    anyhow::bail!("only on Linux")
}

#[cfg(not(target_os = "linux"))]
impl Disk {
    pub(crate) fn new(folder: &Path) -> anyhow::Result<Self> {
        anyhow::bail!("no disk at {}: only on Linux", folder.display())
    }

    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        anyhow::bail!("{} is no disk", self.folder.display())
    }

    pub(crate) fn free(&self) -> anyhow::Result<()> {
        self.fill()
    }
}
