//! The feed of removals: whose access ended or changed in the last minutes.

use std::time::Duration;

use plaza_clients::rooms::Removal;
use plaza_events::{LeaveReason, relay::LONGEST_BACKLOG};
use plaza_kit::feed::{FeedAnswer, FeedEntry, FeedQuery, continues};
use plaza_types::{RoomId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{StorageError, Store};

/// Most entries of one answer; the next poll continues behind them.
const MOST: i64 = 10_000;

/// The feed from one number on, in one snapshot.
struct Read {
    last: i64,
    dropped: i64,
    entries: Vec<FeedEntry<Removal>>,
}

/// Records that everything known of a room and its members is void. Takes the
/// lock of the feed, as [`record`] does.
pub(super) async fn record_all(
    connection: &mut PgConnection,
    room: RoomId,
) -> Result<(), StorageError> {
    sqlx::query!(
        "WITH feed AS (UPDATE removal_feed SET last = last + 1 RETURNING last)
         INSERT INTO removals (number, room_id) SELECT last, $1 FROM feed",
        room.uuid(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Records that what is known of these users in a room is void, and why they
/// are members no more if they are not. Takes the lock of the feed, which is
/// held to the commit: call it last.
pub(super) async fn record(
    connection: &mut PgConnection,
    room: RoomId,
    users: &[(UserId, Option<LeaveReason>)],
) -> Result<(), StorageError> {
    let ids: Vec<Uuid> = users.iter().map(|(user, _)| user.uuid()).collect();
    let reasons = users
        .iter()
        .map(|(_, reason)| reason.map(LeaveReason::as_str));
    let reasons: Vec<Option<&str>> = reasons.collect();
    sqlx::query!(
        "WITH feed AS (UPDATE removal_feed SET last = last + cardinality($2::uuid[]) RETURNING last)
         INSERT INTO removals (number, room_id, user_id, reason)
         SELECT feed.last - cardinality($2::uuid[]) + place, $1, user_id, reason
         FROM feed, UNNEST($2::uuid[], $3::text[])
                    WITH ORDINALITY AS users (user_id, reason, place)",
        room.uuid(),
        &ids,
        &reasons as &[Option<&str>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// Answers a poller.
    pub(crate) async fn removals(
        &self,
        query: FeedQuery,
    ) -> Result<FeedAnswer<Removal>, StorageError> {
        let since = match query {
            FeedQuery {
                since: Some(since),
                epoch,
            } if epoch == Some(self.epoch) => since,
            _ => 0,
        };
        let read = self.removals_after(since).await?;
        if continues(query, self.epoch, read.dropped, read.last) {
            return Ok(self.answer(read, false));
        }
        let whole = if since == 0 {
            read
        } else {
            self.removals_after(0).await?
        };
        Ok(self.answer(whole, true))
    }

    fn answer(&self, read: Read, replace: bool) -> FeedAnswer<Removal> {
        let cut = i64::try_from(read.entries.len()) == Ok(MOST);
        let reached = read.entries.last().map(|entry| entry.number);
        FeedAnswer {
            epoch: self.epoch,
            last: reached.filter(|_| cut).unwrap_or(read.last),
            replace,
            entries: read.entries,
        }
    }

    async fn removals_after(&self, since: i64) -> Result<Read, StorageError> {
        let rows = sqlx::query!(
            r#"SELECT feed.last, feed.dropped, removal.number AS "number?",
                      removal.room_id AS "room_id?", removal.user_id AS "user_id?"
               FROM removal_feed AS feed
               LEFT JOIN LATERAL (SELECT number, room_id, user_id FROM removals
                                  WHERE number > $1 ORDER BY number LIMIT $2) AS removal ON true
               ORDER BY removal.number"#,
            since,
            MOST,
        )
        .fetch_all(&self.pool)
        .await?;
        let (last, dropped) = rows.first().map_or((0, 0), |row| (row.last, row.dropped));
        let entries = rows
            .into_iter()
            .filter_map(|row| {
                Some(FeedEntry {
                    number: row.number?,
                    entry: Removal {
                        room_id: row.room_id?.into(),
                        user_id: row.user_id.map(Into::into),
                    },
                })
            })
            .collect();
        Ok(Read {
            last,
            dropped,
            entries,
        })
    }

    /// Forgets removals that are older than `keep`, and that need not be said
    /// again when Redis has forgotten them; answers how many. A Redis that is
    /// away for longer than a day is not waited for.
    pub(crate) async fn forget_removals(&self, keep: Duration) -> Result<i64, StorageError> {
        let gone = sqlx::query_scalar!(
            r#"WITH gone AS (
                   DELETE FROM removals
                   WHERE created_at < clock_timestamp() - make_interval(secs => $1)
                     AND created_at < (
                         SELECT CASE WHEN count(answered_at) = 0 THEN clock_timestamp()
                                     ELSE greatest(min(answered_at) - make_interval(secs => $2),
                                                   clock_timestamp() - interval '1 day') END
                         FROM relay)
                   RETURNING number
               ), forgotten AS (
                   UPDATE removal_feed
                   SET dropped = greatest(dropped, (SELECT max(number) FROM gone))
                   WHERE EXISTS (SELECT FROM gone)
               )
               SELECT count(*) AS "count!" FROM gone"#,
            keep.as_secs_f64(),
            LONGEST_BACKLOG.as_secs_f64(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(gone)
    }
}
