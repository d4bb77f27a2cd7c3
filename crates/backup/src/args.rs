//! Settings.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where the store is, and with which key.
#[derive(Clone, Debug, clap::Args)]
pub struct StoreArgs {
    /// Where the store answers, such as `https://s3.example.org`
    #[arg(long, env = "PLAZA_S3_ENDPOINT")]
    pub s3_endpoint: String,
    /// The bucket, which has to be there
    #[arg(long, env = "PLAZA_S3_BUCKET")]
    pub s3_bucket: String,
    /// The region that requests are signed for
    #[arg(long, env = "PLAZA_S3_REGION", default_value = "us-east-1")]
    pub s3_region: String,
    /// The folder in the bucket; each chat needs one of its own
    #[arg(long, env = "PLAZA_S3_PREFIX")]
    pub s3_prefix: String,
    /// Whether the bucket stands in the path of a URL, or else before the host name
    #[arg(long, env = "PLAZA_S3_PATH_STYLE", default_value_t = true, action = clap::ArgAction::Set)]
    pub s3_path_style: bool,
    /// File with certificates (PEM) that the store's is checked with, beside those of the system
    #[arg(long, env = "PLAZA_S3_CA_FILE")]
    pub s3_ca_file: Option<PathBuf>,
    /// Id of the access key
    #[arg(long, env = "PLAZA_S3_ACCESS_KEY_ID", hide_env_values = true)]
    pub s3_access_key_id: Option<SecretString>,
    /// File that holds the id of the access key
    #[arg(long, env = "PLAZA_S3_ACCESS_KEY_ID_FILE")]
    pub s3_access_key_id_file: Option<PathBuf>,
    /// The secret of the access key
    #[arg(long, env = "PLAZA_S3_SECRET_ACCESS_KEY", hide_env_values = true)]
    pub s3_secret_access_key: Option<SecretString>,
    /// File that holds the secret of the access key
    #[arg(long, env = "PLAZA_S3_SECRET_ACCESS_KEY_FILE")]
    pub s3_secret_access_key_file: Option<PathBuf>,
}

/// What to bring to the store.
#[derive(Clone, Debug, clap::Args)]
pub struct PushArgs {
    /// The store
    #[command(flatten)]
    pub store: StoreArgs,
    /// The folder that backups are in
    #[arg(long, env = "PLAZA_BACKUP_FOLDER")]
    pub backup_folder: PathBuf,
    /// How many backups stay in the store
    #[arg(long, env = "PLAZA_BACKUP_KEEP", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub backup_keep: u16,
}

/// What to fetch from the store.
#[derive(Clone, Debug, clap::Args)]
pub struct PullArgs {
    /// The store
    #[command(flatten)]
    pub store: StoreArgs,
    /// The folder that the backup comes to, as a folder of its own name
    #[arg(long, env = "PLAZA_BACKUP_FOLDER")]
    pub backup_folder: PathBuf,
    /// Which backup: its name, or latest
    #[arg(long, env = "PLAZA_RESTORE_BACKUP", default_value = LATEST)]
    pub backup: String,
}

/// The word for the newest backup.
pub(crate) const LATEST: &str = "latest";
