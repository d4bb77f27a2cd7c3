//! Whatever spec is accepted, the objects that are built of it are, too: by the
//! API server itself, strictly, which writes none of them.

use std::collections::BTreeMap;

use futures::future::join_all;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, Patch, PatchParams, ValidationDirective},
    core::GroupVersionKind,
};
use plaza_operator::{
    api::ChatDeployment,
    build::{Resources, build},
    facts::{Facts, Fresh, SecretData},
    validate::{Settings, validate},
};
use proptest::{
    strategy::{Strategy as _, ValueTree as _},
    test_runner::TestRunner,
};
use serde_json::Value;

use crate::{specs::chats, world::World};

/// Specs that are tried; the same ones each time.
const CASES: usize = 64;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_of_any_accepted_spec_is_accepted() {
    let world = World::new().await;
    let specs = chats(&world.namespace);
    let mut runner = TestRunner::deterministic();
    for _ in 0..CASES {
        let spec = specs.new_tree(&mut runner).unwrap().current();
        let accepted = world.would_apply(&spec).await;
        let accepted = accepted.unwrap_or_else(|error| panic!("{error}: {spec:#}"));
        let mut chat: ChatDeployment = serde_json::from_value(accepted).unwrap();
        chat.metadata.uid = Some("00000000-0000-0000-0000-000000000001".to_owned());
        let validated = validate(&chat, facts(), &settings());
        let validated = validated.unwrap_or_else(|problems| panic!("{problems:#?}: {spec:#}"));
        let objects = objects(build(&validated).unwrap());
        assert!(objects.len() > 10, "{} objects", objects.len());
        let answers = objects.iter().map(|object| world.would_apply(object));
        for (object, answer) in objects.iter().zip(join_all(answers).await) {
            if let Err(error) = answer {
                panic!("{error}: {object:#} of {spec:#}");
            }
        }
    }
}

impl World {
    /// What the server would have of an object, if it were applied.
    async fn would_apply(&self, object: &Value) -> Result<Value, kube::Error> {
        let of = |field: &str| object[field].as_str().unwrap().to_owned();
        let (version, kind) = (of("apiVersion"), of("kind"));
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let params = PatchParams {
            dry_run: true,
            force: true,
            field_manager: Some("test".to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let name = object["metadata"]["name"].as_str().unwrap();
        let would_be = api.patch(name, &params, &Patch::Apply(object)).await?;
        Ok(serde_json::to_value(would_be).unwrap())
    }
}

fn settings() -> Settings {
    Settings {
        version: "0.1.0".parse().unwrap(),
        image_registry: "registry.example.org/plaza".to_owned(),
        own_namespace: Some("plaza-system".to_owned()),
    }
}

/// The Secrets that specs name.
fn facts() -> Facts {
    let secret = |values: &[(&str, &str)]| -> Option<SecretData> {
        let values = values.iter();
        let values = values.map(|(key, value)| ((*key).to_owned(), Some((*value).into())));
        Some(values.collect())
    };
    let databases = secret(&[
        ("auth", "postgres://a:b@db.example.org/plaza_auth"),
        ("rooms", "postgres://a:b@db.example.org/plaza_rooms"),
        ("messages", "postgres://a:b@db.example.org/plaza_messages"),
        ("ca", "certificates"),
    ]);
    let redis = secret(&[
        ("streams", "redis://:a@redis.example.org:6379/0"),
        ("centrifugo", "redis://:b@redis.example.org:6379/1"),
    ]);
    let store = secret(&[("access-key-id", "a"), ("secret-access-key", "b")]);
    let named = [("databases", databases), ("redis", redis), ("store", store)];
    Facts {
        secrets: named
            .into_iter()
            .map(|(name, data)| (name.to_owned(), data))
            .collect(),
        replicas: BTreeMap::new(),
        fresh: Fresh::random().unwrap(),
    }
}

/// Every object of a kind that the server knows: not those of the Gateway API
/// and of Prometheus' operator.
fn objects(resources: Resources) -> Vec<Value> {
    let mut objects = resources.objects().unwrap();
    let unknown = ["HTTPRoute", "ServiceMonitor", "PrometheusRule"];
    objects.retain(|object| unknown.iter().all(|kind| object["kind"] != *kind));
    objects
}
