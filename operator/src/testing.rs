//! Chats, and what a cluster holds, for tests.

use std::collections::BTreeMap;

use crate::{
    api::ChatDeployment,
    facts::{Facts, Fresh, SecretData},
    validate::Settings,
};

const TRIAL: &str = include_str!("../../k8s/samples/trial.yaml");
const PRODUCTION: &str = include_str!("../../k8s/samples/production.yaml");
const HIGHLY_AVAILABLE: &str = include_str!("../../k8s/samples/highly-available.yaml");
const CLOUDNATIVEPG: &str = include_str!("../../k8s/samples/cloudnativepg.yaml");
const BACKUP: &str = include_str!("../../k8s/samples/backup.yaml");
const RESTORE: &str = include_str!("../../k8s/samples/restore.yaml");
const BACKUP_S3: &str = include_str!("../../k8s/samples/backup-s3.yaml");
const RESTORE_S3: &str = include_str!("../../k8s/samples/restore-s3.yaml");

fn chat(yaml: &str) -> ChatDeployment {
    let mut chat: ChatDeployment = serde_saphyr::from_str(yaml).unwrap();
    chat.metadata.namespace = Some("default".into());
    chat.metadata.uid = Some("00000000-0000-0000-0000-000000000001".into());
    chat.metadata.generation = Some(1);
    chat
}

/// The sample of a trial, as the API server has it.
pub(crate) fn trial() -> ChatDeployment {
    chat(TRIAL)
}

/// The sample of a production.
pub(crate) fn production() -> ChatDeployment {
    chat(PRODUCTION)
}

/// The sample of one that stays when a node goes.
pub(crate) fn highly_available() -> ChatDeployment {
    chat(HIGHLY_AVAILABLE)
}

/// The sample of one on CloudNativePG.
pub(crate) fn cloudnativepg() -> ChatDeployment {
    chat(CLOUDNATIVEPG)
}

/// The sample of a chat with backups.
pub(crate) fn backed_up() -> ChatDeployment {
    chat(BACKUP)
}

/// The sample of a chat that begins with a backup.
pub(crate) fn restored() -> ChatDeployment {
    chat(RESTORE)
}

/// The sample of a chat whose backups are brought to a store.
pub(crate) fn backed_up_to_s3() -> ChatDeployment {
    chat(BACKUP_S3)
}

/// The sample of a chat that begins with one of them.
pub(crate) fn restored_from_s3() -> ChatDeployment {
    chat(RESTORE_S3)
}

/// The Secret that both name.
pub(crate) fn s3_secrets() -> Facts {
    let mut facts = nothing();
    let key = secret(&[("access-key-id", "seven@"), ("secret-access-key", "eight@")]);
    facts.secrets.insert("chat-s3".into(), Some(key));
    facts
}

pub(crate) fn settings() -> Settings {
    Settings {
        version: "0.1.0".parse().unwrap(),
        image_registry: "registry.example.org/plaza".into(),
        own_namespace: Some("plaza-system".into()),
    }
}

pub(crate) fn secret(values: &[(&str, &str)]) -> SecretData {
    values
        .iter()
        .map(|(key, value)| ((*key).to_owned(), Some((*value).to_owned().into())))
        .collect()
}

/// A cluster without any Secret.
pub(crate) fn nothing() -> Facts {
    Facts {
        secrets: BTreeMap::new(),
        replicas: BTreeMap::new(),
        fresh: Fresh::fixed(),
    }
}

/// The Secrets that the sample of a production names.
pub(crate) fn stores() -> Facts {
    let mut facts = nothing();
    let databases = secret(&[
        ("auth", "postgres://auth:one@db.example.org:5432/plaza_auth"),
        (
            "rooms",
            "postgres://rooms:two@db.example.org:5432/plaza_rooms",
        ),
        (
            "messages",
            "postgres://messages:three@db.example.org:5432/plaza_messages",
        ),
    ]);
    let redis = secret(&[
        ("streams", "rediss://:four@redis.example.org:6379/0"),
        (
            "centrifugo",
            "redis://:five@a.example.org:6379\n\nredis://:six@b.example.org:6379\n",
        ),
    ]);
    let ca = secret(&[("ca.crt", "certificates")]);
    for (name, data) in [
        ("chat-databases", databases),
        ("chat-databases-ca", ca),
        ("chat-redis", redis),
    ] {
        facts.secrets.insert(name.to_owned(), Some(data));
    }
    facts
}

/// The Secrets that CloudNativePG makes, without what is not read.
pub(crate) fn cloudnativepg_secrets() -> Facts {
    let mut facts = nothing();
    for service in ["auth", "rooms", "messages"] {
        let user = format!("plaza_{service}");
        let uri = format!("postgresql://{user}:seven@chat-db-{service}-rw.default:5432/{user}");
        let data = secret(&[("username", user.as_str()), ("uri", uri.as_str())]);
        let name = format!("chat-db-{service}-app");
        facts.secrets.insert(name, Some(data));
    }
    facts
}
