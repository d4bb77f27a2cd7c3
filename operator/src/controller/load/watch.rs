//! Looking at the metrics of all chats, again and again.

use std::{collections::HashSet, convert::Infallible, net::IpAddr, sync::Arc, time::Instant};

use futures::{StreamExt as _, channel::mpsc::Sender, future, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    ResourceExt as _,
    api::ListParams,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::time::MissedTickBehavior;

use crate::{
    api::ChatDeployment,
    build::{COMPONENT_LABEL, selector},
    component::Component,
    scaling::{Sample, Told, centrifugo_pod, publisher_pod},
};

use super::super::{Context, census};

/// Chats that are looked at together.
const CHATS_AT_ONCE: usize = 4;
/// Pods of one chat that are asked together.
const PODS_AT_ONCE: usize = 8;
/// Pods of one chat that are asked at all.
const MOST_PODS: u32 = 500;

/// Looks until it is dropped; says which chats a pass is due for.
pub(in crate::controller) async fn watch(
    context: Arc<Context>,
    chats: Store<ChatDeployment>,
    due: Sender<ObjectRef<ChatDeployment>>,
) -> Infallible {
    let mut looks = tokio::time::interval(context.times.every);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let chats = chats.state();
        census::measure(&chats);
        let chats: Vec<_> = chats.into_iter().filter(|chat| runs(chat)).collect();
        let uids: HashSet<String> = chats.iter().filter_map(|chat| chat.uid()).collect();
        context.load.keep_chats(&uids);
        stream::iter(chats)
            .for_each_concurrent(CHATS_AT_ONCE, |chat| {
                let (context, mut due) = (&context, due.clone());
                async move {
                    if look(context, &chat).await {
                        // When there is no place, the next look says it again.
                        let _ = due.try_send(ObjectRef::from_obj(chat.as_ref()));
                    }
                }
            })
            .await;
    }
}

/// Whether a chat has pods with metrics that the operator acts on.
fn runs(chat: &ChatDeployment) -> bool {
    let spec = &chat.spec;
    spec.realtime.enabled
        && !spec.hibernated
        && !spec.paused
        && chat.metadata.deletion_timestamp.is_none()
}

/// Looks at one chat, and answers whether a pass over it is due.
async fn look(context: &Context, chat: &ChatDeployment) -> bool {
    let (Some(uid), Some(namespace)) = (chat.uid(), chat.namespace()) else {
        return false;
    };
    let labels = format!(
        "{},{COMPONENT_LABEL} in ({},{})",
        selector(&chat.name_any()),
        Component::Publisher,
        Component::Centrifugo
    );
    let listed = context
        .api::<Pod>(&namespace)
        .list(&ListParams::default().labels(&labels).limit(MOST_PODS))
        .await;
    let pods = match listed {
        Ok(pods) => pods.items,
        Err(error) => {
            tracing::debug!(%error, chat = chat.name_any(), "its pods cannot be listed");
            return false;
        }
    };
    let sample = Sample {
        publisher: ask(context, &pods, Component::Publisher, |page| {
            Some(publisher_pod(page))
        })
        .await,
        centrifugo: ask(context, &pods, Component::Centrifugo, centrifugo_pod).await,
        at: Instant::now(),
    };
    context.load.look(&uid, &chat.spec, sample, &context.times)
}

/// Asks every pod of a part that is ready.
async fn ask<T>(
    context: &Context,
    pods: &[Pod],
    component: Component,
    read: impl Fn(&str) -> Option<T> + Sync,
) -> Told<T> {
    let (read, port) = (&read, component.ops_port().map_or(0, |(_, port)| port));
    let ready: Vec<(String, Option<IpAddr>)> = pods
        .iter()
        .filter(|pod| {
            pod.labels().get(COMPONENT_LABEL).map(String::as_str) == Some(component.name())
                && is_ready(pod)
        })
        .map(|pod| (pod.name_any(), address(pod)))
        .collect();
    let count = i32::try_from(ready.len()).unwrap_or(i32::MAX);
    let told = stream::iter(ready)
        .map(|(name, address)| async move {
            let page = context.scraper.page(address?, port).await;
            let told = page.as_deref().and_then(read);
            let result = if told.is_some() { "read" } else { "failed" };
            metrics::counter!("plaza_operator_scrapes_total", "result" => result).increment(1);
            Some((name, told?))
        })
        .buffer_unordered(PODS_AT_ONCE);
    Told {
        ready: count,
        pods: told.filter_map(future::ready).collect().await,
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    pod.metadata.deletion_timestamp.is_none()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn address(pod: &Pod) -> Option<IpAddr> {
    pod.status.as_ref()?.pod_ip.as_ref()?.parse().ok()
}
