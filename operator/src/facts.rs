//! What the cluster holds that the objects of a chat depend on.

use std::collections::BTreeMap;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use secrecy::SecretString;

use crate::component::Component;

/// The text values of a Secret; `None` for one that is no UTF-8.
pub type SecretData = BTreeMap<String, Option<SecretString>>;

/// What was found.
#[derive(Debug)]
pub struct Facts {
    /// Every Secret that the spec names or that the operator made, `None` where
    /// there is none of that name.
    pub secrets: BTreeMap<String, Option<SecretData>>,
    /// The numbers of pods of the parts that the operator scales itself.
    pub replicas: BTreeMap<Component, i32>,
    /// Values for Secrets that have to be made.
    pub fresh: Fresh,
}

impl Facts {
    /// The value of a key of a Secret that is there.
    pub(crate) fn value(&self, secret: &str, key: &str) -> Option<SecretString> {
        self.secrets.get(secret)?.as_ref()?.get(key)?.clone()
    }
}

/// Random values, each used for one thing.
#[derive(Debug)]
pub struct Fresh {
    values: Vec<SecretString>,
}

/// There is no randomness.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random numbers")]
pub struct NoEntropy;

/// As many secrets as an installation can have.
const SECRETS: usize = 9;
/// Bytes in each.
const SECRET_BYTES: usize = 32;

impl Fresh {
    /// New ones.
    ///
    /// # Errors
    /// [`NoEntropy`].
    pub fn random() -> Result<Self, NoEntropy> {
        let random = SystemRandom::new();
        let mut values = Vec::with_capacity(SECRETS);
        for _ in 0..SECRETS {
            let mut bytes = [0; SECRET_BYTES];
            random.fill(&mut bytes).map_err(|_| NoEntropy)?;
            values.push(crate::hash::hex(&bytes).into());
        }
        Ok(Self { values })
    }

    /// Ones that are the same each time.
    #[cfg(test)]
    pub(crate) fn fixed() -> Self {
        let values = (0..SECRETS).map(|n| format!("{n:064x}").into()).collect();
        Self { values }
    }

    /// The value of this place.
    pub(crate) fn value(&self, place: usize) -> SecretString {
        self.values[place].clone()
    }
}
