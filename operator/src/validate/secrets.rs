//! The Secrets that the operator makes: once, and never anew while they are
//! there.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    api::ChatDeploymentSpec,
    component::Component,
    facts::{Facts, Fresh},
};

use super::{Problem, Reason};

/// Keys of the Secret that all parts share.
#[derive(Clone, Copy, Debug)]
pub struct Keys;

impl Keys {
    /// What services show each other.
    pub const INTERNAL: &str = "internal-secret";
    /// What refresh tokens are derived with.
    pub const REFRESH: &str = "refresh-key";
    /// Of Centrifugo's server API.
    pub const CENTRIFUGO_API: &str = "centrifugo-api-key";
    /// What tells rooms that Centrifugo asks.
    pub const CENTRIFUGO_PROXY: &str = "centrifugo-proxy-secret";
}

/// Keys of the Secret of a managed PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub struct PostgresPasswords;

impl PostgresPasswords {
    /// Of the superuser `plaza`.
    pub const SUPERUSER: &str = "superuser-password";

    /// Of a service's role.
    pub fn of(service: Component) -> String {
        format!("{service}-password")
    }

    /// Whole URL of a service's database.
    pub fn url_of(service: Component) -> String {
        format!("{service}-url")
    }
}

/// Key of a managed Redis' password.
pub(crate) const REDIS_PASSWORD: &str = "password";
/// Key of a managed Redis' URL.
pub(crate) const REDIS_URL: &str = "url";

/// The Secret that all parts share.
pub(crate) fn keys_name(chat: &str) -> String {
    format!("{chat}-keys")
}

/// A Secret that the operator makes.
#[derive(Debug)]
pub struct GeneratedSecret {
    /// Its name.
    pub name: String,
    /// Whether it has to be made.
    pub new: bool,
    /// Its content, as it is or will be.
    pub values: BTreeMap<String, SecretString>,
}

/// All of them.
#[derive(Debug)]
pub struct Generated {
    /// In the order of their making.
    pub secrets: Vec<GeneratedSecret>,
}

impl Generated {
    pub(crate) fn value(&self, secret: &str, key: &str) -> Option<SecretString> {
        let secret = self.secrets.iter().find(|made| made.name == secret)?;
        secret.values.get(key).cloned()
    }
}

/// What is there, or new values where nothing is; `None` with a problem.
pub(super) fn generated(
    name: &str,
    spec: &ChatDeploymentSpec,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> Option<Generated> {
    let mut wanted = vec![(keys_name(name), installation_keys(&facts.fresh))];
    if spec.postgres.managed.is_some() {
        let secret = Component::Postgres.of(name);
        let values = postgres_passwords(&secret, &facts.fresh);
        wanted.push((secret, values));
    }
    if spec.realtime.enabled
        && spec
            .redis
            .as_ref()
            .is_some_and(|redis| redis.managed.is_some())
    {
        let secret = Component::Redis.of(name);
        let values = redis_password(&secret, &facts.fresh);
        wanted.push((secret, values));
    }
    let mut secrets = Vec::with_capacity(wanted.len());
    for (name, fresh) in wanted {
        secrets.push(present_or_fresh(name, fresh, facts, problems)?);
    }
    Some(Generated { secrets })
}

fn present_or_fresh(
    name: String,
    fresh: BTreeMap<String, SecretString>,
    facts: &Facts,
    problems: &mut Vec<Problem>,
) -> Option<GeneratedSecret> {
    let Some(Some(present)) = facts.secrets.get(&name) else {
        return Some(GeneratedSecret {
            name,
            new: true,
            values: fresh,
        });
    };
    let mut values = BTreeMap::new();
    for key in fresh.into_keys() {
        match present.get(&key) {
            Some(Some(value)) if !value.expose_secret().is_empty() => {
                values.insert(key, value.clone());
            }
            _ => {
                problems.push(Problem::new(
                    format!("Secret {name}"),
                    Reason::SecretKeyMissing,
                    format!(
                        "the Secret {name}, which the operator made, has lost its key {key}: put it back from where you \
                         keep it, or delete the whole Secret to have a new one made"
                    ),
                ));
                return None;
            }
        }
    }
    Some(GeneratedSecret {
        name,
        new: false,
        values,
    })
}

fn installation_keys(fresh: &Fresh) -> BTreeMap<String, SecretString> {
    [
        Keys::INTERNAL,
        Keys::REFRESH,
        Keys::CENTRIFUGO_API,
        Keys::CENTRIFUGO_PROXY,
    ]
    .into_iter()
    .enumerate()
    .map(|(place, key)| (key.to_owned(), fresh.value(place)))
    .collect()
}

fn postgres_passwords(host: &str, fresh: &Fresh) -> BTreeMap<String, SecretString> {
    let mut values = BTreeMap::new();
    values.insert(PostgresPasswords::SUPERUSER.to_owned(), fresh.value(4));
    for (place, service) in (5..).zip(Component::WITH_DATABASE) {
        let password = fresh.value(place);
        let url = format!(
            "postgres://plaza_{service}:{}@{host}:5432/plaza_{service}?sslmode=disable",
            password.expose_secret()
        );
        values.insert(PostgresPasswords::of(service), password);
        values.insert(PostgresPasswords::url_of(service), url.into());
    }
    values
}

fn redis_password(host: &str, fresh: &Fresh) -> BTreeMap<String, SecretString> {
    let password = fresh.value(8);
    let url = format!("redis://:{}@{host}:6379/0", password.expose_secret());
    [
        (REDIS_PASSWORD.to_owned(), password),
        (REDIS_URL.to_owned(), url.into()),
    ]
    .into()
}
