//! On what it was measured.

use std::{fs, process::Command};

use serde::Serialize;

/// The machine, and what was measured on it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Machine {
    /// Of the sources in the present folder; with `+` when they were changed.
    pub(crate) commit: String,
    pub(crate) cpu: String,
    /// How many processors this process may use.
    pub(crate) cores: usize,
    pub(crate) memory_gib: f64,
    pub(crate) system: String,
}

impl Machine {
    /// This one.
    pub(crate) fn this() -> Self {
        let unknown = || "unknown".to_owned();
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let changed = said("git", &["status", "--porcelain", "--untracked-files=no"]);
        let mark = if changed.is_some() { "+" } else { "" };
        Self {
            commit: said("git", &["rev-parse", "--short=12", "HEAD"])
                .map_or_else(unknown, |commit| commit + mark),
            cpu: field(&cpus, "model name").map_or_else(unknown, str::to_owned),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_gib(&memory).unwrap_or_default(),
            system: said("uname", &["-srm"]).unwrap_or_else(unknown),
        }
    }

    /// In a line.
    pub(crate) fn text(&self) -> String {
        format!(
            "commit {}, {} ({} cores), {:.1} GiB, {}",
            self.commit, self.cpu, self.cores, self.memory_gib, self.system
        )
    }
}

/// What a program prints; none: nothing, or it is not there.
fn said(program: &str, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// The first line `name : value`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(known, _)| known.trim() == name)?;
    Some(value.trim())
}

fn memory_gib(text: &str) -> Option<f64> {
    let kib: u32 = field(text, "MemTotal")?
        .strip_suffix("kB")?
        .trim()
        .parse()
        .ok()?;
    Some(f64::from(kib) / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_tells_is_read() {
        let cpus = "processor\t: 0\nmodel name\t: Some CPU @ 2.0GHz\nmodel name : other\n";
        assert_eq!(field(cpus, "model name"), Some("Some CPU @ 2.0GHz"));
        assert_eq!(field(cpus, "flags"), None);
        assert_eq!(memory_gib("MemTotal:       4194304 kB\n"), Some(4.0));
        assert_eq!(memory_gib(""), None);
    }
}
