//! Where people stand in rooms: what the subscribe proxy asks.

use plaza_types::{RoomId, UserId};
use uuid::Uuid;

use super::{
    StorageError, Store,
    error::{position, read},
};
use crate::domain::Standing;

impl Store {
    /// One answer a pair, in their order; none: there is no such room.
    pub(crate) async fn standings(
        &self,
        pairs: &[(RoomId, UserId)],
    ) -> Result<Vec<Option<Standing>>, StorageError> {
        let rooms: Vec<Uuid> = pairs.iter().map(|(room, _)| room.uuid()).collect();
        let users: Vec<Uuid> = pairs.iter().map(|(_, user)| user.uuid()).collect();
        let rows = sqlx::query!(
            r#"SELECT asked.place AS "place!", r.visibility, r.fanout, r.generation,
                      EXISTS (SELECT FROM members AS m
                              WHERE m.room_id = r.id AND m.user_id = asked.user_id) AS "member!",
                      EXISTS (SELECT FROM bans AS b
                              WHERE b.room_id = r.id AND b.user_id = asked.user_id
                                AND (b.until IS NULL OR b.until > clock_timestamp())) AS "banned!"
               FROM UNNEST($1::uuid[], $2::uuid[]) WITH ORDINALITY AS asked (room_id, user_id, place)
               JOIN rooms AS r ON r.id = asked.room_id"#,
            &rooms,
            &users,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut standings = vec![None; pairs.len()];
        for row in rows {
            let standing = Standing {
                visibility: read("visibility", &row.visibility)?,
                mode: read("fanout", &row.fanout)?,
                generation: position("generation", row.generation)?,
                is_member: row.member,
                is_banned: row.banned,
            };
            let place = usize::try_from(row.place - 1).ok();
            if let Some(slot) = place.and_then(|place| standings.get_mut(place)) {
                *slot = Some(standing);
            }
        }
        Ok(standings)
    }
}
