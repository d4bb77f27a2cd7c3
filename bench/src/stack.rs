//! A Plaza of separate processes on throw-away data, and commands on it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail};
use plaza_local::{
    Launch, Output, Place, Process, Reaper, StopSignal, Up, create_folder, free_port,
};
use tempfile::TempDir;

/// As much of a log as an error shows (bytes).
const LAST_WORDS: usize = 2_000;

/// Which executable, and where its data may be.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    plaza: PathBuf,
    folder: Option<PathBuf>,
}

/// How a Plaza is started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Options {
    /// All of Plaza's own parts as one process.
    pub(crate) standalone: bool,
    /// Two processes of each part, Centrifugo included.
    pub(crate) two: bool,
}

/// A running one. Dropping it ends it and removes its data.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) up: Up,
    plaza: PathBuf,
    url: String,
    folder: TempDir,
    reaper: Reaper,
}

impl Host {
    /// Of an executable; the data goes into a folder of its own in `folder`, or
    /// where the system has temporary files.
    pub(crate) fn new(plaza: &Path, folder: Option<PathBuf>) -> anyhow::Result<Self> {
        let plaza = std::path::absolute(plaza)?;
        if !plaza.is_file() {
            bail!(
                "there is no {}; build it, or name it by --plaza",
                plaza.display()
            );
        }
        Ok(Self { plaza, folder })
    }

    /// Starts a Plaza and waits until it is ready.
    pub(crate) async fn start(&self, options: Options) -> anyhow::Result<Stack> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("plaza-bench-");
        let folder = match &self.folder {
            Some(folder) => builder.tempdir_in(folder),
            None => builder.tempdir(),
        }?;
        let place = Place::new(&self.plaza, folder.path())?;
        create_folder(&place.data(), None)?;
        let mut launch = place.up(free_port("gateway", None)?);
        launch
            .arguments
            .extend(["--show".into(), "warnings".into()]);
        if options.standalone {
            launch.arguments.push("--standalone".into());
        }
        if options.two {
            launch.arguments.extend(["--replicas".into(), "2".into()]);
        }
        let reaper = Reaper::start()?;
        let up = Up::start(place, &launch, &reaper)
            .await
            .with_context(|| format!("cannot start {}", self.plaza.display()))?;
        let url = up.status().await?.url;
        Ok(Stack {
            up,
            plaza: self.plaza.clone(),
            url,
            folder,
            reaper,
        })
    }
}

impl Stack {
    /// Where the gateway is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// A path in a folder that goes with it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.up.place().data()
    }

    /// Starts `plaza loadtest …`; what it says goes into a file of this name.
    pub(crate) fn loadtest(&self, log: &str, words: &[OsString]) -> anyhow::Result<Command> {
        let log = self.path(log);
        let launch = Launch {
            name: "plaza loadtest".into(),
            program: self.plaza.clone(),
            arguments: [OsString::from("loadtest")]
                .iter()
                .chain(words)
                .cloned()
                .collect(),
            environment: Vec::new(),
            folder: self.folder.path().to_owned(),
            account: None,
            output: Output::File(log.clone()),
            stop: StopSignal::Term,
            pid_file: None,
        };
        Ok(Command {
            process: Process::start(&launch, &self.reaper)?,
            log,
        })
    }

    /// Leaves the data with its logs behind, and says where.
    pub(crate) fn keep(mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }
}

/// A command that runs. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Command {
    process: Process,
    log: PathBuf,
}

impl Command {
    /// Waits for its end; its exit code.
    pub(crate) async fn code(&mut self, patience: Duration) -> anyhow::Result<i32> {
        if !self.process.wait(patience).await {
            bail!(
                "plaza loadtest has not ended after {} s; its last words:\n{}",
                patience.as_secs(),
                self.last_words()
            );
        }
        self.process.code().with_context(|| {
            let how = self.process.ended().unwrap_or_default();
            format!("plaza loadtest: {how}")
        })
    }

    /// The end of what it said.
    pub(crate) fn last_words(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let from = bytes.len().saturating_sub(LAST_WORDS);
        String::from_utf8_lossy(&bytes[from..]).into_owned()
    }
}
