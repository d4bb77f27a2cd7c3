//! Asking for a password on the terminal, without showing it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail};
use nix::sys::termios::{self, LocalFlags, SetArg, Termios};
use secrecy::{ExposeSecret as _, SecretString};

/// Asks twice.
pub(super) fn new_password() -> anyhow::Result<SecretString> {
    if !std::io::stdin().is_terminal() {
        bail!("there is no terminal to ask for the password: name a file by --password-file");
    }
    let first = ask("Password: ")?;
    if first.expose_secret() != ask("Again: ")?.expose_secret() {
        bail!("the two passwords differ; nothing was done");
    }
    Ok(first)
}

fn ask(what: &str) -> anyhow::Result<SecretString> {
    let mut terminal = std::io::stderr();
    write!(terminal, "{what}")?;
    terminal.flush()?;
    let silent = Silent::begin()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    drop(silent);
    writeln!(terminal)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned().into())
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Silent(Termios);

impl Silent {
    fn begin() -> anyhow::Result<Self> {
        let before = termios::tcgetattr(std::io::stdin()).context("cannot ask the terminal")?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        termios::tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &silent)
            .context("cannot silence the terminal")?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = termios::tcsetattr(std::io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}
