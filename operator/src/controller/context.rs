//! What every reconciliation is given.

use kube::{
    Api, Client, Resource,
    core::NamespaceResourceScope,
    runtime::events::{Recorder, Reporter},
};

use crate::{scaling::Times, validate::Settings};

use super::{
    backoff::Backoff,
    load::{Load, NoHttpClient, Scraper},
    memory::Memory,
};

/// The one name under which fields are applied.
pub(super) const FIELD_MANAGER: &str = "plaza-operator";

/// Which chats the operator looks after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Those of all namespaces.
    Cluster,
    /// Those of one.
    Namespace(String),
}

/// Shared by all reconciliations.
pub struct Context {
    /// The cluster.
    pub client: Client,
    /// Which chats.
    pub scope: Scope,
    /// What the operator was started with.
    pub settings: Settings,
    pub(super) recorder: Recorder,
    pub(super) backoff: Backoff,
    pub(super) memory: Memory,
    pub(super) load: Load,
    pub(super) scraper: Scraper,
    pub(super) times: Times,
}

impl Context {
    /// For this cluster; `instance` is the name of this process in Events.
    ///
    /// # Errors
    /// [`NoHttpClient`], without which no metrics can be read.
    pub fn new(
        client: Client,
        scope: Scope,
        settings: Settings,
        instance: &str,
    ) -> Result<Self, NoHttpClient> {
        let reporter = Reporter {
            controller: FIELD_MANAGER.to_owned(),
            instance: Some(instance.to_owned()),
        };
        Ok(Self {
            recorder: Recorder::new(client.clone(), reporter),
            client,
            scope,
            settings,
            backoff: Backoff::default(),
            memory: Memory::default(),
            load: Load::default(),
            scraper: Scraper::new()?,
            times: Times::default(),
        })
    }

    /// The same, with other times of scaling.
    #[must_use]
    pub fn with_times(mut self, times: Times) -> Self {
        self.times = times;
        self
    }

    /// The objects of a kind that are watched.
    pub(super) fn watched<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match &self.scope {
            Scope::Cluster => Api::all(self.client.clone()),
            Scope::Namespace(namespace) => Api::namespaced(self.client.clone(), namespace),
        }
    }

    /// The objects of a kind in a chat's namespace.
    pub(super) fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("scope", &self.scope)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
