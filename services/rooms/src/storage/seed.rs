//! Rooms of a load test, in bulk.

use plaza_types::{Role, RoomId, RoomName, UserId};
use sqlx::PgConnection;

use crate::domain::{Channels, Counters};

/// Writes a room as it stands once its members are in it.
pub(crate) async fn room(
    transaction: &mut PgConnection,
    room: RoomId,
    name: &RoomName,
    counters: Counters,
    channels: Channels,
) -> sqlx::Result<()> {
    sqlx::query!(
        "INSERT INTO rooms (id, name, topic, visibility, fanout, version, state_version,
                            member_count, generation)
         VALUES ($1, $2, '', $3, $4, $5, $6, $7, $8)",
        room.uuid(),
        name.as_str(),
        channels.visibility.as_str(),
        channels.mode.as_str(),
        counters.version.get(),
        counters.state_version.get(),
        counters.member_count,
        channels.generation.get(),
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Writes members, one after another.
pub(crate) async fn members(
    transaction: &mut PgConnection,
    room: RoomId,
    users: &[UserId],
    role: Role,
) -> sqlx::Result<()> {
    let users: Vec<_> = users.iter().map(|user| user.uuid()).collect();
    sqlx::query!(
        "INSERT INTO members (room_id, user_id, role)
         SELECT $1, user_id, $3::text::member_role
         FROM unnest($2::uuid[]) WITH ORDINALITY AS new (user_id, place) ORDER BY place",
        room.uuid(),
        &users,
        role.as_str(),
    )
    .execute(transaction)
    .await?;
    Ok(())
}
