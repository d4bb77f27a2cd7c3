//! Accounts of a load test, in bulk.

use plaza_types::{UserId, Username};
use sqlx::PgConnection;

use crate::domain::username_key::username_key;

/// Makes accounts that share a password and carry the mark `synthetic`; the
/// display names are the usernames.
pub(crate) async fn synthetic_users(
    transaction: &mut PgConnection,
    users: &[(UserId, Username)],
    password_hash: &str,
) -> sqlx::Result<()> {
    let ids: Vec<_> = users.iter().map(|(id, _)| id.uuid()).collect();
    let names: Vec<_> = users
        .iter()
        .map(|(_, name)| name.as_str().to_owned())
        .collect();
    let keys: Vec<_> = users.iter().map(|(_, name)| username_key(name)).collect();
    sqlx::query!(
        "INSERT INTO users (id, username, username_key, display_name, password_hash, synthetic)
         SELECT id, username, username_key, username, $4, true
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS new (id, username, username_key)",
        &ids,
        &names,
        &keys,
        password_hash,
    )
    .execute(transaction)
    .await?;
    Ok(())
}
