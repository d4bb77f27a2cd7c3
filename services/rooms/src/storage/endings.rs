//! Whose subscriptions have still to be ended at Centrifugo.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_centrifugo::{
    Channel, Command,
    endings::{self as worker, Endings, TAKEN_AT_ONCE},
};
use plaza_types::{Generation, RoomId, UserId, Visibility};
use sqlx::PgConnection;

use super::{
    StorageError, Store,
    error::{position, read},
};
use crate::domain::Channels;

/// How long after the end Centrifugo is told the second time (s): every
/// replica knows by then that the proxy has to say no.
const SECOND_S: f64 = 3.0;
/// The third time (s): no token can open a channel any more: 1 until every
/// replica knows, 6 that a token can be used, 2 of clocks.
const THIRD_S: f64 = 9.0;
/// Shortest time between two times (s): Centrifugo's nodes may have missed the
/// one before, coming back from an outage.
const APART_S: f64 = 2.0;

/// One that is due, taken for a while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    id: i64,
    room: RoomId,
    user: UserId,
    visibility: Visibility,
    generation: Generation,
    /// How often Centrifugo has answered.
    told: i16,
    /// Whether the person may be there again.
    is_back: bool,
    ended_at: DateTime<Utc>,
}

impl worker::Ending for Ending {
    /// All channels that there may be, in either mode: one that the room has
    /// just stopped using it may use again.
    fn commands(&self) -> Vec<Command<'static>> {
        if self.is_back {
            return Vec::new();
        }
        let user = self.user;
        Channel::all_of(self.visibility, self.room, self.generation)
            .into_iter()
            .map(|channel| Command::Unsubscribe { user, channel })
            .collect()
    }

    fn ended_at(&self) -> DateTime<Utc> {
        self.ended_at
    }

    fn was_told(&self) -> bool {
        self.told > 0
    }
}

/// Notes, in this transaction, that somebody may no longer be in a room that
/// had these channels.
pub(super) async fn append(
    connection: &mut PgConnection,
    room: RoomId,
    user: UserId,
    channels: Channels,
) -> Result<(), StorageError> {
    sqlx::query!(
        "INSERT INTO endings (room_id, user_id, visibility, generation) VALUES ($1, $2, $3, $4)",
        room.uuid(),
        user.uuid(),
        channels.visibility.as_str(),
        channels.generation.get(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

impl Endings for Store {
    type Ending = Ending;
    type Error = StorageError;

    async fn take(&self, lease: Duration) -> Result<Vec<Ending>, StorageError> {
        // A generation that is over is nobody's.
        let rows = sqlx::query!(
            r#"WITH due AS MATERIALIZED (
                   SELECT id FROM endings WHERE due_at <= clock_timestamp()
                   ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED
               )
               UPDATE endings AS e SET due_at = clock_timestamp() + make_interval(secs => $1)
               FROM due WHERE e.id = due.id
               RETURNING e.id, e.room_id, e.user_id, e.visibility, e.generation, e.told, e.ended_at,
                         EXISTS (
                             SELECT FROM rooms AS r
                             WHERE r.id = e.room_id AND r.generation = e.generation AND (
                                 EXISTS (SELECT FROM members AS m
                                         WHERE m.room_id = r.id AND m.user_id = e.user_id)
                                 OR r.visibility = 'public' AND NOT EXISTS (
                                     SELECT FROM bans AS b
                                     WHERE b.room_id = r.id AND b.user_id = e.user_id
                                       AND (b.until IS NULL OR b.until > clock_timestamp())))
                         ) AS "back!""#,
            lease.as_secs_f64(),
            TAKEN_AT_ONCE,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(Ending {
                    id: row.id,
                    room: row.room_id.into(),
                    user: row.user_id.into(),
                    visibility: read("visibility", &row.visibility)?,
                    generation: position("generation", row.generation)?,
                    told: row.told,
                    is_back: row.back,
                    ended_at: row.ended_at,
                })
            })
            .collect()
    }

    async fn answered(&self, endings: &[Ending]) -> Result<(), StorageError> {
        let is_done = |ending: &&Ending| ending.is_back || ending.told >= 2;
        let (done, again): (Vec<&Ending>, Vec<&Ending>) = endings.iter().partition(is_done);
        let done: Vec<i64> = done.iter().map(|ending| ending.id).collect();
        let (ids, told): (Vec<i64>, Vec<i16>) =
            again.iter().map(|ending| (ending.id, ending.told)).unzip();
        // A late answer to an earlier telling is none to a later one.
        sqlx::query!(
            "WITH done AS (DELETE FROM endings WHERE id = ANY($1))
             UPDATE endings AS e
             SET told = e.told + 1,
                 due_at = GREATEST(
                     e.ended_at + make_interval(secs => CASE e.told WHEN 0 THEN $4::float8 ELSE $5::float8 END),
                     clock_timestamp() + make_interval(secs => $6))
             FROM UNNEST($2::bigint[], $3::smallint[]) AS answered (id, told)
             WHERE e.id = answered.id AND e.told = answered.told",
            &done,
            &ids,
            &told,
            SECOND_S,
            THIRD_S,
            APART_S,
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn unanswered(&self, endings: &[Ending], wait: Duration) -> Result<(), StorageError> {
        let ids: Vec<i64> = endings.iter().map(|ending| ending.id).collect();
        sqlx::query!(
            "UPDATE endings SET due_at = clock_timestamp() + make_interval(secs => $2)
             WHERE id = ANY($1)",
            &ids,
            wait.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

impl Store {
    /// Forgets what could not be told for so long.
    pub(crate) async fn forget_endings(&self, age: Duration) -> Result<(), StorageError> {
        sqlx::query!(
            "DELETE FROM endings WHERE ended_at < clock_timestamp() - make_interval(secs => $1)",
            age.as_secs_f64(),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::Issuer;

    use super::*;
    use crate::api::testing::Bench;

    const LEASE: Duration = Duration::from_mins(5);

    /// A private room that one member has just left; the member.
    async fn left(bench: &Bench) -> (RoomId, plaza_types::Person) {
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create_private(&ada, "Secret").await.id;
        bench.seat(room, bob.id, "member").await;
        bench.leave(&bob, room).await.expect(StatusCode::OK);
        (room, bob)
    }

    async fn make_due(bench: &Bench) {
        sqlx::query("UPDATE endings SET due_at = clock_timestamp()")
            .execute(&bench.database.pool)
            .await
            .unwrap();
    }

    /// In how many seconds the only one is due.
    async fn due_in(bench: &Bench) -> f64 {
        sqlx::query_scalar(
            "SELECT extract(epoch FROM due_at - clock_timestamp())::float8 FROM endings",
        )
        .fetch_one(&bench.database.pool)
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn one_replica_takes_it_and_another_follows_where_it_died() {
        let bench = Bench::with_real_time().await;
        let (room, bob) = left(&bench).await;
        let taken = bench.store.take(Duration::ZERO).await.unwrap();
        assert_eq!((taken.len(), taken[0].user), (1, bob.id));
        assert_eq!((taken[0].room, taken[0].is_back), (room, false));
        let after_its_death = bench.store.take(LEASE).await.unwrap();
        assert_eq!(after_its_death[0].id, taken[0].id);
        assert!(bench.store.take(LEASE).await.unwrap().is_empty(), "taken");
    }

    #[tokio::test]
    async fn it_is_done_when_it_was_answered_three_times_apart() {
        let bench = Bench::with_real_time().await;
        left(&bench).await;
        let first = bench.store.take(LEASE).await.unwrap();
        bench.store.answered(&first).await.unwrap();
        assert!(bench.store.take(LEASE).await.unwrap().is_empty(), "not yet");
        let wait = due_in(&bench).await;
        assert!((2.0..=3.0).contains(&wait), "{wait} s");
        make_due(&bench).await;
        let second = bench.store.take(LEASE).await.unwrap();
        // Another replica's late answer to the first telling is no second one.
        bench.store.answered(&first).await.unwrap();
        bench.store.answered(&second).await.unwrap();
        let wait = due_in(&bench).await;
        assert!((7.0..=9.0).contains(&wait), "{wait} s");
        make_due(&bench).await;
        let third = bench.store.take(LEASE).await.unwrap();
        assert_eq!(third[0].told, 2);
        bench.store.answered(&third).await.unwrap();
        make_due(&bench).await;
        assert!(bench.store.take(LEASE).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_was_not_answered_is_due_again_and_after_an_outage_told_apart() {
        let bench = Bench::with_real_time().await;
        left(&bench).await;
        sqlx::query("UPDATE endings SET ended_at = ended_at - interval '1 minute'")
            .execute(&bench.database.pool)
            .await
            .unwrap();
        let taken = bench.store.take(LEASE).await.unwrap();
        let again = bench.store.unanswered(&taken, Duration::ZERO);
        again.await.unwrap();
        let taken = bench.store.take(LEASE).await.unwrap();
        assert_eq!(taken[0].told, 0);
        bench.store.answered(&taken).await.unwrap();
        let wait = due_in(&bench).await;
        assert!((1.0..=2.0).contains(&wait), "{wait} s");
        let week = bench.store.forget_endings(Duration::from_secs(50));
        week.await.unwrap();
        make_due(&bench).await;
        assert!(bench.store.take(LEASE).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn guarantee_5_who_is_back_is_left_where_they_are() {
        let bench = Bench::with_real_time().await;
        let (room, bob) = left(&bench).await;
        bench.seat(room, bob.id, "member").await;
        let taken = bench.store.take(LEASE).await.unwrap();
        assert!(taken[0].is_back && worker::Ending::commands(&taken[0]).is_empty());
        bench.store.answered(&taken).await.unwrap();
        make_due(&bench).await;
        assert!(bench.store.take(LEASE).await.unwrap().is_empty(), "done");
    }

    #[tokio::test]
    async fn guarantee_5_a_departure_ends_what_its_person_may_no_longer_read() {
        let bench = Bench::with_real_time().await;
        let ada = Issuer::person("ada");
        for (visibility, act, ends) in [
            ("public", "leave", false),
            ("public", "kick", false),
            ("public", "ban", true),
            ("private", "leave", true),
            ("private", "kick", true),
            ("private", "ban", true),
        ] {
            let room = match visibility {
                "public" => bench.create(&ada, "Rust").await.id,
                _ => bench.create_private(&ada, "Rust").await.id,
            };
            let bob = Issuer::person("bob");
            bench.seat(room, bob.id, "member").await;
            bench
                .act(act, &ada, &bob, room)
                .await
                .expect(StatusCode::OK);
            let taken = bench.store.take(LEASE).await.unwrap();
            let named: Vec<_> = taken.iter().map(|ending| ending.user).collect();
            let expected = if ends { vec![bob.id] } else { Vec::new() };
            assert_eq!(named, expected, "{act} {visibility}");
        }
    }

    #[tokio::test]
    async fn without_real_time_nothing_is_noted() {
        let bench = Bench::new().await;
        left(&bench).await;
        assert!(bench.store.take(LEASE).await.unwrap().is_empty());
    }
}
