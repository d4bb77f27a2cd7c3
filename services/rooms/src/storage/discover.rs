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

/// Most rooms that each index gives to a search. Of a search that finds more,
/// and of parts too short for an index, what is shown comes from the largest.
const MOST: i64 = 2_000;
/// How many of the largest rooms are then looked through.
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
            Some(search) => self.matching(search, after, limit).await?,
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
            r#"WITH literal AS MATERIALIZED (
                   (SELECT room_id FROM room_texts WHERE lower(name) = $1 LIMIT $9)
                   UNION
                   (SELECT room_id FROM room_texts WHERE words @@ to_tsquery('simple', $2) LIMIT $9)
                   UNION
                   (SELECT room_id FROM room_texts WHERE $5 AND document ILIKE $4 LIMIT $9)
               ), enough AS MATERIALIZED (
                   SELECT count(*) >= $9 AS yes FROM literal
               ), largest AS MATERIALIZED (
                   SELECT t.room_id, t.document, t.words
                   FROM (SELECT id FROM rooms
                         WHERE visibility = 'public' AND (NOT $5 OR (SELECT yes FROM enough))
                         ORDER BY member_count DESC, id DESC LIMIT $10) AS top
                   JOIN room_texts AS t ON t.room_id = top.id
               ), candidates AS (
                   SELECT room_id FROM literal
                   UNION
                   SELECT room_id FROM largest
                   WHERE document ILIKE $4 OR words @@ to_tsquery('simple', $2)
                   UNION
                   SELECT similar_rooms($1, $9) WHERE $5 AND NOT (SELECT yes FROM enough)
               )
               SELECT id, member_count, rank AS "rank!" FROM (
                   SELECT r.id, r.member_count,
                          CASE WHEN lower(t.name) = $1 THEN 3
                               WHEN t.words @@ to_tsquery('simple', $3) OR t.name ILIKE $4 THEN 2
                               WHEN t.words @@ to_tsquery('simple', $2) OR t.topic ILIKE $4 THEN 1
                               ELSE 0 END AS rank
                   FROM candidates JOIN room_texts AS t USING (room_id)
                   JOIN rooms AS r ON r.id = t.room_id
                   WHERE r.visibility = 'public'
               ) AS found
               WHERE (rank, member_count, id) < ($6, $7, $8)
               ORDER BY rank DESC, member_count DESC, id DESC LIMIT $11"#,
            search.text,
            search.words,
            search.name_words,
            search.part,
            search.indexed,
            after.rank,
            after.members,
            after.room.uuid(),
            MOST,
            LARGEST,
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
}
