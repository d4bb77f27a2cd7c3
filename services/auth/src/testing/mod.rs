//! An installation of auth for a test: a database of its own and a router.

use std::{net::SocketAddr, time::Duration};

use axum::Router;
use http::StatusCode;
use plaza_clients::auth::Grant;
use plaza_kit::{http::edge, token::AccessClaims};
use plaza_testkit::{Issuer, Request, database, eventually, service_tokens};
use plaza_types::{Epoch, Person, SessionId, UserId};
use serde_json::json;
use sqlx::PgPool;
use tokio::net::TcpListener;

use crate::{
    App, GuessArgs, Guesses, MIGRATOR, PasswordCost, PasswordLimits, Passwords, Policy, RefreshKey,
    Registration, router,
};

pub(crate) const PASSWORD: &str = "correct horse battery staple";
pub(crate) const REFRESH_SECRET: &str = "a refresh key that only tests know, of 32 bytes";

/// As cheap as Argon2 allows, so that tests spend their time elsewhere.
fn passwords(passes: u32, limits: PasswordLimits) -> Passwords {
    Passwords::new(PasswordCost::new(64, passes, 1).unwrap(), limits).unwrap()
}

const LIMITS: PasswordLimits = PasswordLimits {
    threads: 2,
    queue: 64,
};

/// The defaults.
pub(crate) const POLICY: Policy = Policy {
    registration: Registration::Open,
    access_lifetime: Duration::from_mins(10),
    session_lifetime: Duration::from_hours(30 * 24),
    connection_token_lifetime: Duration::from_secs(6),
    connection_lifetime: Duration::from_hours(1),
};

fn with_edge(app: App) -> Router {
    edge(router(app), Duration::from_secs(20), 256 * 1024)
}

pub(crate) struct Installation {
    pub(crate) pool: PgPool,
    pub(crate) url: String,
    pub(crate) epoch: Epoch,
    pub(crate) app: App,
    pub(crate) router: Router,
}

impl Installation {
    /// One that takes requests.
    pub(crate) async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// One with another policy.
    pub(crate) async fn with(change: impl FnOnce(&mut Policy)) -> Self {
        let installation = Self::bare(change).await;
        installation.app.read_keys().await.unwrap();
        installation
    }

    /// One without signing keys yet.
    pub(crate) async fn without_keys() -> Self {
        Self::bare(|_| ()).await
    }

    async fn bare(change: impl FnOnce(&mut Policy)) -> Self {
        plaza_kit::install_crypto();
        let database = database(&MIGRATOR).await;
        let epoch = Epoch::new();
        sqlx::query!("INSERT INTO installation (epoch) VALUES ($1)", epoch.uuid())
            .execute(&database.pool)
            .await
            .unwrap();
        let mut policy = POLICY;
        change(&mut policy);
        let app = app(database.pool.clone(), policy);
        Self {
            router: with_edge(app.clone()),
            app,
            pool: database.pool,
            url: database.url,
            epoch,
        }
    }

    /// Another replica on the same database, with its keys read.
    pub(crate) async fn replica(&self) -> App {
        let app = app(self.pool.clone(), self.app.policy);
        app.read_keys().await.unwrap();
        app
    }

    /// Serves the router on loopback until the test ends.
    pub(crate) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = self.router.clone();
        tokio::spawn(async move { axum::serve(listener, router).await });
        address
    }

    /// A router that has no place to hash a password.
    pub(crate) fn router_without_hashing(&self) -> Router {
        let limits = PasswordLimits {
            threads: 0,
            queue: 0,
        };
        with_edge(App {
            passwords: passwords(1, limits),
            ..self.app.clone()
        })
    }

    /// A router whose password hashes take this many passes; 1 elsewhere.
    pub(crate) fn router_at_cost(&self, passes: u32) -> Router {
        with_edge(App {
            passwords: passwords(passes, LIMITS),
            ..self.app.clone()
        })
    }

    /// A router whose keys were not read yet.
    pub(crate) fn router_without_keys(&self) -> Router {
        with_edge(app(self.pool.clone(), self.app.policy))
    }

    pub(crate) async fn register(&self, username: &str) -> Grant {
        self.sign_in("/v1/register", username).await
    }

    pub(crate) async fn login(&self, username: &str) -> Grant {
        self.sign_in("/v1/login", username).await
    }

    async fn sign_in(&self, path: &str, username: &str) -> Grant {
        let body = json!({ "username": username, "password": PASSWORD });
        let answer = Request::post(path).json(&body).send(&self.router).await;
        answer.expect(StatusCode::OK).parse()
    }

    /// Signs changed claims of a grant's access token with the true key.
    pub(crate) fn sign(&self, grant: &Grant, change: impl FnOnce(&mut AccessClaims)) -> String {
        let mut claims = self.app.verifier.verify(&grant.access_token).unwrap();
        change(&mut claims);
        self.app.keys.sign(&claims).unwrap()
    }

    /// Tokens in this user's name that must be refused, with what is wrong:
    /// foreign ones, and the user's own with one thing changed.
    pub(crate) fn bad_tokens(&self, grant: &Grant) -> Vec<(&'static str, String)> {
        let person = Person {
            id: grant.user.id,
            username: grant.user.username.clone(),
            display_name: grant.user.display_name.clone(),
        };
        let mut tokens = Issuer::new().bad_tokens(&person);
        tokens.push(("signed by a stranger", Issuer::new().token(&person)));
        tokens.push((
            "ours, expired",
            self.sign(grant, |claims| claims.exp = claims.iat - 60),
        ));
        tokens.push((
            "ours, for another audience",
            self.sign(grant, |claims| claims.aud = "centrifugo".into()),
        ));
        tokens.push((
            "ours, from another issuer",
            self.sign(grant, |claims| claims.iss = "somebody".into()),
        ));
        tokens.push(("a refresh token", grant.refresh_token.clone()));
        tokens
    }

    /// How many users and sessions are stored.
    pub(crate) async fn rows(&self) -> (i64, i64) {
        let row = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM users) AS "users!",
                      (SELECT count(*) FROM sessions) AS "sessions!""#
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        (row.users, row.sessions)
    }

    /// The sessions in the feed.
    pub(crate) async fn revoked(&self) -> Vec<SessionId> {
        let ids = sqlx::query_scalar!("SELECT subject FROM revocations ORDER BY number")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        ids.into_iter().map(Into::into).collect()
    }

    /// Whose connections have to be closed, in the order of the endings.
    pub(crate) async fn endings(&self) -> Vec<UserId> {
        let ids = sqlx::query_scalar!("SELECT user_id FROM endings ORDER BY id")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        ids.into_iter().map(Into::into).collect()
    }

    /// In how many seconds the one ending is due.
    pub(crate) async fn ending_due_in(&self) -> f64 {
        sqlx::query_scalar!(
            r#"SELECT extract(epoch FROM due_at - clock_timestamp())::float8 AS "wait!" FROM endings"#
        )
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    pub(crate) async fn make_endings_due(&self) {
        sqlx::query!("UPDATE endings SET due_at = clock_timestamp()")
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Makes the endings this many seconds older.
    pub(crate) async fn age_endings(&self, seconds: i32) {
        sqlx::query!(
            "UPDATE endings SET ended_at = ended_at - make_interval(secs => $1)",
            f64::from(seconds)
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub(crate) async fn device(&self, session: SessionId) -> String {
        sqlx::query_scalar!("SELECT device FROM sessions WHERE id = $1", session.uuid())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub(crate) async fn password_hash(&self, user: UserId) -> String {
        sqlx::query_scalar!("SELECT password_hash FROM users WHERE id = $1", user.uuid())
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub(crate) async fn usernames_with_sessions(&self) -> Vec<String> {
        sqlx::query_scalar!(
            "SELECT username FROM users JOIN sessions ON user_id = users.id ORDER BY username"
        )
        .fetch_all(&self.pool)
        .await
        .unwrap()
    }

    pub(crate) async fn disable(&self, user: UserId) {
        sqlx::query!(
            "UPDATE users SET disabled_at = now() WHERE id = $1",
            user.uuid()
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub(crate) async fn expire(&self, session: SessionId) {
        sqlx::query!(
            "UPDATE sessions SET expires_at = now() WHERE id = $1",
            session.uuid()
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Sets a session's generation, in a transaction that is not committed.
    pub(crate) async fn set_generation(
        &self,
        session: SessionId,
        generation: i64,
    ) -> sqlx::Transaction<'static, sqlx::Postgres> {
        let mut transaction = self.pool.begin().await.unwrap();
        sqlx::query!(
            "UPDATE sessions SET generation = $2 WHERE id = $1",
            session.uuid(),
            generation
        )
        .execute(&mut *transaction)
        .await
        .unwrap();
        transaction
    }

    /// Makes the latest rotation of a session this much older (s).
    pub(crate) async fn age_rotation(&self, session: SessionId, seconds: i32) {
        sqlx::query!(
            "UPDATE sessions SET rotated_at = rotated_at - make_interval(secs => $2) WHERE id = $1",
            session.uuid(),
            f64::from(seconds),
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Sets since how many days the one session of a user is expired and revoked.
    pub(crate) async fn age_session(&self, name: &str, expired: i32, revoked: Option<i32>) {
        sqlx::query!(
            "UPDATE sessions SET expires_at = now() - make_interval(days => $2),
                                 revoked_at = now() - make_interval(days => $3)
             FROM users WHERE user_id = users.id AND username = $1",
            name,
            expired,
            revoked,
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Makes the feed's entries up to a number this many minutes older.
    pub(crate) async fn age_revocations(&self, minutes: i32, up_to: i64) {
        sqlx::query!(
            "UPDATE revocations SET revoked_at = revoked_at - make_interval(mins => $1)
             WHERE number <= $2",
            minutes,
            up_to,
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Makes every signing key, and its last change, this much older (s).
    pub(crate) async fn age_keys(&self, seconds: i32) {
        sqlx::query!(
            "UPDATE signing_keys SET created_at = created_at - make_interval(secs => $1),
                                     changed_at = changed_at - make_interval(secs => $1)",
            f64::from(seconds),
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Waits until some transaction of this database waits for a lock.
    pub(crate) async fn waits_for_a_lock(&self) {
        eventually(Duration::from_secs(10), async || {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (
                       SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND wait_event_type = 'Lock'
                   ) AS "waits!""#
            )
            .fetch_one(&self.pool)
            .await
            .unwrap()
        })
        .await;
    }
}

/// The session of a grant's access token.
pub(crate) fn session_of(grant: &Grant) -> SessionId {
    let payload = grant.access_token.split('.').nth(1).unwrap();
    let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, payload);
    let claims: AccessClaims = serde_json::from_slice(&bytes.unwrap()).unwrap();
    claims.sid
}

fn app(pool: PgPool, policy: Policy) -> App {
    App::new(
        pool,
        policy,
        passwords(1, LIMITS),
        Guesses::new(&GuessArgs {
            login_free_guesses: 5,
            login_first_delay_ms: 60_000,
            login_longest_delay_s: 900,
            login_max_keys: 1_000,
        }),
        RefreshKey::new(&REFRESH_SECRET.into()).unwrap(),
        service_tokens("auth"),
    )
}
