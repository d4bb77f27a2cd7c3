//! The scripts of backup and restore, run as their Jobs run them, against a real
//! PostgreSQL with the schemas of the services and a real store.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails where something is not as it should be"
)]

use std::{
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use plaza_backup::{PullArgs, PushArgs, StoreArgs, pull, push};
use plaza_testkit::{TestStore, eventually, s3};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection,
    migrate::Migrator, postgres::PgConnectOptions,
};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

/// How long something may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
const SERVICES: [&str; 3] = ["auth", "rooms", "messages"];
const BACKUP: &str = "backup.sh";
const RESTORE: &str = "restore.sh";

/// A PostgreSQL as the operator's start script leaves it, and folders as the
/// pods have them. There is one server, and its roles have names that the
/// scripts know: one test has it at a time.
struct Place {
    _turn: MutexGuard<'static, ()>,
    options: PgConnectOptions,
    folder: TempDir,
}

impl Place {
    /// With the three databases, which are empty.
    async fn empty() -> Self {
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
    async fn filled() -> Self {
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
    async fn make_databases(&self) {
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

    async fn as_superuser(&self, statement: &str) {
        let mut connection = self.options.connect().await.unwrap();
        connection
            .execute(AssertSqlSafe(statement))
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        connection.close().await.unwrap();
    }

    /// As the service's own role.
    async fn connect(&self, service: &str) -> PgConnection {
        self.options
            .clone()
            .username(&format!("plaza_{service}"))
            .password("secret")
            .database(&format!("plaza_{service}"))
            .connect()
            .await
            .unwrap()
    }

    fn password(&self, service: &str) -> PathBuf {
        let folder = self.folder.path().join("secrets");
        folder.join(format!("{service}-password"))
    }

    fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    /// Whole backups, from the oldest on.
    fn whole(&self) -> Vec<String> {
        self.entries(|name| name.ends_with('Z'))
    }

    fn entries(&self, which: impl Fn(&str) -> bool) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.backups())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| which(name))
            .collect();
        names.sort();
        names
    }

    fn command(&self, script: &str) -> Command {
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
    fn run(&self, script: &str, arguments: &[&str]) {
        let output = self.command(script).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }

    /// Runs a script that refuses, and says why.
    fn refused(command: &mut Command) -> String {
        let output = command.output().unwrap();
        assert!(!output.status.success(), "{}", text(&output));
        let said = String::from_utf8(output.stderr).unwrap();
        let last = said.lines().last().unwrap();
        last.strip_prefix("plaza: ").unwrap().to_owned()
    }

    /// Waits until somebody waits for a lock in a service's database.
    async fn waits_for_a_lock(&self, service: &str) {
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
    async fn content(&self, service: &str) -> String {
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

    async fn all_content(&self) -> Vec<String> {
        let mut all = Vec::new();
        for service in SERVICES {
            all.push(self.content(service).await);
        }
        all
    }
}

fn store_args(store: &TestStore) -> StoreArgs {
    StoreArgs {
        s3_endpoint: store.endpoint.clone(),
        s3_bucket: store.bucket.clone(),
        s3_region: "us-east-1".into(),
        s3_prefix: "default/chat".into(),
        s3_path_style: true,
        s3_ca_file: None,
        s3_access_key_id: Some(store.access_key_id.clone().into()),
        s3_access_key_id_file: None,
        s3_secret_access_key: Some(store.secret_access_key.clone().into()),
        s3_secret_access_key_file: None,
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// With everything that it started, as a node that dies does.
fn kill(mut child: Child) {
    let group = Pid::from_raw(child.id().try_into().unwrap());
    killpg(group, Signal::SIGKILL).unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn what_was_backed_up_comes_back_and_can_be_backed_up_again() {
    let place = Place::filled().await;
    let before = place.all_content().await;
    assert!(before[0].contains("Anna ☂") && before[2].contains("message 500"));
    place.run(BACKUP, &[]);
    let [name] = place.whole().try_into().unwrap();
    let manifest = std::fs::read_to_string(place.backups().join(&name).join("manifest.json"));
    let manifest: serde_json::Value = serde_json::from_str(&manifest.unwrap()).unwrap();
    assert_eq!(manifest["name"], name.as_str());
    assert_eq!(manifest["plaza"], "0.1.0");
    for (place_, service) in ["messages", "rooms", "auth"].into_iter().enumerate() {
        let database = &manifest["databases"][place_];
        assert_eq!(database["name"], service);
        let file = format!("{service}.dump");
        let length = std::fs::metadata(place.backups().join(&name).join(&file))
            .unwrap()
            .len();
        assert_eq!(
            (&database["file"], &database["bytes"]),
            (&file.into(), &length.into())
        );
    }

    // Lost, and a new chat in its place.
    place.make_databases().await;
    place.run(RESTORE, &["begin"]);
    assert_eq!(place.all_content().await, before);
    place.run(RESTORE, &["finish"]);
    // The Job is run again although it was done: what happened since is kept.
    let mut messages = place.connect("messages").await;
    messages
        .execute("DELETE FROM messages WHERE number > 100")
        .await
        .unwrap();
    place.run(RESTORE, &["begin"]);
    place.run(RESTORE, &["finish"]);
    assert!(!place.content("messages").await.contains("message 500"));

    // The services' own migrations find what they made, and a restored chat is
    // backed up like any other.
    for service in SERVICES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services");
        let migrator = Migrator::new(root.join(service).join("migrations"))
            .await
            .unwrap();
        migrator
            .run(&mut place.connect(service).await)
            .await
            .unwrap();
    }
    let before = place.all_content().await;
    place.run(BACKUP, &[]);
    place.make_databases().await;
    place.run(RESTORE, &["begin"]);
    assert_eq!(place.all_content().await, before);
}

#[tokio::test]
async fn a_backup_that_is_killed_leaves_those_before_it() {
    let place = Place::filled().await;
    place.run(BACKUP, &[]);
    let first = place.whole();
    let mut rooms = place.connect("rooms").await;
    let mut lock = rooms.begin().await.unwrap();
    lock.execute("LOCK TABLE members").await.unwrap();
    let mut command = place.command(BACKUP);
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    place.waits_for_a_lock("rooms").await;
    kill(child.unwrap());
    lock.rollback().await.unwrap();
    let [part] = place
        .entries(|name| name.contains("Z.part"))
        .try_into()
        .unwrap();
    let part = place.backups().join(part);
    assert!(part.join("messages.dump").exists(), "the first");
    assert!(!part.join("auth.dump").exists(), "the last");
    assert_eq!(place.whole(), first);

    place.run(BACKUP, &[]);
    assert_eq!(place.whole().len(), 2);
    assert!(place.whole().contains(&first[0]));
    assert!(!part.exists(), "it is cleared away");
    place.run(BACKUP, &[]);
    assert_eq!(place.whole().len(), 2, "as many as are kept");
    assert!(!place.whole().contains(&first[0]), "the oldest went");
}

#[tokio::test]
async fn a_backup_that_fails_says_why_and_removes_nothing() {
    let place = Place::filled().await;
    place.run(BACKUP, &[]);
    place.run(BACKUP, &[]);
    let before = place.whole();
    std::fs::write(place.password("auth"), "another").unwrap();
    let said = Place::refused(&mut place.command(BACKUP));
    assert!(
        said.starts_with("the dump of auth failed")
            && said.contains("password authentication failed"),
        "{said}"
    );
    assert_eq!(place.entries(|name| !name.starts_with('.')), before);
}

#[tokio::test]
async fn a_restore_that_is_killed_begins_again() {
    let place = Place::filled().await;
    let before = place.all_content().await;
    place.run(BACKUP, &[]);
    place.make_databases().await;
    let mut messages = place.connect("messages").await;
    let mut lock = messages.begin().await.unwrap();
    lock.execute("CREATE TABLE in_the_way ()").await.unwrap();
    let mut command = place.command(RESTORE);
    let child = command
        .arg("begin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    place.waits_for_a_lock("messages").await;
    kill(child.unwrap());
    lock.rollback().await.unwrap();
    assert_eq!(
        place.content("auth").await,
        before[0],
        "it was in the middle"
    );
    assert_ne!(place.content("rooms").await, "", "it was in the middle");

    place.run(RESTORE, &["begin"]);
    assert_eq!(place.all_content().await, before);
    place.run(RESTORE, &["finish"]);
}

#[tokio::test]
async fn what_is_there_is_never_replaced() {
    let place = Place::filled().await;
    place.run(BACKUP, &[]);
    let before = place.all_content().await;
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    assert!(
        said.contains("the database of messages is not empty"),
        "{said}"
    );
    assert_eq!(place.all_content().await, before);

    // What was restored is somebody's now.
    place.make_databases().await;
    place.run(RESTORE, &["begin"]);
    place.run(RESTORE, &["finish"]);
    let mut another = place.command(RESTORE);
    let said = Place::refused(another.env("PLAZA_RESTORE_ID", "two").arg("begin"));
    assert!(said.contains("is not empty"), "{said}");
    assert_eq!(place.all_content().await, before);
}

#[tokio::test]
async fn a_backup_that_cannot_be_restored_is_named() {
    let place = Place::empty().await;
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    drop(place);
    let place = Place::filled().await;
    assert!(
        said.contains("no backup on the claim chat-backup"),
        "{said}"
    );
    place.run(BACKUP, &[]);
    let [name] = place.whole().try_into().unwrap();
    place.make_databases().await;
    let mut command = place.command(RESTORE);
    let said = Place::refused(
        command
            .env("PLAZA_RESTORE_BACKUP", "20000101T000000Z")
            .arg("begin"),
    );
    assert!(
        said.contains("no backup 20000101T000000Z") && said.contains(&name),
        "{said}"
    );
    let dump = place.backups().join(&name).join("rooms.dump");
    let mut bytes = std::fs::read(&dump).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).unwrap();
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    assert!(
        said.contains(&format!(
            "the backup {name} is damaged (rooms.dump: FAILED)"
        )),
        "{said}"
    );
    std::fs::remove_file(&dump).unwrap();
    let said = Place::refused(place.command(RESTORE).arg("begin"));
    assert!(said.contains("has no dump of rooms"), "{said}");
}

#[tokio::test]
async fn what_was_brought_to_a_store_comes_back_without_the_volume() {
    let (place, store) = (Place::filled().await, s3().await);
    let before = place.all_content().await;
    let backup = |job: &str| {
        let mut command = place.command(BACKUP);
        let output = command.env("PLAZA_BACKUP_JOB", job).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    };
    let brought = PushArgs {
        store: store_args(&store),
        backup_folder: place.backups(),
        backup_keep: 2,
    };
    // A Job whose store was away is tried again, and makes no second dump.
    backup("one");
    backup("one");
    let [name] = place.whole().try_into().unwrap();
    assert_eq!(push(&brought).await.unwrap(), name);
    backup("two");
    assert_eq!(place.whole().len(), 2);

    // The cluster is lost, and its volumes with it.
    std::fs::remove_dir_all(place.backups()).unwrap();
    place.make_databases().await;
    let fetched = place.folder.path().join("fetched");
    std::fs::create_dir(&fetched).unwrap();
    let args = PullArgs {
        store: store_args(&store),
        backup_folder: fetched.clone(),
        backup: "latest".into(),
    };
    assert_eq!(pull(&args).await.unwrap(), name);
    let restore = |step: &str| {
        let mut command = place.command(RESTORE);
        command.env("PLAZA_BACKUP_FOLDER", &fetched).arg(step);
        command
    };
    for step in ["begin", "finish"] {
        let output = restore(step).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
    }
    assert_eq!(place.all_content().await, before);

    // What a store has damaged is not restored.
    let dump = store.objects().join("default/chat").join(&name);
    let dump = dump.join("rooms.dump");
    let mut bytes = std::fs::read(&dump).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&dump, bytes).unwrap();
    std::fs::remove_dir_all(fetched.join(&name)).unwrap();
    assert_eq!(pull(&args).await.unwrap(), name);
    place.make_databases().await;
    let said = Place::refused(&mut restore("begin"));
    assert!(
        said.contains(&format!("the backup {name} is damaged")),
        "{said}"
    );
}
