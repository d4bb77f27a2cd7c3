//! The store: what is in it, and removing from it.

use std::{collections::BTreeMap, time::Duration};

use plaza_kit::config::{ConfigError, secret};
use reqwest::{Certificate, Client, redirect::Policy};
use rusty_s3::{Bucket, Credentials, S3Action as _, UrlStyle, actions::ListObjectsV2};
use secrecy::ExposeSecret as _;

use crate::{
    BackupError, StoreArgs,
    folder::{MANIFEST, is_backup},
};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long a request may take with its body, a part of a file at most.
const REQUEST: Duration = Duration::from_mins(5);
/// How long a signature holds.
pub(crate) const SIGNED: Duration = Duration::from_mins(15);
/// Answers of at most 1,000 names that are read of one list.
const PAGES: usize = 100;
/// Bytes of such an answer at most.
const PAGE_BYTES: usize = 4 << 20;

/// A folder of a bucket.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) client: Client,
    pub(crate) bucket: Bucket,
    pub(crate) credentials: Credentials,
    pub(crate) endpoint: String,
    prefix: String,
}

/// A backup there.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) name: String,
    /// Its files, with their lengths (bytes).
    pub(crate) files: BTreeMap<String, u64>,
}

impl Stored {
    /// Whether all of it is there.
    pub(crate) fn is_whole(&self) -> bool {
        self.files.contains_key(MANIFEST)
    }
}

impl Store {
    /// Asks nothing yet.
    pub(crate) fn open(args: &StoreArgs) -> Result<Self, BackupError> {
        let key = secret(
            "PLAZA_S3_ACCESS_KEY_ID",
            args.s3_access_key_id.as_ref(),
            args.s3_access_key_id_file.as_ref(),
        )?;
        let secret_key = secret(
            "PLAZA_S3_SECRET_ACCESS_KEY",
            args.s3_secret_access_key.as_ref(),
            args.s3_secret_access_key_file.as_ref(),
        )?;
        let endpoint = args.s3_endpoint.trim_end_matches('/').to_owned();
        let style = if args.s3_path_style {
            UrlStyle::Path
        } else {
            UrlStyle::VirtualHost
        };
        let invalid = |why: String| ConfigError::Invalid {
            name: "PLAZA_S3_ENDPOINT",
            why,
        };
        let url = reqwest::Url::parse(&endpoint)
            .map_err(|error| invalid(format!("{endpoint} is no URL: {error}")))?;
        let bucket = Bucket::new(url, style, args.s3_bucket.clone(), args.s3_region.clone())
            .map_err(|error| {
                invalid(format!(
                    "{endpoint} and the bucket {} make no URL: {error}",
                    args.s3_bucket
                ))
            })?;
        let prefix = args.s3_prefix.trim_matches('/').to_owned();
        // A segment `..` would lead into another bucket.
        if prefix
            .split('/')
            .any(|part| matches!(part, "" | "." | ".."))
        {
            return Err(ConfigError::Invalid {
                name: "PLAZA_S3_PREFIX",
                why: "it is to be a folder in the bucket, such as team/chat".to_owned(),
            }
            .into());
        }
        let mut client = Client::builder()
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            // A signature is for one host.
            .redirect(Policy::none());
        if let Some(path) = &args.s3_ca_file {
            let pem = std::fs::read(path).map_err(|source| BackupError::File {
                doing: "read",
                path: path.clone(),
                source,
            })?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|all| !all.is_empty())
                .ok_or_else(|| ConfigError::Invalid {
                    name: "PLAZA_S3_CA_FILE",
                    why: format!("{} holds no certificates (PEM)", path.display()),
                })?;
            client = client.tls_certs_merge(certificates);
        }
        let client = client
            .build()
            .map_err(|error| invalid(format!("no HTTP client can be made: {error}")))?;
        Ok(Self {
            client,
            bucket,
            credentials: Credentials::new(key.expose_secret(), secret_key.expose_secret()),
            endpoint,
            prefix,
        })
    }

    /// In words.
    pub(crate) fn place(&self) -> String {
        format!("{}/{}/{}", self.endpoint, self.bucket.name(), self.prefix)
    }

    /// The key of an object.
    pub(crate) fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix)
    }

    /// What is there, from the oldest on; objects that belong to no backup are
    /// somebody else's.
    pub(crate) async fn backups(&self) -> Result<Vec<Stored>, BackupError> {
        let doing = "to list the backups";
        let prefix = format!("{}/", self.prefix);
        let mut found: BTreeMap<String, Stored> = BTreeMap::new();
        let mut next: Option<String> = None;
        for _ in 0..PAGES {
            let mut list = self.bucket.list_objects_v2(Some(&self.credentials));
            list.with_prefix(prefix.as_str());
            if let Some(token) = next.take() {
                list.with_continuation_token(token);
            }
            let answer = self
                .send(doing, PAGE_BYTES, || self.client.get(list.sign(SIGNED)))
                .await?;
            let text = String::from_utf8_lossy(&answer.body);
            let page = ListObjectsV2::parse_response(&text)
                .map_err(|error| self.unclear(doing, error.to_string()))?;
            for object in page.contents {
                let names = object.key.strip_prefix(&prefix);
                let Some((name, file)) = names.and_then(|names| names.split_once('/')) else {
                    continue;
                };
                if !is_backup(name) {
                    continue;
                }
                let stored = found.entry(name.to_owned()).or_insert_with(|| Stored {
                    name: name.to_owned(),
                    files: BTreeMap::new(),
                });
                let bytes = object.size.unwrap_or_default();
                stored.files.insert(file.to_owned(), bytes);
            }
            next = page.next_continuation_token;
            if next.is_none() {
                return Ok(found.into_values().collect());
            }
        }
        Err(self.unclear(
            doing,
            "there are too many objects below the prefix".to_owned(),
        ))
    }

    /// Removes an object; one that is not there is no error.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), BackupError> {
        let key = self.key(name);
        let delete = self.bucket.delete_object(Some(&self.credentials), &key);
        let doing = format!("to delete {key}");
        self.send(&doing, 0, || self.client.delete(delete.sign(SIGNED)))
            .await
            .map(drop)
    }

    pub(crate) fn unclear(&self, doing: &str, why: String) -> BackupError {
        BackupError::Unclear {
            endpoint: self.endpoint.clone(),
            doing: doing.to_owned(),
            why,
        }
    }
}
