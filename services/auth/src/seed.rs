//! Users of a load test: accounts in bulk, on the database, and access tokens
//! signed with the key that is in it. No network API reaches this.

use std::time::Duration;

use chrono::Utc;
use plaza_clients::auth::{User, UserKind};
use plaza_types::{SessionId, TextError, UserId, Username};
use secrecy::SecretString;
use sqlx::PgPool;

use crate::{
    domain::claims,
    keys::{SignError, SigningKeys},
    passwords::{PasswordError, Passwords},
    storage::seed,
    tasks::{self, ReadKeysError},
};

/// Accounts that one statement writes.
const AT_ONCE: usize = 10_000;

/// Why there are no users or tokens.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A name breaks its rule.
    #[error("the username is not allowed")]
    Name(#[from] TextError),
    /// The password was not hashed.
    #[error("cannot hash the password")]
    Password(#[from] PasswordError),
    /// The database refused.
    #[error("auth's database did not do it")]
    Database(#[from] sqlx::Error),
    /// There is no key to sign with.
    #[error("cannot read the signing keys")]
    Keys(#[from] ReadKeysError),
    /// A token was not signed.
    #[error("cannot sign a token")]
    Sign(#[from] SignError),
}

/// A user that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntheticUser {
    /// Who.
    pub id: UserId,
    /// The name for mentions and the name to read.
    pub username: Username,
}

/// Makes `count` users, named by `prefix` and a number, in one transaction.
/// They share one password, hashed once, and carry the mark `synthetic`, which
/// lifts the limits of one user and one address. Calls `written` with how many
/// are there.
pub async fn users(
    pool: &PgPool,
    prefix: &str,
    count: usize,
    password: SecretString,
    passwords: &Passwords,
    mut written: impl FnMut(usize),
) -> Result<Vec<SyntheticUser>, SeedError> {
    let hash = passwords.hash(password).await?;
    let users = (0..count)
        .map(|number| {
            Ok((
                UserId::new(),
                Username::parse(&format!("{prefix}{number}"))?,
            ))
        })
        .collect::<Result<Vec<_>, SeedError>>()?;
    let mut transaction = pool.begin().await?;
    let mut done = 0;
    for some in users.chunks(AT_ONCE) {
        seed::synthetic_users(&mut transaction, some, &hash).await?;
        done += some.len();
        written(done);
    }
    transaction.commit().await?;
    let user = |(id, username)| SyntheticUser { id, username };
    Ok(users.into_iter().map(user).collect())
}

/// Signs access tokens for synthetic users.
#[derive(Debug)]
pub struct Signer {
    keys: SigningKeys,
    lifetime: Duration,
}

impl Signer {
    /// Reads the active key, as a serving auth does. Tokens live so long; one
    /// that lives longer than a usual one outlives its user's disabling, which
    /// is remembered for 15 minutes alone.
    pub async fn read(pool: &PgPool, lifetime: Duration) -> Result<Self, SeedError> {
        let keys = SigningKeys::default();
        tasks::read_keys(pool, &keys).await?;
        Ok(Self { keys, lifetime })
    }

    /// A token for a user, of a session that no refresh token continues.
    pub fn token(&self, user: &SyntheticUser) -> Result<String, SeedError> {
        let now = Utc::now();
        let user = User {
            id: user.id,
            username: user.username.as_str().to_owned(),
            display_name: user.username.as_str().to_owned(),
            kind: UserKind::Bot,
            created_at: now,
        };
        let claims = claims::access(&user, true, SessionId::new(), now, self.lifetime);
        Ok(self.keys.sign(&claims)?)
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_clients::auth::Grant;
    use plaza_testkit::Request;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Installation, PASSWORD};

    async fn seeded(installation: &Installation, count: usize) -> Vec<SyntheticUser> {
        let passwords = &installation.app.passwords;
        let mut heard = Vec::new();
        let users = users(
            &installation.pool,
            "vu-",
            count,
            PASSWORD.into(),
            passwords,
            |done| heard.push(done),
        )
        .await
        .unwrap();
        assert_eq!(heard, [count]);
        users
    }

    fn is_marked(installation: &Installation, grant: &Grant) -> bool {
        let claims = installation.app.verifier.verify(&grant.access_token);
        claims.unwrap().synthetic
    }

    async fn post(installation: &Installation, path: &str, body: Value) -> Grant {
        let request = Request::post(path).json(&body);
        let answer = request.send(&installation.router).await;
        answer.expect(StatusCode::OK).parse()
    }

    #[tokio::test]
    async fn seeded_users_are_accounts_with_the_mark_in_every_token() {
        let installation = Installation::new().await;
        let users = seeded(&installation, 3).await;
        let signer = Signer::read(&installation.pool, Duration::from_hours(1))
            .await
            .unwrap();
        let token = signer.token(&users[2]).unwrap();
        let claims = installation.app.verifier.verify(&token).unwrap();
        assert_eq!(
            (claims.sub, claims.username.as_str(), claims.synthetic),
            (users[2].id, "vu-2", true)
        );
        let login = json!({ "username": "VU-1", "password": PASSWORD });
        let grant = post(&installation, "/v1/login", login).await;
        assert_eq!(grant.user.id, users[1].id);
        assert!(is_marked(&installation, &grant));
        let refresh = json!({ "refreshToken": grant.refresh_token });
        let grant = post(&installation, "/v1/refresh", refresh).await;
        assert!(is_marked(&installation, &grant));
    }

    #[tokio::test]
    async fn nobody_gets_the_mark_through_the_api() {
        let installation = Installation::new().await;
        let asked = json!({
            "username": "ada", "password": PASSWORD, "synthetic": true, "kind": "bot",
            "user": { "synthetic": true },
        });
        let grant = post(&installation, "/v1/register", asked.clone()).await;
        assert!(!is_marked(&installation, &grant));
        let grant = post(&installation, "/v1/login", asked).await;
        assert!(!is_marked(&installation, &grant));
        let refresh = json!({ "refreshToken": grant.refresh_token, "synthetic": true });
        let grant = post(&installation, "/v1/refresh", refresh).await;
        assert!(!is_marked(&installation, &grant));
        let marked: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE synthetic")
            .fetch_one(&installation.pool)
            .await
            .unwrap();
        assert_eq!(marked, 0);
    }

    #[tokio::test]
    async fn either_all_users_are_made_or_none() {
        let installation = Installation::new().await;
        installation.register("vu-2").await;
        let passwords = &installation.app.passwords;
        let again = users(
            &installation.pool,
            "vu-",
            3,
            PASSWORD.into(),
            passwords,
            |_| (),
        )
        .await;
        assert!(matches!(again, Err(SeedError::Database(_))));
        assert_eq!(installation.rows().await.0, 1);
    }
}
