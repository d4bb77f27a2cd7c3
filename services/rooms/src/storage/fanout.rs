use plaza_clients::rooms::{EarlyMembers, Fanout, MAX_EARLY_MEMBERS};
use plaza_types::RoomId;

use super::{
    StorageError, Store,
    error::{position, read},
};

impl Store {
    /// A room's change counter, mode and members, all of one moment.
    pub(crate) async fn fanout(
        &self,
        room: RoomId,
        early: EarlyMembers,
    ) -> Result<Option<Fanout>, StorageError> {
        let row = sqlx::query!(
            r#"SELECT version, fanout, visibility, generation, member_count,
                      CASE fanout WHEN 'personal'
                          THEN ARRAY(SELECT user_id FROM members WHERE room_id = $1)
                          ELSE ARRAY(SELECT user_id FROM members
                                     WHERE room_id = $1 AND joined_at <= $2
                                     ORDER BY joined_at LIMIT $3) END AS "members!"
               FROM rooms WHERE id = $1"#,
            room.uuid(),
            early.joined_by,
            MAX_EARLY_MEMBERS,
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| {
            Ok(Fanout {
                version: position("version", row.version)?,
                mode: read("fanout", &row.fanout)?,
                visibility: read("visibility", &row.visibility)?,
                generation: position("generation", row.generation)?,
                members: row.members.into_iter().map(Into::into).collect(),
                member_count: row.member_count,
            })
        })
        .transpose()
    }
}
