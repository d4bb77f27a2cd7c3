//! What the metrics of each chat told, and the numbers of pods that follow.
//! The rules are in [`crate::scaling`]; here they are kept between looks, and
//! [`watch`] looks.

mod scrape;
mod watch;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{
    api::ChatDeploymentSpec,
    component::Component,
    scaling::{Bounds, Change, Flow, Flowing, Rule, Sample, Scale, Standing, Times, rules},
};

pub use scrape::NoHttpClient;
pub(super) use scrape::Scraper;
pub(super) use watch::watch;

/// Changes of a chat that wait for being told; more are not kept.
const MOST_CHANGES: usize = 16;

/// By the chat's uid.
#[derive(Debug, Default)]
pub(super) struct Load(Mutex<HashMap<String, OfChat>>);

#[derive(Debug, Default)]
struct OfChat {
    scales: BTreeMap<Component, Scale>,
    flow: Flow,
    before: Option<Sample>,
    /// Those that no Event tells of yet.
    changes: Vec<Change>,
    /// What the last pass over the chat found.
    passed: Option<Found>,
}

/// What is known of a chat.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Found {
    /// Whether changes reach people.
    pub(super) flowing: Flowing,
    /// The parts that the operator scales.
    pub(super) scaled: Vec<Scaled>,
}

/// A part that the operator scales.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Scaled {
    /// Which.
    pub(super) component: Component,
    /// How many pods it is to have.
    pub(super) count: i32,
    /// How many it may have.
    pub(super) bounds: Bounds,
    /// How it stands.
    pub(super) standing: Standing,
}

impl Load {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, OfChat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many pods a part is to have, within its bounds; `None`: it is not
    /// known yet, and how many there are has to be looked up.
    pub(super) fn count(&self, uid: &str, component: Component, bounds: Bounds) -> Option<i32> {
        let mut chats = self.lock();
        let scale = chats.get_mut(uid)?.scales.get_mut(&component)?;
        scale.hold(bounds);
        Some(scale.count())
    }

    /// Begins with so many pods.
    pub(super) fn begin(&self, uid: &str, component: Component, count: i32) {
        let mut chats = self.lock();
        let chat = chats.entry(uid.to_owned()).or_default();
        chat.scales.insert(component, Scale::new(component, count));
    }

    /// Forgets the parts that are not these: nobody scales them any more.
    pub(super) fn keep(&self, uid: &str, scaled: &[(Component, Bounds, Rule)]) {
        if let Some(chat) = self.lock().get_mut(uid) {
            chat.scales
                .retain(|component, _| scaled.iter().any(|(kept, ..)| kept == component));
        }
    }

    /// Forgets the chats that are not these.
    fn keep_chats(&self, uids: &HashSet<String>) {
        self.lock().retain(|uid, _| uids.contains(uid));
    }

    /// Takes a look at a chat, and answers whether a pass over it is due.
    fn look(&self, uid: &str, spec: &ChatDeploymentSpec, sample: Sample, times: &Times) -> bool {
        let rules = rules(spec);
        let mut chats = self.lock();
        let chat = chats.entry(uid.to_owned()).or_default();
        let before = chat.before.as_ref();
        chat.flow.look(&sample, before, times);
        for (component, bounds, rule) in &rules {
            let Some(scale) = chat.scales.get_mut(component) else {
                continue;
            };
            let change = scale.look(&sample, before, (*bounds, *rule), times);
            if let Some(change) = change {
                if chat.changes.len() >= MOST_CHANGES {
                    chat.changes.remove(0);
                }
                chat.changes.push(change);
            }
        }
        chat.before = Some(sample);
        chat.passed.as_ref() != Some(&chat.found(&rules))
    }

    /// What is known of a chat, for a pass over it that applies these numbers:
    /// when a look has chosen others meanwhile, another pass is due.
    pub(super) fn found(
        &self,
        uid: &str,
        spec: &ChatDeploymentSpec,
        applied: &BTreeMap<Component, i32>,
    ) -> Found {
        let rules = rules(spec);
        let mut chats = self.lock();
        let Some(chat) = chats.get_mut(uid) else {
            return Found::default();
        };
        let mut found = chat.found(&rules);
        for scaled in &mut found.scaled {
            if let Some(count) = applied.get(&scaled.component) {
                scaled.count = *count;
            }
        }
        chat.passed = Some(found.clone());
        found
    }

    /// Changes that were applied and that no Event tells of yet.
    pub(super) fn take_changes(&self, uid: &str, applied: &Found) -> Vec<Change> {
        let mut chats = self.lock();
        let Some(chat) = chats.get_mut(uid) else {
            return Vec::new();
        };
        let is_applied = |change: &Change| {
            applied.scaled.iter().any(|scaled| {
                let scale = chat.scales.get(&scaled.component);
                scaled.component == change.component
                    && scale.is_some_and(|scale| scale.count() == scaled.count)
            })
        };
        let (told, kept) = std::mem::take(&mut chat.changes)
            .into_iter()
            .partition(is_applied);
        chat.changes = kept;
        told
    }
}

impl OfChat {
    fn found(&self, rules: &[(Component, Bounds, Rule)]) -> Found {
        let scaled = rules.iter().filter_map(|(component, bounds, _)| {
            let scale = self.scales.get(component)?;
            Some(Scaled {
                component: *component,
                count: scale.count(),
                bounds: *bounds,
                standing: scale.standing(),
            })
        });
        Found {
            flowing: self.flow.flowing(),
            scaled: scaled.collect(),
        }
    }
}
