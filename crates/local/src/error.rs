//! What can go wrong with servers on this machine.

use std::path::PathBuf;

/// Why a server could not be found, started or stopped. Each message says what
/// to do where the reader can do something.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// A program is not installed where we look.
    #[error("{program} was not found; install it, or set {variable} (looked at: {looked})")]
    NotFound {
        /// Name of the program.
        program: &'static str,
        /// Environment variable that points to it.
        variable: &'static str,
        /// The places that were tried, comma separated.
        looked: String,
    },
    /// A file or folder could not be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The program could not be executed.
    #[error("cannot start {name}")]
    Spawn {
        /// Name of the part.
        name: String,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// The program ended before it was ready.
    #[error("{name} ended while it was starting ({status}); its last words:\n{words}")]
    Ended {
        /// Name of the part.
        name: String,
        /// Exit status, readable.
        status: String,
        /// The last lines of its log.
        words: String,
    },
    /// The program runs but never became ready.
    #[error("{name} was not ready within {seconds} s; its last words:\n{words}")]
    NotReady {
        /// Name of the part.
        name: String,
        /// How long we waited, in seconds.
        seconds: u64,
        /// The last lines of its log.
        words: String,
    },
    /// No free port was found, or every one was taken while we used it.
    #[error("no free port on loopback for {name}")]
    NoPort {
        /// Name of the part.
        name: String,
    },
    /// We are root and no unprivileged user exists to run the servers.
    #[error(
        "running as root, but none of the users {tried} exists to run the servers; create one of them"
    )]
    NoAccount {
        /// User names that were looked up.
        tried: String,
    },
    /// A signal or a look-up of a process or user failed.
    #[error("cannot {action}")]
    System {
        /// What was tried, as a verb.
        action: &'static str,
        /// The system's answer.
        #[source]
        source: nix::Error,
    },
    /// A command on a running Plaza failed.
    #[error("{command}: {words}")]
    Command {
        /// The command line.
        command: String,
        /// What it said.
        words: String,
    },
    /// A command on a running Plaza did not end.
    #[error("{command} has not ended after {seconds} s")]
    Silent {
        /// The command line.
        command: String,
        /// How long we waited, in seconds.
        seconds: u64,
    },
    /// The system gave no randomness for a secret.
    #[error("the system gave no random bytes")]
    Random,
}

impl LocalError {
    /// A closure for `map_err` on file operations.
    pub(crate) fn file(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::File {
            action,
            path,
            source,
        }
    }
}
