//! Accounts.

use chrono::{DateTime, Utc};
use plaza_clients::auth::{User, UserKind};
use plaza_types::{DisplayName, UserId, Username};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::domain::{
    accounts::{Account, Listed},
    username_key::username_key,
};

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateUserError {
    /// Another account has this name.
    #[error("the username is taken")]
    NameTaken,
    #[error("cannot write the account")]
    Database(#[source] sqlx::Error),
}

/// The column `kind`.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(super) enum Kind {
    Person,
    Bot,
}

/// The column `site_role`.
#[derive(Debug, Clone, Copy, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub(crate) enum SiteRole {
    User,
    Admin,
}

/// The public part of an account, as a row.
pub(super) struct UserRow {
    pub(super) id: Uuid,
    pub(super) username: String,
    pub(super) display_name: String,
    pub(super) kind: Kind,
    pub(super) created_at: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.into(),
            username: row.username,
            display_name: row.display_name,
            kind: match row.kind {
                Kind::Person => UserKind::Person,
                Kind::Bot => UserKind::Bot,
            },
            created_at: row.created_at,
        }
    }
}

/// An account and what a login needs of it.
pub(crate) struct Credentials {
    pub(crate) user: User,
    pub(crate) password_hash: String,
    pub(crate) disabled: bool,
    pub(crate) synthetic: bool,
}

/// Makes a person's account.
pub(crate) async fn create(
    transaction: &mut PgConnection,
    username: &Username,
    display_name: &DisplayName,
    password_hash: &str,
    role: SiteRole,
) -> Result<User, CreateUserError> {
    let row = sqlx::query_as!(
        UserRow,
        r#"INSERT INTO users (id, username, username_key, display_name, password_hash, site_role)
           VALUES ($1, $2, $3, $4, $5, $6)
           RETURNING id, username, display_name, kind AS "kind: Kind", created_at"#,
        UserId::new().uuid(),
        username.as_str(),
        username_key(username),
        display_name.as_str(),
        password_hash,
        role as SiteRole,
    )
    .fetch_one(transaction)
    .await;
    match row {
        Ok(row) => Ok(row.into()),
        Err(sqlx::Error::Database(error)) if error.constraint() == Some("users_username_key") => {
            Err(CreateUserError::NameTaken)
        }
        Err(error) => Err(CreateUserError::Database(error)),
    }
}

/// The account of this name, without regard to case.
pub(crate) async fn credentials(
    database: impl PgExecutor<'_>,
    username: &Username,
) -> sqlx::Result<Option<Credentials>> {
    let row = sqlx::query!(
        r#"SELECT id, username, display_name, kind AS "kind: Kind", created_at,
                  password_hash, disabled_at IS NOT NULL AS "disabled!", synthetic
           FROM users WHERE username_key = $1"#,
        username_key(username),
    )
    .fetch_optional(database)
    .await?;
    Ok(row.map(|row| Credentials {
        user: UserRow {
            id: row.id,
            username: row.username,
            display_name: row.display_name,
            kind: row.kind,
            created_at: row.created_at,
        }
        .into(),
        password_hash: row.password_hash,
        disabled: row.disabled,
        synthetic: row.synthetic,
    }))
}

/// Replaces a password's hash, unless the password was changed meanwhile.
pub(crate) async fn rehash(
    transaction: &mut PgConnection,
    user: UserId,
    old: &str,
    new: &str,
) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2",
        user.uuid(),
        old,
        new,
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// The accounts of these ids; unknown ones are left out.
pub(crate) async fn by_ids(
    database: impl PgExecutor<'_>,
    ids: &[UserId],
) -> sqlx::Result<Vec<User>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        UserRow,
        r#"SELECT id, username, display_name, kind AS "kind: Kind", created_at
           FROM users WHERE id = ANY($1)"#,
        &ids,
    )
    .fetch_all(database)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The account of this name, without regard to case, as others see it.
pub(crate) async fn by_name(
    database: impl PgExecutor<'_>,
    username: &Username,
) -> sqlx::Result<Option<User>> {
    let row = sqlx::query_as!(
        UserRow,
        r#"SELECT id, username, display_name, kind AS "kind: Kind", created_at
           FROM users WHERE username_key = $1"#,
        username_key(username),
    )
    .fetch_optional(database)
    .await?;
    Ok(row.map(Into::into))
}

/// Disables the account of this name, without regard to case; none when it is
/// disabled already or there is none.
pub(crate) async fn disable(
    transaction: &mut PgConnection,
    username: &Username,
) -> sqlx::Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        "UPDATE users SET disabled_at = clock_timestamp()
         WHERE username_key = $1 AND disabled_at IS NULL
         RETURNING id",
        username_key(username),
    )
    .fetch_optional(transaction)
    .await?;
    Ok(id.map(Into::into))
}

/// The opposite of [`disable`].
pub(crate) async fn enable(
    transaction: &mut PgConnection,
    username: &Username,
) -> sqlx::Result<Option<UserId>> {
    let id = sqlx::query_scalar!(
        "UPDATE users SET disabled_at = NULL
         WHERE username_key = $1 AND disabled_at IS NOT NULL
         RETURNING id",
        username_key(username),
    )
    .fetch_optional(transaction)
    .await?;
    Ok(id.map(Into::into))
}

/// Accounts for administrators, by name.
pub(crate) async fn list(
    database: impl PgExecutor<'_>,
    which: &Listed,
    after: Option<&Username>,
) -> sqlx::Result<Vec<Account>> {
    let rows = sqlx::query!(
        r#"SELECT u.id, u.username, u.display_name, u.site_role = 'admin' AS "admin!",
                  u.created_at, u.disabled_at,
                  (SELECT count(*) FROM sessions s
                   WHERE s.user_id = u.id AND s.revoked_at IS NULL AND s.expires_at > now()
                  ) AS "sessions!"
           FROM users u
           WHERE ($1::text IS NULL OR u.username_key > $1)
             AND (NOT $2 OR u.site_role = 'admin')
             AND (NOT $3 OR u.disabled_at IS NOT NULL)
           ORDER BY u.username_key
           LIMIT $4"#,
        after.map(username_key),
        which.admins,
        which.disabled,
        i64::from(which.limit),
    )
    .fetch_all(database)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Account {
            id: row.id.into(),
            username: row.username,
            display_name: row.display_name,
            admin: row.admin,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            sessions: row.sessions,
        })
        .collect())
}
