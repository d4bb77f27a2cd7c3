//! From what is asked for and what was found to what can be built, or to what
//! is wrong with it and how to mend it. Pure.

mod backups;
mod databases;
mod images;
mod redis;
mod requests;
mod secrets;
mod variables;

use secrecy::SecretString;

use crate::{
    api::{
        Backup, ChatDeployment, ChatDeploymentSpec, DatabaseConnections, ManagedRedis,
        Registration, Restored, SecretKey,
    },
    component::Component,
    facts::Facts,
    version::{Refusal, Version},
};

pub(crate) use databases::{RELAY_CONNECTIONS, most_replicas};
pub use images::ImageNames;
pub use secrets::{Generated, GeneratedSecret, Keys, PostgresPasswords};
pub(crate) use secrets::{REDIS_PASSWORD, keys_name};

/// What the operator was started with that concerns every chat.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The operator's version.
    pub version: Version,
    /// Registry and path in front of images that nothing else is said of.
    pub image_registry: String,
    /// Where the operator's own pods are, which read the metrics of chats;
    /// `None`: it is in no namespace.
    pub own_namespace: Option<String>,
}

/// Why something cannot be built, for programs: these words are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// A field has a value that cannot be.
    InvalidSpec,
    /// A Secret that the spec names is not there.
    SecretNotFound,
    /// A Secret lacks a key.
    SecretKeyMissing,
    /// A Secret's value is not what it should be.
    SecretInvalid,
    /// The operator does not know the version.
    UnknownVersion,
    /// The version is older than the one that runs.
    VersionDowngrade,
    /// There is a version in between.
    VersionSkipped,
    /// The database has too few connections for so many pods.
    TooFewConnections,
}

impl Reason {
    /// As conditions and metrics have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidSpec => "InvalidSpec",
            Self::SecretNotFound => "SecretNotFound",
            Self::SecretKeyMissing => "SecretKeyMissing",
            Self::SecretInvalid => "SecretInvalid",
            Self::UnknownVersion => "UnknownVersion",
            Self::VersionDowngrade => "VersionDowngrade",
            Self::VersionSkipped => "VersionSkipped",
            Self::TooFewConnections => "TooFewConnections",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// What is at fault: a field of the spec.
    pub field: String,
    /// Why.
    pub reason: Reason,
    /// What is wrong and what to do, for people.
    pub message: String,
}

impl Problem {
    fn new(field: impl Into<String>, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason,
            message: message.into(),
        }
    }
}

/// Where the URL of a service's database is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DatabaseUrl {
    /// The service.
    pub service: Component,
    /// The Secret.
    pub secret: String,
    /// The key in it.
    pub key: String,
}

/// Where Redis is.
#[derive(Clone, Debug)]
pub struct Redis {
    /// The Secret and key of the streams' URL.
    pub streams: (String, String),
    /// Certificates for it.
    pub ca: Option<(String, String)>,
    /// Centrifugo's URLs.
    pub centrifugo: Vec<SecretString>,
}

/// What can be built.
#[derive(Debug)]
pub struct Validated {
    /// The chat's name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its uid, which the objects' owner references carry.
    pub uid: String,
    /// The spec.
    pub spec: ChatDeploymentSpec,
    /// The version to run.
    pub version: Version,
    /// The images.
    pub images: ImageNames,
    /// Every origin that browsers may open it at.
    pub origins: Vec<String>,
    /// Each service's database.
    pub databases: Vec<DatabaseUrl>,
    /// Certificates that the databases' are checked with.
    pub database_ca: Option<(String, String)>,
    /// The namespace of the operator's pods.
    pub operator_namespace: Option<String>,
    /// How their connections are divided.
    pub connections: DatabaseConnections,
    /// Redis; `None` with real time off.
    pub redis: Option<Redis>,
    /// The word of the last request for a backup.
    pub backup_request: Option<String>,
    /// The word of the last request to rotate the signing keys.
    pub rotation_request: Option<String>,
    /// The newest backup that is known of.
    pub last_backup: Option<Backup>,
    /// Whether all of it has run before: nothing is restored any more.
    pub has_run: bool,
    /// The backup that it has begun with.
    pub restored: Option<Restored>,
    /// The Secrets that the operator makes.
    pub generated: Generated,
    /// The values of all Secrets, for checksums.
    pub(crate) facts: Facts,
}

impl Validated {
    /// Whether changes are pushed.
    pub fn realtime(&self) -> bool {
        self.redis.is_some()
    }

    /// The managed Redis, where real time needs one.
    pub(crate) fn managed_redis(&self) -> Option<&ManagedRedis> {
        let redis = self.spec.redis.as_ref()?;
        redis.managed.as_ref().filter(|_| self.realtime())
    }

    /// The parts that people are served by.
    pub fn components(&self) -> impl Iterator<Item = Component> {
        let realtime = self.realtime();
        Component::ROLLOUT.into_iter().filter(move |component| {
            realtime || !matches!(component, Component::Publisher | Component::Centrifugo)
        })
    }

    /// The value of a key of a Secret, as it is or will be.
    pub(crate) fn value(&self, secret: &str, key: &str) -> Option<SecretString> {
        self.generated
            .value(secret, key)
            .or_else(|| self.facts.value(secret, key))
    }
}

/// Which Secrets of a namespace a spec depends on, to be looked up.
pub fn named_secrets(name: &str, spec: &ChatDeploymentSpec) -> Vec<String> {
    let mut names = vec![keys_name(name)];
    names.extend(databases::named_secrets(name, &spec.postgres));
    names.extend(
        spec.redis
            .iter()
            .flat_map(|redis| redis::named_secrets(name, redis)),
    );
    names.extend(backups::named_secrets(spec));
    names.sort();
    names.dedup();
    names
}

/// What to build, or everything that is wrong.
///
/// # Errors
/// At least one [`Problem`].
pub fn validate(
    chat: &ChatDeployment,
    facts: Facts,
    settings: &Settings,
) -> Result<Validated, Vec<Problem>> {
    let mut problems = Vec::new();
    let name = chat.metadata.name.clone().unwrap_or_default();
    let spec = &chat.spec;
    let running = chat
        .status
        .as_ref()
        .and_then(|status| status.version.as_deref());
    let version = version(spec, running, settings).map_err(|problem| problems.push(problem));
    let generated = secrets::generated(&name, spec, &facts, &mut problems);
    let databases = databases::urls(&name, &spec.postgres, &facts, &mut problems);
    let connections = databases::connections(spec).map_err(|problem| problems.push(problem));
    let database_ca = databases::ca(&spec.postgres, &facts, &mut problems);
    backups::check(chat, &facts, &mut problems);
    let redis = match &spec.redis {
        Some(redis) if spec.realtime.enabled => {
            redis::find(&name, redis, &facts, generated.as_ref(), &mut problems)
        }
        _ => None,
    };
    let (Ok(version), Ok(connections), Some(generated), true) =
        (version, connections, generated, problems.is_empty())
    else {
        return Err(problems);
    };
    let validated = Validated {
        images: ImageNames::of(spec, &version, settings),
        origins: origins(spec),
        name,
        namespace: chat.metadata.namespace.clone().unwrap_or_default(),
        uid: chat.metadata.uid.clone().unwrap_or_default(),
        spec: spec.clone(),
        version,
        databases,
        database_ca,
        operator_namespace: settings.own_namespace.clone(),
        connections,
        redis,
        backup_request: requests::word(chat, requests::BACKUP),
        rotation_request: requests::word(chat, requests::ROTATE_KEYS),
        last_backup: chat
            .status
            .as_ref()
            .and_then(|status| status.last_backup.clone()),
        has_run: running.is_some(),
        restored: chat
            .status
            .as_ref()
            .and_then(|status| status.restored.clone()),
        generated,
        facts,
    };
    let problems = variables::reserved(&validated);
    if problems.is_empty() {
        Ok(validated)
    } else {
        Err(problems)
    }
}

fn origins(spec: &ChatDeploymentSpec) -> Vec<String> {
    let mut origins = vec![spec.endpoint()];
    for origin in &spec.additional_origins {
        if !origins.contains(origin) {
            origins.push(origin.clone());
        }
    }
    origins
}

fn version(
    spec: &ChatDeploymentSpec,
    running: Option<&str>,
    settings: &Settings,
) -> Result<Version, Problem> {
    let own = &settings.version;
    let wanted = match &spec.version {
        None => own.clone(),
        Some(text) => text.parse().map_err(|error| {
            Problem::new(
                "spec.version",
                Reason::InvalidSpec,
                format!("spec.version: {error}"),
            )
        })?,
    };
    if !own.knows(&wanted) {
        return Err(Problem::new(
            "spec.version",
            Reason::UnknownVersion,
            format!(
                "spec.version {wanted} is unknown to this operator, which is {own} and knows {}: name one of those, or \
                 install the operator of that version first",
                own.known()
            ),
        ));
    }
    let Some(running) = running.and_then(|text| text.parse::<Version>().ok()) else {
        return Ok(wanted);
    };
    match running.may_become(&wanted) {
        Ok(()) => Ok(wanted),
        Err(Refusal::Downgrade) => Err(Problem::new(
            "spec.version",
            Reason::VersionDowngrade,
            format!(
                "spec.version {wanted} is older than {running}, which runs, and databases do not go back: set \
                 spec.version to {running} or later"
            ),
        )),
        Err(Refusal::Skips) => Err(Problem::new(
            "spec.version",
            Reason::VersionSkipped,
            format!(
                "spec.version {wanted} skips the minor versions between it and {running}, which runs: upgrade to each \
                 of them in turn"
            ),
        )),
    }
}

/// The value of a Secret that the spec names, or what is wrong with it.
fn secret_value(
    field: &str,
    named: &SecretKey,
    usual_key: &str,
    facts: &Facts,
) -> Result<SecretString, Problem> {
    use secrecy::ExposeSecret as _;
    let secret = &named.secret_name;
    let key = named.key_or(usual_key);
    let Some(Some(data)) = facts.secrets.get(secret) else {
        return Err(Problem::new(
            field,
            Reason::SecretNotFound,
            format!(
                "{field} names the Secret {secret}, which is not there: create it with the key {key}, or name another"
            ),
        ));
    };
    let Some(value) = data.get(key) else {
        let keys: Vec<&str> = data.keys().map(String::as_str).collect();
        return Err(Problem::new(
            field,
            Reason::SecretKeyMissing,
            format!(
                "{field} names the key {key} of the Secret {secret}, which has {}: add the key, or set {field}.key",
                if keys.is_empty() {
                    "no keys".to_owned()
                } else {
                    format!("only {}", keys.join(", "))
                }
            ),
        ));
    };
    match value {
        Some(text) if !text.expose_secret().trim().is_empty() => Ok(text.clone()),
        _ => Err(Problem::new(
            field,
            Reason::SecretInvalid,
            format!(
                "the key {key} of the Secret {secret}, which {field} names, is empty or no text"
            ),
        )),
    }
}

/// As `PLAZA_REGISTRATION` has it.
pub(crate) fn registration(registration: Registration) -> &'static str {
    match registration {
        Registration::Open => "open",
        Registration::Closed => "closed",
    }
}

#[cfg(test)]
mod tests;
