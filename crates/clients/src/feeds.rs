//! What every service that takes users' tokens runs beside its API: the key
//! set and the revocations, kept up to date from auth.

use std::{sync::Arc, time::Duration};

use plaza_kit::{
    feed,
    health::Readiness,
    http::chain,
    shutdown::Shutdown,
    token::{KeySet, Revocations, ServiceTokens, Verifier},
};

use crate::{As, auth::AuthClient};

/// Between two looks at the key set; a key is published long before it signs.
const KEYS_EVERY: Duration = Duration::from_secs(30);

/// A verifier that follows auth. The readiness checks `keys` and `revocations`
/// hold once each was answered; with auth away it goes on with what it has.
pub fn follow_auth(
    auth: &AuthClient,
    tokens: &ServiceTokens,
    readiness: &Readiness,
    shutdown: &Shutdown,
) -> Verifier {
    let revocations = Arc::new(Revocations::default());
    let keys = KeySet::default();
    let (client, signer) = (auth.clone(), tokens.clone());
    feed::poll(
        "revocations",
        revocations.clone(),
        move |query| {
            let (client, signer) = (client.clone(), signer.clone());
            async move { client.revocations(As::Service(&signer), query).await }
        },
        readiness.clone(),
        shutdown,
    );
    follow_keys(auth.clone(), keys.clone(), readiness.clone(), shutdown);
    Verifier::new(keys, revocations)
}

fn follow_keys(auth: AuthClient, keys: KeySet, readiness: Readiness, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("keys", async move {
        let mut failing = false;
        let mut known = false;
        loop {
            let problem = match auth.jwks().await {
                Ok(jwks) => keys.replace(&jwks).err().map(|error| chain(&error)),
                Err(error) => Some(chain(&error)),
            };
            match &problem {
                None => {
                    known = true;
                    readiness.set("keys", true);
                }
                Some(error) if !failing => {
                    tracing::warn!(error, "no signing keys from auth, trying again");
                }
                Some(_) => {}
            }
            failing = problem.is_some();
            let wait = if known {
                KEYS_EVERY
            } else {
                Duration::from_millis(100)
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.finishing() => return Ok::<_, std::convert::Infallible>(()),
            }
        }
    });
}
