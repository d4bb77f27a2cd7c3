//! An S3-compatible store for tests.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use plaza_local::{Launch, Output, Process, StopSignal, create_folder, free_port, write_private};
use tokio::net::TcpStream;

use crate::{
    redis_tls::certificates,
    server::{chain, home},
};

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A store with one bucket; objects are files of a folder.
#[derive(Debug)]
pub struct TestStore {
    /// Where it answers.
    pub endpoint: String,
    /// Its bucket.
    pub bucket: String,
    /// Id of the access key.
    pub access_key_id: String,
    /// The secret of the access key.
    pub secret_access_key: String,
    /// Who signed its certificate, PEM; `None`: it speaks no TLS.
    pub authority: Option<String>,
    folder: PathBuf,
    process: Process,
}

impl TestStore {
    /// Where the objects of the bucket are as files.
    pub fn objects(&self) -> PathBuf {
        self.folder.join("buckets").join(&self.bucket)
    }

    /// Kills it with SIGKILL.
    pub async fn kill(&mut self) {
        self.process.kill().await;
    }
}

/// A store of a test's own.
pub async fn s3() -> TestStore {
    start(false).await
}

/// The same behind TLS, with a certificate of an authority that nobody else
/// knows.
pub async fn tls_s3() -> TestStore {
    start(true).await
}

async fn start(tls: bool) -> TestStore {
    let home = home();
    let folder = home.server_folder("s3");
    let bucket = "backups".to_owned();
    for path in [
        folder.clone(),
        folder.join("buckets"),
        folder.join("buckets").join(&bucket),
        // Not every file system has what it would note beside a file.
        folder.join("metadata"),
    ] {
        create_folder(&path, None).unwrap_or_else(|error| panic!("{}", chain(&error)));
    }
    let port = free_port("S3", None).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let access_key_id = random();
    let secret_access_key = random();
    let mut environment = vec![
        ("ROOT_ACCESS_KEY_ID", access_key_id.clone()),
        ("ROOT_SECRET_ACCESS_KEY", secret_access_key.clone()),
        ("VGW_PORT", format!("127.0.0.1:{port}")),
        (
            "VGW_META_SIDECAR",
            folder.join("metadata").display().to_string(),
        ),
    ];
    let mut authority = None;
    if tls {
        let (pem, certificate, key) = certificates().expect("certificates");
        environment.push(("VGW_CERT", write(&folder, "certificate.pem", &certificate)));
        environment.push(("VGW_KEY", write(&folder, "key.pem", &key)));
        authority = Some(pem);
    }
    let log = folder.join("log");
    let environment = environment.into_iter();
    let launch = Launch {
        name: "versitygw".to_owned(),
        program: program(),
        arguments: vec!["posix".into(), folder.join("buckets").into()],
        environment: environment
            .map(|(name, value)| (name.into(), Some(value.into())))
            .collect(),
        folder: folder.clone(),
        account: None,
        output: Output::File(log.clone()),
        stop: StopSignal::Term,
        pid_file: None,
    };
    let mut process =
        Process::start(&launch, &home.reaper).unwrap_or_else(|error| panic!("{}", chain(&error)));
    process
        .until_ready(&log, PATIENCE, || async {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port))
                .await
                .is_ok()
        })
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    let scheme = if tls { "https" } else { "http" };
    TestStore {
        endpoint: format!("{scheme}://127.0.0.1:{port}"),
        bucket,
        access_key_id,
        secret_access_key,
        authority,
        folder,
        process,
    }
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    write_private(&path, text.as_bytes(), None).unwrap_or_else(|error| panic!("{}", chain(&error)));
    path.display().to_string()
}

fn random() -> String {
    plaza_local::random_hex(16).unwrap_or_else(|error| panic!("{error}"))
}

/// Where operator/kubernetes/build puts it.
fn program() -> PathBuf {
    let cache = std::env::var_os("PLAZA_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/plaza")))
        .expect("PLAZA_CACHE or HOME");
    let program = cache.join("bin/versitygw");
    assert!(
        program.exists(),
        "{} is missing: run operator/kubernetes/build",
        program.display()
    );
    program
}
