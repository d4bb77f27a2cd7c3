//! Password hashes: Argon2id, off the async threads, behind a bounded queue.

use std::{sync::Arc, time::Instant};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

/// When to try again after the queue was full (ms).
pub(crate) const RETRY_AFTER_MS: u64 = 1_000;

/// Why there is no hash or no verdict.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Every thread and every place in the queue is taken.
    #[error("too many passwords wait to be hashed")]
    Busy,
    /// The hash in the database cannot be read, or there is no memory for one.
    #[error("cannot hash a password")]
    Hash(#[from] password_hash::Error),
    /// The thread was lost.
    #[error("a hashing thread ended")]
    Thread(#[from] tokio::task::JoinError),
}

/// Parameters that Argon2 does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Argon2 does not allow these: {0}")]
pub struct CostError(argon2::Error);

/// What one hash costs.
#[derive(Debug, Clone)]
pub struct PasswordCost(Params);

impl PasswordCost {
    /// A cost of `memory_kib`, `passes` over it, and `lanes`.
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, CostError> {
        Params::new(memory_kib, passes, lanes, Some(Params::DEFAULT_OUTPUT_LEN))
            .map(Self)
            .map_err(CostError)
    }
}

/// How much is hashed at once.
#[derive(Debug, Clone, Copy)]
pub struct PasswordLimits {
    /// Hashes under way, each on a thread of its own.
    pub threads: usize,
    /// How many more wait.
    pub queue: usize,
}

/// What came of comparing a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Not this password, or nobody's.
    Wrong,
    /// This password.
    Right {
        /// A hash to store in place of the old one, which was made at another cost.
        rehashed: Option<String>,
    },
}

/// Hashes and compares passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    /// What nobody's password is compared with, so that an unknown name costs
    /// the same time as a known one.
    decoy: Arc<str>,
    threads: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Passwords {
    /// Hashes at this cost within these limits.
    pub fn new(cost: PasswordCost, limits: PasswordLimits) -> Result<Self, PasswordError> {
        Ok(Self {
            decoy: decoy(&cost.0)?.to_string().into(),
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.0),
            threads: Arc::new(Semaphore::new(limits.threads)),
            places: Arc::new(Semaphore::new(limits.threads + limits.queue)),
        })
    }

    /// A new hash, as a PHC string.
    pub async fn hash(&self, password: SecretString) -> Result<String, PasswordError> {
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, &password)).await
    }

    /// Compares with a stored hash; with none (no such user) it takes as long
    /// and is always wrong.
    pub async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<Verdict, PasswordError> {
        let (argon2, decoy) = (self.argon2.clone(), self.decoy.clone());
        self.run(move || {
            let known = stored.is_some();
            let stored = PasswordHash::new(stored.as_deref().unwrap_or(&decoy))
                .map_err(password_hash::Error::from)?;
            let bytes = normal(&password);
            match argon2.verify_password(bytes.expose_secret().as_bytes(), &stored) {
                Ok(()) if known => {}
                Ok(()) | Err(password_hash::Error::PasswordInvalid) => return Ok(Verdict::Wrong),
                Err(error) => return Err(error),
            }
            let rehashed = if is_at_cost(&stored, argon2.params()) {
                None
            } else {
                Some(hash(&argon2, &password)?)
            };
            Ok(Verdict::Right { rehashed })
        })
        .await
    }

    #[tracing::instrument(name = "password.hash", skip_all)]
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, password_hash::Error> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let Ok(place) = self.places.clone().try_acquire_owned() else {
            metrics::counter!("plaza_password_queue_refusals_total").increment(1);
            return Err(PasswordError::Busy);
        };
        let thread = {
            let _waiting = Waiting::begin();
            self.threads.clone().acquire_owned().await
        };
        let Ok(thread) = thread else {
            return Err(PasswordError::Busy);
        };
        let result = tokio::task::spawn_blocking(move || {
            // Held by the work and not by the request, which may be given up.
            let _held = (place, thread);
            let begun = Instant::now();
            let result = job();
            metrics::histogram!("plaza_password_hash_duration_seconds")
                .record(begun.elapsed().as_secs_f64());
            result
        })
        .await?;
        Ok(result?)
    }
}

/// One place in the measured queue.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        metrics::gauge!("plaza_password_queue_length").increment(1.0);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        metrics::gauge!("plaza_password_queue_length").decrement(1.0);
    }
}

/// Keyboards compose the same character differently (NIST SP 800-63B, 3.1.1.2).
fn normal(password: &SecretString) -> SecretString {
    password.expose_secret().nfc().collect::<String>().into()
}

fn hash(argon2: &Argon2<'_>, password: &SecretString) -> Result<String, password_hash::Error> {
    let password = normal(password);
    let hash: PasswordHash = argon2.hash_password(password.expose_secret().as_bytes())?;
    Ok(hash.to_string())
}

/// A hash of this cost that no password has: its output is random. (Hashing a
/// password for it would keep the memory of a hash from the start on.)
fn decoy(cost: &Params) -> Result<PasswordHash, password_hash::Error> {
    let mut random = [0; Salt::RECOMMENDED_LENGTH + Params::DEFAULT_OUTPUT_LEN];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| password_hash::Error::RngFailure)?;
    let (salt, output) = random.split_at(Salt::RECOMMENDED_LENGTH);
    Ok(PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(cost)?,
        salt: Some(Salt::new(salt)?),
        hash: Some(Output::new(output)?),
    })
}

fn is_at_cost(stored: &PasswordHash, cost: &Params) -> bool {
    stored.algorithm == Algorithm::Argon2id.ident()
        && Params::try_from(stored).is_ok_and(|params| params == *cost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(passes: u32, threads: usize, queue: usize) -> Passwords {
        let cost = PasswordCost::new(64, passes, 1).unwrap();
        Passwords::new(cost, PasswordLimits { threads, queue }).unwrap()
    }

    #[tokio::test]
    async fn the_default_cost_is_owasps() {
        let cost = PasswordCost::new(19_456, 2, 1).unwrap();
        let limits = PasswordLimits {
            threads: 1,
            queue: 0,
        };
        let passwords = Passwords::new(cost, limits).unwrap();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
    }

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let passwords = passwords(1, 1, 8);
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        let verify = |password: &str, stored: Option<&str>| {
            passwords.verify(password.into(), stored.map(Into::into))
        };
        assert_eq!(
            verify("correct horse", Some(&hash)).await.unwrap(),
            Verdict::Right { rehashed: None }
        );
        assert_eq!(
            verify("correct horsf", Some(&hash)).await.unwrap(),
            Verdict::Wrong
        );
        assert_eq!(verify("correct horse", None).await.unwrap(), Verdict::Wrong);
        assert!(matches!(
            verify("correct horse", Some("nonsense")).await,
            Err(PasswordError::Hash(_))
        ));
    }

    #[test]
    fn the_decoy_costs_what_a_new_hash_costs() {
        let cost = PasswordCost::new(64, 3, 1).unwrap().0;
        let decoy = decoy(&cost).unwrap().to_string();
        assert!(decoy.starts_with("$argon2id$v=19$m=64,t=3,p=1$"), "{decoy}");
        assert!(is_at_cost(&PasswordHash::new(&decoy).unwrap(), &cost));
    }

    #[tokio::test]
    async fn a_password_composed_differently_is_the_same() {
        let passwords = passwords(1, 1, 8);
        let hash = passwords.hash("caf\u{e9} caf\u{e9}".into()).await.unwrap();
        let verdict = passwords.verify("cafe\u{301} cafe\u{301}".into(), Some(hash));
        assert_eq!(verdict.await.unwrap(), Verdict::Right { rehashed: None });
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_made_anew() {
        let old = passwords(1, 1, 8).hash("correct horse".into()).await;
        let passwords = passwords(2, 1, 8);
        let verdict = passwords.verify("correct horse".into(), Some(old.unwrap()));
        let Verdict::Right {
            rehashed: Some(new),
        } = verdict.await.unwrap()
        else {
            panic!("no new hash");
        };
        assert!(new.contains("t=2"), "{new}");
        assert_eq!(
            passwords
                .verify("correct horse".into(), Some(new))
                .await
                .unwrap(),
            Verdict::Right { rehashed: None }
        );
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once_and_takes_again_later() {
        let passwords = passwords(1, 1, 1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let held = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.run(move || Ok(released.recv().is_ok())).await }
        });
        let queued = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.hash("correct horse".into()).await }
        });
        while passwords.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(matches!(
            passwords.hash("correct horse".into()).await,
            Err(PasswordError::Busy)
        ));
        release.send(()).unwrap();
        assert!(held.await.unwrap().unwrap());
        queued.await.unwrap().unwrap();
        passwords.hash("correct horse".into()).await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_is_given_up_leaves_the_queue() {
        let passwords = passwords(1, 1, 1);
        let (release, released) = std::sync::mpsc::channel::<()>();
        let held = tokio::spawn({
            let passwords = passwords.clone();
            async move { passwords.run(move || Ok(released.recv().is_ok())).await }
        });
        while passwords.threads.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let queued = passwords.hash("correct horse".into());
        tokio::select! {
            biased;
            _ = queued => panic!("nothing can be hashed now"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(passwords.places.available_permits(), 1);
        release.send(()).unwrap();
        held.await.unwrap().unwrap();
    }
}
