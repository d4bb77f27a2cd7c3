use secrecy::ExposeSecret;

use super::*;
use crate::{
    api::{Autoscaling, ChatDeploymentStatus, EnvVar},
    testing::{nothing, production, secret, settings, stores, trial},
};

fn problems(chat: &ChatDeployment, facts: Facts) -> Vec<Problem> {
    validate(chat, facts, &settings()).unwrap_err()
}

/// The one problem that there is.
fn problem(chat: &ChatDeployment, facts: Facts) -> Problem {
    let mut problems = problems(chat, facts);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn a_trial_needs_nothing() {
    let valid = validate(&trial(), nothing(), &settings()).unwrap();
    assert_eq!(valid.version.to_string(), "0.1.0", "the operator's own");
    assert_eq!(valid.images.plaza, "registry.example.org/plaza/plaza:0.1.0");
    assert_eq!(valid.origins, ["http://chat.example.org"]);
    assert!(valid.realtime());
    let made: Vec<&str> = valid
        .generated
        .secrets
        .iter()
        .map(|secret| secret.name.as_str())
        .collect();
    assert_eq!(made, ["chat-keys", "chat-postgres", "chat-redis"]);
    let url = valid.value("chat-postgres", "auth-url").unwrap();
    let password = valid.value("chat-postgres", "auth-password").unwrap();
    assert!(url.expose_secret().contains(password.expose_secret()));
}

#[test]
fn every_generated_value_is_another_one() {
    let valid = validate(&trial(), nothing(), &settings()).unwrap();
    let mut values: Vec<String> = valid
        .generated
        .secrets
        .iter()
        .flat_map(|secret| secret.values.values())
        .map(|value| value.expose_secret().to_owned())
        .collect();
    let all = values.len();
    values.sort();
    values.dedup();
    assert_eq!(values.len(), all);
}

#[test]
fn secrets_that_are_there_are_kept() {
    let first = validate(&trial(), nothing(), &settings()).unwrap();
    let mut facts = nothing();
    for made in &first.generated.secrets {
        let mut data: Vec<(&str, String)> = Vec::new();
        for key in made.values.keys() {
            data.push((key, format!("kept-{key}")));
        }
        let data: Vec<(&str, &str)> = data
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
            .collect();
        facts.secrets.insert(made.name.clone(), Some(secret(&data)));
    }
    let second = validate(&trial(), facts, &settings()).unwrap();
    assert!(second.generated.secrets.iter().all(|secret| !secret.new));
    let kept = second.value("chat-keys", Keys::INTERNAL).unwrap();
    assert_eq!(kept.expose_secret(), "kept-internal-secret");
}

#[test]
fn a_generated_secret_that_lost_a_key_is_not_guessed() {
    let mut facts = nothing();
    facts
        .secrets
        .insert("chat-keys".into(), Some(secret(&[(Keys::INTERNAL, "x")])));
    let problem = problem(&trial(), facts);
    assert_eq!(problem.reason, Reason::SecretKeyMissing);
    assert!(problem.message.contains("chat-keys"), "{}", problem.message);
    assert!(problem.message.contains("delete the whole Secret"));
}

#[test]
fn a_production_takes_what_its_secrets_say() {
    let valid = validate(&production(), stores(), &settings()).unwrap();
    let redis = valid.redis.as_ref().unwrap();
    let shards: Vec<&str> = redis
        .centrifugo
        .iter()
        .map(ExposeSecret::expose_secret)
        .collect();
    assert_eq!(
        shards,
        [
            "redis://:five@a.example.org:6379",
            "redis://:six@b.example.org:6379"
        ]
    );
    assert_eq!(
        valid.database_ca,
        Some(("chat-databases-ca".into(), "ca.crt".into()))
    );
    assert_eq!(valid.origins, ["https://chat.example.org"]);
}

#[test]
fn a_secret_that_is_not_there_is_named_with_its_field() {
    let mut facts = stores();
    facts.secrets.remove("chat-databases");
    let problems = problems(&production(), facts);
    assert_eq!(problems.len(), 3, "each of the three databases");
    assert_eq!(problems[0].reason, Reason::SecretNotFound);
    assert_eq!(problems[0].field, "spec.postgres.external.auth");
    assert!(problems[0].message.contains("Secret chat-databases"));
}

#[test]
fn a_missing_key_is_told_with_those_that_are_there() {
    let mut facts = stores();
    facts
        .secrets
        .insert("chat-redis".into(), Some(secret(&[("uri", "redis://x")])));
    let problem = problem(&production(), facts);
    assert_eq!(problem.reason, Reason::SecretKeyMissing);
    assert!(
        problem.message.contains("has only uri"),
        "{}",
        problem.message
    );
}

#[test]
fn a_database_url_must_be_one() {
    let with_auth = |url: &str| {
        let mut facts = stores();
        let databases = facts
            .secrets
            .get_mut("chat-databases")
            .unwrap()
            .as_mut()
            .unwrap();
        databases.insert("auth".into(), Some(url.to_owned().into()));
        problem(&production(), facts)
    };
    for (url, words) in [
        ("mysql://who@where/what", "is no PostgreSQL URL"),
        ("postgres://hidden@host:5432", "without a database"),
        ("  ", "is empty"),
    ] {
        let problem = with_auth(url);
        assert_eq!(problem.reason, Reason::SecretInvalid, "{url}");
        assert!(problem.message.contains(words), "{}", problem.message);
        assert!(
            !problem.message.contains("hidden"),
            "no secret in a message"
        );
    }
}

#[test]
fn a_redis_url_must_be_one() {
    let with_streams = |url: &str, own_centrifugo: bool| {
        let mut facts = stores();
        let redis = facts
            .secrets
            .get_mut("chat-redis")
            .unwrap()
            .as_mut()
            .unwrap();
        redis.insert("streams".into(), Some(url.to_owned().into()));
        let mut chat = production();
        if !own_centrifugo {
            let external = chat.spec.redis.as_mut().unwrap().external.as_mut().unwrap();
            external.centrifugo = None;
        }
        validate(&chat, facts, &settings())
    };
    let problems = with_streams("http://redis", true).unwrap_err();
    assert_eq!(problems[0].reason, Reason::SecretInvalid);
    assert!(problems[0].message.contains("begins with none of"));
    let cluster = "redis+cluster://a:6379,b:6379";
    assert!(with_streams(cluster, true).is_ok());
    let problems = with_streams(cluster, false).unwrap_err();
    assert!(
        problems[0]
            .message
            .contains("set spec.redis.external.centrifugo too")
    );
    let plain = with_streams("redis://:x@one:6379/0", false).unwrap();
    assert_eq!(plain.redis.unwrap().centrifugo.len(), 1, "the streams' own");
}

#[test]
fn without_real_time_redis_does_not_matter() {
    let mut chat = production();
    chat.spec.realtime.enabled = false;
    let mut facts = stores();
    facts.secrets.remove("chat-redis");
    let valid = validate(&chat, facts, &settings()).unwrap();
    assert!(!valid.realtime());
    let parts: Vec<Component> = valid.components().collect();
    assert_eq!(
        parts,
        [
            Component::Auth,
            Component::Rooms,
            Component::Messages,
            Component::Gateway
        ]
    );
}

#[test]
fn versions_are_known_or_refused() {
    let asking = |version: &str, running: Option<&str>| {
        let mut chat = trial();
        chat.spec.version = Some(version.into());
        chat.status = Some(ChatDeploymentStatus {
            version: running.map(str::to_owned),
            ..ChatDeploymentStatus::default()
        });
        validate(&chat, nothing(), &settings())
    };
    assert!(asking("0.1.3", None).is_ok());
    assert!(asking("0.1.3", Some("0.1.0")).is_ok());
    let refused = |version, running| asking(version, running).unwrap_err().remove(0);
    assert_eq!(refused("0.2.0", None).reason, Reason::UnknownVersion);
    assert!(
        refused("0.2.0", None)
            .message
            .contains("knows 0.0.x and 0.1.x")
    );
    assert_eq!(
        refused("0.1.0", Some("0.1.3")).reason,
        Reason::VersionDowngrade
    );
    let mut later = settings();
    later.version = "1.3.0".parse().unwrap();
    let mut chat = trial();
    chat.spec.version = Some("1.3.0".into());
    chat.status = Some(ChatDeploymentStatus {
        version: Some("1.1.0".into()),
        ..ChatDeploymentStatus::default()
    });
    let skipped = validate(&chat, nothing(), &later).unwrap_err().remove(0);
    assert_eq!(skipped.reason, Reason::VersionSkipped);
}

#[test]
fn connections_are_divided_over_all_pods_there_can_be() {
    let valid = validate(&trial(), nothing(), &settings()).unwrap();
    assert_eq!((valid.connections.per_pod, valid.connections.pods), (20, 6));
    let mut chat = trial();
    chat.spec.messages.autoscaling = Some(Autoscaling {
        min_replicas: 1,
        max_replicas: 9,
        target_cpu_percent: 70,
    });
    let valid = validate(&chat, nothing(), &settings()).unwrap();
    assert_eq!(
        (valid.connections.per_pod, valid.connections.pods),
        (13, 14)
    );
    assert!(valid.connections.per_pod * valid.connections.pods <= valid.connections.max);
    chat.spec.rooms.replicas = Some(30);
    let problem = problem(&chat, nothing());
    assert_eq!(problem.reason, Reason::TooFewConnections);
    assert_eq!(problem.field, "spec.postgres.managed.maxConnections");
    assert!(
        problem.message.contains("have 354 or more"),
        "{}",
        problem.message
    );
}

#[test]
fn settings_of_the_operator_are_not_overridden() {
    let mut chat = trial();
    let variable = |name: &str| EnvVar {
        name: name.into(),
        value: "x".into(),
    };
    chat.spec.rooms.env = vec![variable("PLAZA_LISTEN"), variable("PLAZA_LOG")];
    chat.spec.centrifugo.env = vec![
        variable("CENTRIFUGO_ENGINE_REDIS_ADDRESS"),
        variable("CENTRIFUGO_LOG_LEVEL"),
    ];
    let problems = problems(&chat, nothing());
    let told: Vec<&str> = problems
        .iter()
        .map(|problem| problem.message.as_str())
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("spec.rooms.env sets PLAZA_LISTEN"));
    assert!(told[1].contains("CENTRIFUGO_ENGINE_REDIS_ADDRESS"));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let mut chat = production();
    chat.spec.version = Some("9.0.0".into());
    let mut facts = stores();
    facts.secrets.remove("chat-redis");
    let reasons: Vec<Reason> = problems(&chat, facts)
        .iter()
        .map(|problem| problem.reason)
        .collect();
    assert_eq!(reasons, [Reason::UnknownVersion, Reason::SecretNotFound]);
}

#[test]
fn every_secret_that_is_read_is_looked_up() {
    assert_eq!(
        named_secrets("chat", &trial().spec),
        ["chat-keys", "chat-postgres", "chat-redis"]
    );
    assert_eq!(
        named_secrets("chat", &production().spec),
        [
            "chat-databases",
            "chat-databases-ca",
            "chat-keys",
            "chat-redis"
        ]
    );
}
