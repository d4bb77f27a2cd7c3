//! Where the scripts run, and what is there afterwards.

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use plaza_testkit::eventually;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    migrate::Migrator, postgres::PgConnectOptions,
};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use crate::{PATIENCE, SERVICES};

/// A PostgreSQL as the operator's start script leaves it, and folders as the
/// pods have them. There is one server, and its roles have names that the
/// scripts know: one test has it at a time.
pub(crate) struct Place {
    _turn: MutexGuard<'static, ()>,
    options: PgConnectOptions,
    pub(crate) folder: TempDir,
}

impl Place {
    /// With the three databases, which are empty.
    pub(crate) async fn empty() -> Self {
        static TURN: Mutex<()> = Mutex::const_new(());
        let turn = TURN.lock().await;
        let url = plaza_testkit::empty_database().await.url;
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("backups")).unwrap();
        std::fs::create_dir(folder.path().join("secrets")).unwrap();
        let place = Self {
            options: url.parse().unwrap(),
            _turn: turn,
            folder,
        };
        for service in SERVICES {
            std::fs::write(place.password(service), "secret").unwrap();
            let drop = format!("DROP DATABASE IF EXISTS plaza_{service} WITH (FORCE)");
            let role = format!("DROP ROLE IF EXISTS plaza_{service}");
            place.as_superuser(&drop).await;
            place.as_superuser(&role).await;
            let role = format!("CREATE ROLE plaza_{service} LOGIN PASSWORD 'secret' NOSUPERUSER");
            place.as_superuser(&role).await;
        }
        place.make_databases().await;
        place
    }

    /// With the services' schemas and something in each.
    pub(crate) async fn filled() -> Self {
        let place = Self::empty().await;
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services");
        for (service, rows) in [
            (
                "auth",
                "INSERT INTO installation (epoch) VALUES ('00000000-0000-0000-0000-000000000001');
                 INSERT INTO users (id, username, username_key, display_name, password_hash)
                 VALUES ('00000000-0000-0000-0000-00000000000a', 'anna', 'anna', 'Anna ☂', 'hash')",
            ),
            (
                "rooms",
                "INSERT INTO rooms (id, name, topic, visibility, version, state_version, member_count)
                 VALUES ('00000000-0000-0000-0000-00000000000b', 'Room', '', 'public', 1, 1, 1);
                 INSERT INTO members (room_id, user_id, role)
                 VALUES ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a', 'owner')",
            ),
            (
                "messages",
                "INSERT INTO messages (room_id, seq, number, changed_seq, id, author_id, client_message_id, sent_hash,
                                       content, created_at)
                 SELECT '00000000-0000-0000-0000-00000000000b', n, n, n, gen_random_uuid(),
                        '00000000-0000-0000-0000-00000000000a', n::text, sha256(n::text::bytea), 'message ' || n, now()
                 FROM generate_series(1, 500) AS n",
            ),
        ] {
            let migrator = Migrator::new(root.join(service).join("migrations"))
                .await
                .unwrap();
            let mut connection = place.connect(service).await;
            migrator.run(&mut connection).await.unwrap();
            connection.execute(rows).await.unwrap();
        }
        place
    }

    /// As a new chat has them.
    pub(crate) async fn make_databases(&self) {
        for service in SERVICES {
            for statement in [
                format!("DROP DATABASE IF EXISTS plaza_{service} WITH (FORCE)"),
                format!("CREATE DATABASE plaza_{service} OWNER plaza_{service}"),
                format!("REVOKE ALL ON DATABASE plaza_{service} FROM PUBLIC"),
            ] {
                self.as_superuser(&statement).await;
            }
        }
    }

    pub(crate) async fn as_superuser(&self, statement: &str) {
        let mut connection = self.options.connect().await.unwrap();
        connection
            .execute(AssertSqlSafe(statement))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        connection.close().await.unwrap();
    }

    /// As the service's own role.
    pub(crate) async fn connect(&self, service: &str) -> PgConnection {
        self.options
            .clone()
            .username(&format!("plaza_{service}"))
            .password("secret")
            .database(&format!("plaza_{service}"))
            .connect()
            .await
            .unwrap()
    }

    pub(crate) fn password(&self, service: &str) -> PathBuf {
        let folder = self.folder.path().join("secrets");
        folder.join(format!("{service}-password"))
    }

    pub(crate) fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// Whole backups, from the oldest on.
    pub(crate) fn whole(&self) -> Vec<String> {
        self.entries(|name| name.ends_with('Z'))
    }

    pub(crate) fn entries(&self, which: impl Fn(&str) -> bool) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.backups())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| which(name))
            .collect();
        names.sort();
        names
    }

    pub(crate) fn command(&self, script: &str) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/build");
        let programs = plaza_local::Binaries::find().postgres().unwrap().folder;
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("sh");
        command
            .arg(scripts.join(script))
            .env("PATH", format!("{}:{path}", programs.display()))
            .env("PGHOST", self.options.get_host())
            .env("PGPORT", self.options.get_port().to_string())
            .env("PLAZA_BACKUP_FOLDER", self.backups())
            .env("PLAZA_BACKUP_KEEP", "2")
            .env("PLAZA_SECRETS", self.folder.path().join("secrets"))
            .env("PLAZA_VERSION", "0.1.0")
            .env("PLAZA_RESTORE_BACKUP", "latest")
            .env("PLAZA_RESTORE_FROM", "the claim chat-backup")
            .env("PLAZA_RESTORE_ID", "one")
            .stdin(Stdio::null())
            .process_group(0);
        command
    }

    /// Runs a script to its good end.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) {
        let output = self.command(script).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }

    /// Runs a script that refuses, and says why.
    pub(crate) fn refused(command: &mut Command) -> String {
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{}", text(&output));
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap();
        last.strip_prefix("plaza: ").unwrap().to_owned()
    }

    /// Waits until somebody waits for a lock in a service's database.
    pub(crate) async fn waits_for_a_lock(&self, service: &str) {
        let mut connection = self.options.connect().await.unwrap();
        let database = format!("plaza_{service}");
        eventually(PATIENCE, async || {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'",
            )
            .bind(&database)
            .fetch_one(&mut connection)
            .await
            .unwrap();
            waiting > 0
        })
        .await;
    }

    /// Every row that is in a database, as text; nothing without tables.
    pub(crate) async fn content(&self, service: &str) -> String {
        let mut connection = self.connect(service).await;
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        let mut content = String::new();
        for table in tables {
            let rows = format!(
                "SELECT coalesce(string_agg(t::text, ' ' ORDER BY t::text), '') FROM public.{table} AS t"
            );
            let rows: String = sqlx::query_scalar(AssertSqlSafe(rows))
                .fetch_one(&mut connection)
                .await
                .unwrap();
            content.extend([&table, ": ", &rows, "\n"]);
        }
        content
    }

    pub(crate) async fn all_content(&self) -> Vec<String> {
        let mut all = Vec::new();
        for service in SERVICES {
            all.push(self.content(service).await);
        }
        all
    }
}

pub(crate) fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// With everything that it started, as a node that dies does.
pub(crate) fn kill(mut child: Child) {
    let group = Pid::from_raw(child.id().try_into().unwrap());
    killpg(group, Signal::SIGKILL).unwrap();
    child.wait().unwrap();
}
