//! Files to the store and back, in parts: so much is in memory, and so much is
//! sent again when a connection breaks.

use std::{io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use md5::{Digest as _, Md5};
use reqwest::header::{ETAG, RANGE};
use rusty_s3::{
    S3Action as _,
    actions::{CompleteMultipartUploadResponse, CreateMultipartUpload},
};
use tokio::{
    fs::File,
    io::{AsyncReadExt as _, AsyncWriteExt as _},
};

use crate::{
    BackupError,
    store::{SIGNED, Store},
};

/// Bytes of a part, unless there would be too many.
const PART: u64 = 16 << 20;
/// Parts that S3 takes of one object.
const PARTS: u64 = 10_000;
/// Bytes of an answer that is no file.
const ANSWER_BYTES: usize = 64 << 10;
/// What the store compares what has come with.
const CONTENT_MD5: &str = "content-md5";

impl Store {
    /// Brings a file there; there is nothing of it until all of it is.
    pub(crate) async fn put(&self, name: &str, path: &Path) -> Result<(), BackupError> {
        let fails = |source| file_error("read", path, source);
        let key = self.key(name);
        let mut file = File::open(path).await.map_err(fails)?;
        let length = file.metadata().await.map_err(fails)?.len();
        if length > PART {
            return self.put_in_parts(&key, &mut file, length, path).await;
        }
        let body = read(&mut file, length, path).await?;
        let put = self.bucket.put_object(Some(&self.credentials), &key);
        self.send(&format!("to write {key}"), ANSWER_BYTES, || {
            self.client
                .put(put.sign(SIGNED))
                .header(CONTENT_MD5, checksum(&body))
                .body(body.clone())
        })
        .await
        .map(drop)
    }

    async fn put_in_parts(
        &self,
        key: &str,
        file: &mut File,
        length: u64,
        path: &Path,
    ) -> Result<(), BackupError> {
        let doing = format!("to begin {key}");
        let create = self
            .bucket
            .create_multipart_upload(Some(&self.credentials), key);
        let answer = self
            .send(&doing, ANSWER_BYTES, || {
                self.client.post(create.sign(SIGNED))
            })
            .await?;
        let upload = CreateMultipartUpload::parse_response(&String::from_utf8_lossy(&answer.body))
            .map_err(|error| self.unclear(&doing, error.to_string()))?;
        let id = upload.upload_id();
        let done = self.put_parts(key, id, file, length, path).await;
        if done.is_err() {
            let abort = self
                .bucket
                .abort_multipart_upload(Some(&self.credentials), key, id);
            let doing = format!("to give {key} up");
            let aborted = self
                .send(&doing, ANSWER_BYTES, || {
                    self.client.delete(abort.sign(SIGNED))
                })
                .await;
            if let Err(error) = aborted {
                tracing::warn!(%error, "the parts stay until the bucket's lifecycle removes them");
            }
        }
        done
    }

    async fn put_parts(
        &self,
        key: &str,
        id: &str,
        file: &mut File,
        length: u64,
        path: &Path,
    ) -> Result<(), BackupError> {
        let credentials = Some(&self.credentials);
        let size = PART.max(length.div_ceil(PARTS));
        let mut tags = Vec::new();
        let (mut left, mut number) = (length, 0);
        while left > 0 {
            number += 1;
            let body = read(file, left.min(size), path).await?;
            left -= left.min(size);
            let doing = format!("to write part {number} of {key}");
            let part = self.bucket.upload_part(credentials, key, number, id);
            let answer = self
                .send(&doing, ANSWER_BYTES, || {
                    self.client
                        .put(part.sign(SIGNED))
                        .header(CONTENT_MD5, checksum(&body))
                        .body(body.clone())
                })
                .await?;
            let tag = answer.headers.get(ETAG).and_then(|tag| tag.to_str().ok());
            let tag = tag.ok_or_else(|| self.unclear(&doing, "it sends no ETag".to_owned()))?;
            tags.push(tag.to_owned());
        }
        let doing = format!("to end {key}");
        let complete = || {
            let tags = tags.iter().map(String::as_str);
            self.bucket
                .complete_multipart_upload(credentials, key, id, tags)
        };
        let answer = self
            .send(&doing, ANSWER_BYTES, || {
                self.client
                    .post(complete().sign(SIGNED))
                    .body(complete().body())
            })
            .await?;
        // It may fail after its status was sent.
        let text = String::from_utf8_lossy(&answer.body);
        CompleteMultipartUploadResponse::parse(&text)
            .map(drop)
            .map_err(|error| self.unclear(&doing, error.to_string()))
    }

    /// Fetches an object of this length into a new file, which is on the disk
    /// then.
    pub(crate) async fn fetch(
        &self,
        name: &str,
        length: u64,
        path: &Path,
    ) -> Result<(), BackupError> {
        let fails = |source| file_error("write", path, source);
        let key = self.key(name);
        let doing = format!("to read {key}");
        let mut file = File::create_new(path).await.map_err(fails)?;
        let mut from = 0;
        while from < length {
            let bytes = PART.min(length - from);
            let get = self.bucket.get_object(Some(&self.credentials), &key);
            let range = format!("bytes={from}-{}", from + bytes - 1);
            let most = usize::try_from(bytes).unwrap_or(usize::MAX);
            let answer = self
                .send(&doing, most, || {
                    self.client.get(get.sign(SIGNED)).header(RANGE, &range)
                })
                .await?;
            if answer.body.len() != most {
                let why = format!("it sends {} bytes for {range}", answer.body.len());
                return Err(self.unclear(&doing, why));
            }
            file.write_all(&answer.body).await.map_err(fails)?;
            from += bytes;
        }
        file.sync_all().await.map_err(fails)
    }
}

async fn read(file: &mut File, bytes: u64, path: &Path) -> Result<Bytes, BackupError> {
    let length = usize::try_from(bytes).map_err(io::Error::other);
    let read = async {
        let mut body = vec![0; length?];
        file.read_exact(&mut body).await?;
        Ok(Bytes::from(body))
    };
    read.await
        .map_err(|source| file_error("read", path, source))
}

fn checksum(body: &[u8]) -> String {
    STANDARD.encode(Md5::digest(body))
}

fn file_error(doing: &'static str, path: &Path, source: io::Error) -> BackupError {
    BackupError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
