//! Discovery: which public rooms come behind a place in the list. The list of
//! rooms themselves is a look-up.

use plaza_types::RoomId;
use uuid::Uuid;

use super::{StorageError, Store};
use crate::domain::Search;

/// A place in the list: best matches first, of these the largest, of these
/// the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// How well the room matches: 3 its name is the search, 2 its name has
    /// it, 1 its topic has it, 0 it is similar, or nothing was searched for.
    pub(crate) rank: i32,
    /// How many members it has.
    pub(crate) members: i64,
    /// Which room.
    pub(crate) room: RoomId,
}

impl Place {
    /// Before every room.
    pub(crate) const START: Self = Self {
        rank: i32::MAX,
        members: i64::MAX,
        room: RoomId(Uuid::max()),
    };
}

/// Parts too short for the index are looked for among this many of the
/// largest rooms; words at their beginning are found everywhere.
const LARGEST: i64 = 10_000;

impl Store {
    /// At most `limit` public rooms behind a place; without a search all of them.
    pub(crate) async fn discover(
        &self,
        search: Option<&Search>,
        after: Place,
        limit: i64,
    ) -> Result<Vec<Place>, StorageError> {
        Ok(match search {
            None => self.largest(after, limit).await?,
            Some(search) if search.indexed => self.matching(search, after, limit).await?,
            Some(search) => self.matching_short(search, after, limit).await?,
        })
    }

    async fn largest(&self, after: Place, limit: i64) -> sqlx::Result<Vec<Place>> {
        sqlx::query!(
            "SELECT id, member_count FROM rooms
             WHERE visibility = 'public' AND (member_count, id) < ($1, $2)
             ORDER BY member_count DESC, id DESC LIMIT $3",
            after.members,
            after.room.uuid(),
            limit,
        )
        .map(|row| Place {
            rank: 0,
            members: row.member_count,
            room: row.id.into(),
        })
        .fetch_all(&self.pool)
        .await
    }

    async fn matching(
        &self,
        search: &Search,
        after: Place,
        limit: i64,
    ) -> sqlx::Result<Vec<Place>> {
        sqlx::query!(
            r#"SELECT id, member_count, rank AS "rank!" FROM (
                   SELECT r.id, r.member_count,
                          CASE WHEN lower(t.name) = $3 THEN 3
                               WHEN t.words @@ to_tsquery('simple', $2) OR t.name ILIKE $4 THEN 2
                               WHEN t.words @@ to_tsquery('simple', $1) OR t.topic ILIKE $4 THEN 1
                               ELSE 0 END AS rank
                   FROM room_texts AS t JOIN rooms AS r ON r.id = t.room_id
                   WHERE r.visibility = 'public'
                     AND (t.words @@ to_tsquery('simple', $1) OR t.document ILIKE $4 OR $3 <% t.document)
               ) AS found
               WHERE (rank, member_count, id) < ($5, $6, $7)
               ORDER BY rank DESC, member_count DESC, id DESC LIMIT $8"#,
            search.words,
            search.name_words,
            search.text,
            search.part,
            after.rank,
            after.members,
            after.room.uuid(),
            limit,
        )
        .map(|row| Place {
            rank: row.rank,
            members: row.member_count,
            room: row.id.into(),
        })
        .fetch_all(&self.pool)
        .await
    }

    async fn matching_short(
        &self,
        search: &Search,
        after: Place,
        limit: i64,
    ) -> sqlx::Result<Vec<Place>> {
        sqlx::query!(
            r#"WITH candidates AS (
                   SELECT room_id FROM room_texts WHERE words @@ to_tsquery('simple', $1)
                   UNION
                   SELECT t.room_id
                   FROM (SELECT id FROM rooms WHERE visibility = 'public'
                         ORDER BY member_count DESC, id DESC LIMIT $9) AS largest
                   JOIN room_texts AS t ON t.room_id = largest.id
                   WHERE t.document ILIKE $4
               )
               SELECT id, member_count, rank AS "rank!" FROM (
                   SELECT r.id, r.member_count,
                          CASE WHEN lower(t.name) = $3 THEN 3
                               WHEN t.words @@ to_tsquery('simple', $2) OR t.name ILIKE $4 THEN 2
                               ELSE 1 END AS rank
                   FROM candidates JOIN room_texts AS t USING (room_id)
                   JOIN rooms AS r ON r.id = t.room_id
                   WHERE r.visibility = 'public'
               ) AS found
               WHERE (rank, member_count, id) < ($5, $6, $7)
               ORDER BY rank DESC, member_count DESC, id DESC LIMIT $8"#,
            search.words,
            search.name_words,
            search.text,
            search.part,
            after.rank,
            after.members,
            after.room.uuid(),
            limit,
            LARGEST,
        )
        .map(|row| Place {
            rank: row.rank,
            members: row.member_count,
            room: row.id.into(),
        })
        .fetch_all(&self.pool)
        .await
    }
}
