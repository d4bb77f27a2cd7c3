//! An S3-compatible store.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::SecretKey;

/// A folder in a bucket of an S3-compatible store.
#[derive(Clone, Debug, Deserialize, Eq, KubeSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct S3Store {
    /// Where it answers, such as `https://s3.example.org`.
    #[schemars(
        length(max = 512),
        regex(pattern = r"^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?$")
    )]
    pub endpoint: String,
    /// The bucket, which has to be there.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"))]
    pub bucket: String,
    /// The region that requests are signed for. Default: us-east-1, which stores
    /// without regions take.
    #[schemars(length(max = 64), regex(pattern = r"^[A-Za-z0-9-]+$"))]
    #[serde(default = "region")]
    pub region: String,
    /// The folder in the bucket; each chat needs one of its own. Default:
    /// `<namespace>/<name>` of this chat.
    #[schemars(
        length(max = 512),
        regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Whether the bucket stands in the path of a URL, or else before the host
    /// name. Default: true.
    #[serde(default = "path_style")]
    pub path_style: bool,
    /// The id of the access key, which may read, write, list and delete. The key
    /// is `access-key-id` unless named.
    pub access_key_id: SecretKey,
    /// The secret of the access key. The key is `secret-access-key` unless named.
    pub secret_access_key: SecretKey,
    /// Certificates (PEM) that the store's is checked with, beside those that
    /// everybody knows. The key is `ca.crt` unless named. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<SecretKey>,
}

impl S3Store {
    /// The usual key of the access key's id.
    pub const ACCESS_KEY_ID: &str = "access-key-id";
    /// The usual key of the access key's secret.
    pub const SECRET_ACCESS_KEY: &str = "secret-access-key";
    /// The usual key of certificates.
    pub const CA: &str = "ca.crt";

    /// The folder in the bucket, for a chat of this namespace and name.
    pub fn folder(&self, namespace: &str, name: &str) -> String {
        let prefix = self.prefix.clone();
        prefix.unwrap_or_else(|| format!("{namespace}/{name}"))
    }

    /// The same with where it is, for people.
    pub fn place(&self, namespace: &str, name: &str) -> String {
        format!(
            "{}/{}/{}",
            self.endpoint,
            self.bucket,
            self.folder(namespace, name)
        )
    }

    /// What it needs of Secrets, by its field, with the usual keys.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretKey, &'static str)> {
        let mut all = vec![
            ("accessKeyId", &self.access_key_id, Self::ACCESS_KEY_ID),
            (
                "secretAccessKey",
                &self.secret_access_key,
                Self::SECRET_ACCESS_KEY,
            ),
        ];
        all.extend(self.ca.as_ref().map(|ca| ("ca", ca, Self::CA)));
        all
    }
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn path_style() -> bool {
    true
}
