//! Where Redis is.

use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    api::{ExternalRedis, RedisSpec},
    component::Component,
    facts::Facts,
};

use super::{
    Generated, Problem, Reason, Redis, databases::CA_KEY, secret_value, secrets::REDIS_URL,
};

/// The key of a URL.
const URL_KEY: &str = "url";
/// What the streams' Redis may begin with.
const FORMS: [&str; 6] = [
    "redis://",
    "rediss://",
    "redis+cluster://",
    "rediss+cluster://",
    "redis+sentinel://",
    "rediss+sentinel://",
];
/// What both Plaza and Centrifugo understand.
const PLAIN: [&str; 2] = ["redis://", "rediss://"];

pub(super) fn named_secrets(name: &str, spec: &RedisSpec) -> Vec<String> {
    let Some(own) = &spec.external else {
        return vec![Component::Redis.of(name)];
    };
    let named = [Some(&own.streams), own.centrifugo.as_ref(), own.ca.as_ref()];
    named
        .into_iter()
        .flatten()
        .map(|named| named.secret_name.clone())
        .collect()
}

/// Where it is; what is wrong goes to `problems`.
pub(super) fn find(
    name: &str,
    spec: &RedisSpec,
    facts: &Facts,
    generated: Option<&Generated>,
    problems: &mut Vec<Problem>,
) -> Option<Redis> {
    match &spec.external {
        None => {
            let secret = Component::Redis.of(name);
            let url = generated?.value(&secret, REDIS_URL)?;
            Some(Redis {
                streams: (secret, REDIS_URL.to_owned()),
                ca: None,
                centrifugo: vec![url],
            })
        }
        Some(own) => external(own, facts)
            .map_err(|problem| problems.push(problem))
            .ok(),
    }
}

fn external(own: &ExternalRedis, facts: &Facts) -> Result<Redis, Problem> {
    let field = "spec.redis.external.streams";
    let url = secret_value(field, &own.streams, URL_KEY, facts)?;
    begins_with_one_of(&url, &FORMS).ok_or_else(|| {
        Problem::new(
            field,
            Reason::SecretInvalid,
            format!(
                "the key {} of the Secret {}, which {field} names, begins with none of {}",
                own.streams.key_or(URL_KEY),
                own.streams.secret_name,
                FORMS.join(", ")
            ),
        )
    })?;
    let ca = match &own.ca {
        None => None,
        Some(named) => {
            secret_value("spec.redis.external.ca", named, CA_KEY, facts)?;
            Some((named.secret_name.clone(), named.key_or(CA_KEY).to_owned()))
        }
    };
    let centrifugo = if let Some(named) = &own.centrifugo {
        let field = "spec.redis.external.centrifugo";
        let text = secret_value(field, named, URL_KEY, facts)?;
        text.expose_secret()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(|line| line.to_owned().into())
            .collect()
    } else {
        begins_with_one_of(&url, &PLAIN).ok_or_else(|| {
            Problem::new(
                "spec.redis.external.centrifugo",
                Reason::InvalidSpec,
                "the Redis of spec.redis.external.streams is a cluster or has sentinels, which Centrifugo names in \
                 another way: set spec.redis.external.centrifugo too",
            )
        })?;
        vec![SecretString::from(url.expose_secret().trim().to_owned())]
    };
    Ok(Redis {
        streams: (
            own.streams.secret_name.clone(),
            own.streams.key_or(URL_KEY).to_owned(),
        ),
        ca,
        centrifugo,
    })
}

fn begins_with_one_of(url: &SecretString, forms: &[&str]) -> Option<()> {
    forms
        .iter()
        .any(|form| url.expose_secret().trim().starts_with(form))
        .then_some(())
}
