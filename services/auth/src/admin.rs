//! What an administrator does to accounts and signing keys, on the database: the
//! running replicas learn of it from there.

use std::time::Duration;

use plaza_kit::token::Revocation;
use plaza_types::{DisplayName, TextError, UserId, Username, check_password};
use secrecy::{ExposeSecret, SecretString};
use sqlx::PgPool;

pub use crate::domain::accounts::{Account, Listed};
use crate::{
    passwords::{PasswordError, Passwords},
    storage::{
        keys::{self, Former, KeyStorageError, Rotated},
        revocations, sessions,
        users::{self, CreateUserError, SiteRole},
    },
};

/// How long a key is known before it signs: all who verify tokens ask for the
/// keys every 30 s.
const PUBLISHED_FOR: Duration = Duration::from_mins(1);

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// A name or password breaks its rule.
    #[error("the {what} is not allowed: {source}")]
    Input {
        /// What.
        what: &'static str,
        /// Which rule.
        source: TextError,
    },
    /// Another account has this name.
    #[error("the username is taken: choose another one")]
    NameTaken,
    /// Nobody has this name.
    #[error("there is no account of this name; `plaza admin list` shows them")]
    Unknown,
    /// The password was not hashed.
    #[error("cannot hash the password")]
    Password(#[from] PasswordError),
    /// The database refused.
    #[error("the database did not do it")]
    Database(#[from] sqlx::Error),
    /// The keys were not read or made.
    #[error("the signing keys were not changed")]
    Keys(#[from] KeyStorageError),
    /// The next key is too new: whoever does not know it would refuse what it signs.
    #[error("the next key was published less than a minute ago; try again in {wait_s} s")]
    TooEarly {
        /// How long to wait (s).
        wait_s: u64,
    },
}

/// What became of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// It is now as wanted.
    Changed {
        /// How many sessions were ended.
        sessions: usize,
    },
    /// It was so before.
    Already,
}

/// Acts on auth's database.
#[derive(Debug, Clone)]
pub struct Admin {
    pool: PgPool,
}

fn username(text: &str) -> Result<Username, AdminError> {
    Username::parse(text).map_err(|source| AdminError::Input {
        what: "username",
        source,
    })
}

impl Admin {
    /// On this database, which is migrated.
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Makes an administrator's account.
    pub async fn create(
        &self,
        name: &str,
        display_name: Option<&str>,
        password: SecretString,
        passwords: &Passwords,
    ) -> Result<UserId, AdminError> {
        let name = username(name)?;
        let rule = |what| move |source| AdminError::Input { what, source };
        let display_name = DisplayName::parse(display_name.unwrap_or(name.as_str()))
            .map_err(rule("display name"))?;
        check_password(password.expose_secret()).map_err(rule("password"))?;
        let hash = passwords.hash(password).await?;
        let mut transaction = self.pool.begin().await?;
        let user = users::create(
            &mut transaction,
            &name,
            &display_name,
            &hash,
            SiteRole::Admin,
        )
        .await
        .map_err(|error| match error {
            CreateUserError::NameTaken => AdminError::NameTaken,
            CreateUserError::Database(error) => AdminError::Database(error),
        })?;
        transaction.commit().await?;
        Ok(user.id)
    }

    /// Ends every session of an account at once and lets nobody sign in to it.
    pub async fn disable(&self, name: &str) -> Result<Done, AdminError> {
        let name = username(name)?;
        let mut transaction = self.pool.begin().await?;
        let Some(user) = users::disable(&mut transaction, &name).await? else {
            return self.already(&name).await;
        };
        let open = sessions::open_of(&mut transaction, user).await?;
        let ended = sessions::end(&mut transaction, &open).await?;
        revocations::append(&mut transaction, &[Revocation::User(user)]).await?;
        transaction.commit().await?;
        Ok(Done::Changed { sessions: ended })
    }

    /// Lets an account's owner sign in again; what was ended stays ended.
    pub async fn enable(&self, name: &str) -> Result<Done, AdminError> {
        let name = username(name)?;
        let mut transaction = self.pool.begin().await?;
        let Some(user) = users::enable(&mut transaction, &name).await? else {
            return self.already(&name).await;
        };
        revocations::withdraw(&mut transaction, user).await?;
        transaction.commit().await?;
        Ok(Done::Changed { sessions: 0 })
    }

    /// Lets the published key sign from now on, and publishes another. Nobody is
    /// logged out: what the former key signed stays good until it expires, unless
    /// it is withdrawn, which ends access tokens, and no session. Answers
    /// the id of the key that signs.
    pub async fn rotate_keys(&self, withdraw: bool) -> Result<String, AdminError> {
        let former = if withdraw {
            Former::IsWithdrawn
        } else {
            Former::Retires
        };
        match keys::rotate(&self.pool, PUBLISHED_FOR, former).await? {
            Rotated::Signs { kid } => Ok(kid),
            Rotated::TooEarly { wait } => Err(AdminError::TooEarly {
                wait_s: wait.as_secs() + 1,
            }),
        }
    }

    /// Accounts, by name.
    pub async fn list(&self, which: &Listed) -> Result<Vec<Account>, AdminError> {
        let after = which.after.as_deref().map(username).transpose()?;
        Ok(users::list(&self.pool, which, after.as_ref()).await?)
    }

    async fn already(&self, name: &Username) -> Result<Done, AdminError> {
        match users::credentials(&self.pool, name).await? {
            Some(_) => Ok(Done::Already),
            None => Err(AdminError::Unknown),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_kit::{
        feed::{Consumer as _, FeedQuery},
        token::TokenError,
    };
    use plaza_testkit::{Answer, Request};
    use serde_json::json;

    use super::*;
    use crate::testing::{Installation, PASSWORD};

    async fn login(installation: &Installation, name: &str) -> Answer {
        let body = json!({ "username": name, "password": PASSWORD });
        let request = Request::post("/v1/login").json(&body);
        request.send(&installation.router).await
    }

    async fn create(installation: &Installation, name: &str) -> Result<UserId, AdminError> {
        let passwords = &installation.app.passwords;
        let admin = Admin::new(installation.pool.clone());
        admin.create(name, None, PASSWORD.into(), passwords).await
    }

    /// As the poll of a replica does.
    async fn poll(installation: &Installation, query: &mut FeedQuery) {
        let answer = revocations::answer(&installation.pool, *query)
            .await
            .unwrap();
        query.since = Some(answer.last);
        query.epoch = Some(answer.epoch);
        let revocations = installation.app.verifier.revocations();
        revocations.apply(answer.replace, answer.entries);
    }

    #[tokio::test]
    async fn the_first_admin_is_made_without_registering() {
        let installation = Installation::new().await;
        let id = create(&installation, "Root").await.unwrap();
        let admin = Admin::new(installation.pool.clone());
        installation.register("ada").await;
        let all = Listed {
            limit: 10,
            ..Listed::default()
        };
        let names = |accounts: Vec<Account>| -> Vec<_> {
            accounts
                .into_iter()
                .map(|account| (account.username, account.admin))
                .collect()
        };
        assert_eq!(
            names(admin.list(&all).await.unwrap()),
            [("ada".to_owned(), false), ("Root".to_owned(), true)]
        );
        let admins = Listed {
            admins: true,
            ..all.clone()
        };
        assert_eq!(admin.list(&admins).await.unwrap()[0].id, id);
        let after = Listed {
            after: Some("ADA".into()),
            ..all
        };
        assert_eq!(names(admin.list(&after).await.unwrap()).len(), 1);
        login(&installation, "root").await.expect(StatusCode::OK);

        let taken = create(&installation, "ROOT").await.unwrap_err();
        assert!(matches!(taken, AdminError::NameTaken));
        let bad = create(&installation, "a\0b").await.unwrap_err();
        assert!(matches!(
            bad,
            AdminError::Input {
                what: "username",
                ..
            }
        ));
        let passwords = &installation.app.passwords;
        let short = admin.create("eve", None, "short".into(), passwords).await;
        assert!(matches!(
            short.unwrap_err(),
            AdminError::Input {
                what: "password",
                ..
            }
        ));
    }

    #[tokio::test]
    async fn guarantee_5_disabling_ends_every_session_and_enabling_brings_none_back() {
        let installation = Installation::new().await;
        let admin = Admin::new(installation.pool.clone());
        let eve = installation.register("eve").await;
        let ada = installation.register("ada").await;
        let second = installation.login("ada").await;
        let mut query = FeedQuery::default();
        poll(&installation, &mut query).await;

        let done = admin.disable("ADA").await.unwrap();
        assert_eq!(done, Done::Changed { sessions: 2 });
        assert_eq!(admin.disable("ada").await.unwrap(), Done::Already);
        poll(&installation, &mut query).await;
        let verify = |token: &str| installation.app.verifier.verify(token).map(drop);
        for grant in [&ada, &second] {
            assert_eq!(verify(&grant.access_token), Err(TokenError::Revoked));
            let body = json!({ "refreshToken": grant.refresh_token });
            let refresh = Request::post("/v1/refresh").json(&body);
            let answer = refresh.send(&installation.router).await;
            assert_eq!(answer.code(), "UNAUTHENTICATED");
        }
        verify(&eve.access_token).unwrap();
        assert_eq!(login(&installation, "ada").await.code(), "FORBIDDEN");
        assert_eq!(installation.endings().await, [ada.user.id]);
        // Others end after it, so that its own entry is not the newest.
        let ben = installation.register("ben").await;
        let logout = Request::post("/v1/logout").bearer(&ben.access_token);
        let logout = logout.json(&json!({})).send(&installation.router);
        logout.await.expect(StatusCode::NO_CONTENT);
        poll(&installation, &mut query).await;

        let done = admin.enable("ada").await.unwrap();
        assert_eq!(done, Done::Changed { sessions: 0 });
        assert_eq!(admin.enable("ada").await.unwrap(), Done::Already);
        poll(&installation, &mut query).await;
        let new = installation.login("ada").await;
        verify(&new.access_token).unwrap();
        for grant in [&ada, &second] {
            assert_eq!(verify(&grant.access_token), Err(TokenError::Revoked));
        }
        let nobody = admin.disable("nobody").await.unwrap_err();
        assert!(matches!(nobody, AdminError::Unknown));
    }

    #[tokio::test]
    async fn guarantee_5_a_login_under_way_does_not_outlive_the_account() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await.user;
        let admin = Admin::new(installation.pool.clone());
        // A login that has compared the password and has not opened its session.
        let mut login = installation.pool.begin().await.unwrap();
        admin.disable("ada").await.unwrap();
        let device = plaza_types::DeviceName::parse("").unwrap();
        let lifetime = installation.app.policy.session_lifetime;
        let session = plaza_types::SessionId::new();
        let opened = sessions::open(&mut login, session, ada.id, &device, lifetime).await;
        assert_eq!(opened.unwrap(), None);
        login.rollback().await.unwrap();

        // One that has opened it, and not committed: the disabling waits.
        admin.enable("ada").await.unwrap();
        let mut login = installation.pool.begin().await.unwrap();
        let opened = sessions::open(&mut login, session, ada.id, &device, lifetime).await;
        assert!(opened.unwrap().is_some());
        let disabling = tokio::spawn(async move { admin.disable("ada").await });
        installation.waits_for_a_lock().await;
        login.commit().await.unwrap();
        let done = disabling.await.unwrap().unwrap();
        assert_eq!(done, Done::Changed { sessions: 1 });
    }
}
