//! Looking up what a spec names.

use std::collections::BTreeMap;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Secret};

use crate::{
    api::ChatDeployment,
    component::Component,
    facts::{Facts, Fresh, SecretData},
    scaling::rules,
    validate::named_secrets,
};

use super::{Context, ReconcileError};

/// Reads every Secret that the chat depends on, and how many pods of it are to
/// be.
pub(super) async fn dereference(
    chat: &ChatDeployment,
    context: &Context,
) -> Result<Facts, ReconcileError> {
    let name = chat.metadata.name.as_deref().unwrap_or_default();
    let namespace = chat.metadata.namespace.as_deref().unwrap_or_default();
    let api = context.api::<Secret>(namespace);
    let mut secrets = BTreeMap::new();
    for secret in named_secrets(name, &chat.spec) {
        let found = api
            .get_opt(&secret)
            .await
            .map_err(ReconcileError::api("read", format!("Secret {secret}")))?;
        secrets.insert(secret, found.map(data));
    }
    Ok(Facts {
        secrets,
        replicas: replicas(chat, context).await?,
        fresh: Fresh::random()?,
    })
}

/// The numbers of pods of the parts that the operator scales itself. One that
/// has just begun goes on with what is there.
async fn replicas(
    chat: &ChatDeployment,
    context: &Context,
) -> Result<BTreeMap<Component, i32>, ReconcileError> {
    let uid = chat.metadata.uid.as_deref().unwrap_or_default();
    let rules = rules(&chat.spec);
    context.load.keep(uid, &rules);
    let mut replicas = BTreeMap::new();
    for (component, bounds, _) in rules {
        if let Some(count) = context.load.count(uid, component, bounds) {
            replicas.insert(component, count);
            continue;
        }
        let name = component.of(chat.metadata.name.as_deref().unwrap_or_default());
        let namespace = chat.metadata.namespace.as_deref().unwrap_or_default();
        let live = context
            .api::<Deployment>(namespace)
            .get_opt(&name)
            .await
            .map_err(ReconcileError::api("read", format!("Deployment {name}")))?;
        let count = live
            .and_then(|live| live.spec?.replicas)
            .unwrap_or_default();
        let count = bounds.hold(count);
        context.load.begin(uid, component, count);
        replicas.insert(component, count);
    }
    Ok(replicas)
}

fn data(secret: Secret) -> SecretData {
    let data = secret.data.unwrap_or_default();
    data.into_iter()
        .map(|(key, value)| (key, String::from_utf8(value.0).ok().map(Into::into)))
        .collect()
}
