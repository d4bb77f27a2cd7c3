//! Rooms of a load test, in bulk.

use plaza_types::{Role, RoomId, RoomName, UserId};
use sqlx::PgConnection;

use crate::domain::{Channels, Counters};

/// A room as it stands once its members are in it.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) room: RoomId,
    pub(crate) name: RoomName,
    pub(crate) counters: Counters,
    pub(crate) channels: Channels,
}

/// Who is in which room, and as what.
pub(crate) type Membership = (RoomId, UserId, Role);

/// Writes rooms.
pub(crate) async fn rooms(transaction: &mut PgConnection, rooms: &[Standing]) -> sqlx::Result<()> {
    fn column<T>(rooms: &[Standing], value: impl Fn(&Standing) -> T) -> Vec<T> {
        rooms.iter().map(value).collect()
    }
    sqlx::query!(
        "INSERT INTO rooms (id, name, topic, visibility, fanout, version, state_version,
                            member_count, generation)
         SELECT id, name, '', visibility, fanout, version, state_version, member_count, generation
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
                     $7::bigint[], $8::bigint[])
              AS new (id, name, visibility, fanout, version, state_version, member_count,
                      generation)",
        &column(rooms, |new| new.room.uuid()),
        &column(rooms, |new| new.name.as_str().to_owned()),
        &column(rooms, |new| new.channels.visibility.as_str().to_owned()),
        &column(rooms, |new| new.channels.mode.as_str().to_owned()),
        &column(rooms, |new| new.counters.version.get()),
        &column(rooms, |new| new.counters.state_version.get()),
        &column(rooms, |new| new.counters.member_count),
        &column(rooms, |new| new.channels.generation.get()),
    )
    .execute(transaction)
    .await?;
    Ok(())
}

/// Writes members, one after another.
pub(crate) async fn members(
    transaction: &mut PgConnection,
    members: &[Membership],
) -> sqlx::Result<()> {
    let rooms: Vec<_> = members.iter().map(|(room, ..)| room.uuid()).collect();
    let users: Vec<_> = members.iter().map(|(_, user, _)| user.uuid()).collect();
    let roles: Vec<_> = members
        .iter()
        .map(|(.., role)| role.as_str().to_owned())
        .collect();
    sqlx::query!(
        "INSERT INTO members (room_id, user_id, role)
         SELECT room_id, user_id, role::member_role
         FROM unnest($1::uuid[], $2::uuid[], $3::text[])
              WITH ORDINALITY AS new (room_id, user_id, role, place)
         ORDER BY place",
        &rooms,
        &users,
        &roles,
    )
    .execute(transaction)
    .await?;
    Ok(())
}
