//! What rooms says again when Redis may have forgotten it: who is no longer a
//! member, and where a room's events come from. All other changes carry a
//! version, by which clients see what they lack.

use chrono::{DateTime, Utc};
use plaza_events::{
    Body, Event, Partition,
    outbox::NewEvent,
    relay::{Repeat, Repeated},
};
use plaza_types::{RoomId, UserId};
use sqlx::PgConnection;

use super::{
    StorageError, Store,
    error::{position, read},
};

impl Repeat for Store {
    fn repeat<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> Repeated<'a> {
        Box::pin(async move {
            let mut said = self.removals_since(connection, partition, since).await?;
            said.extend(self.ways_since(connection, partition, since).await?);
            Ok(said)
        })
    }
}

impl Store {
    /// Whose membership ended and has not begun again. To each of them alone:
    /// the publisher learns of a room's members by asking.
    async fn removals_since(
        &self,
        connection: &mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> sqlx::Result<Vec<NewEvent>> {
        let rows = sqlx::query!(
            r#"SELECT DISTINCT ON (removal.room_id, removal.user_id)
                      removal.room_id, removal.user_id AS "user_id!",
                      removal.reason AS "reason!", removal.created_at, rooms.version
               FROM removals AS removal JOIN rooms ON rooms.id = removal.room_id
               WHERE removal.created_at >= $1 AND removal.reason IS NOT NULL
                 AND NOT EXISTS (SELECT FROM members
                                 WHERE members.room_id = removal.room_id
                                   AND members.user_id = removal.user_id)
               ORDER BY removal.room_id, removal.user_id, removal.number DESC"#,
            since,
        )
        .fetch_all(connection)
        .await?;
        let left = rows.into_iter().filter_map(|row| {
            let (room, user) = (RoomId::from(row.room_id), UserId::from(row.user_id));
            if Partition::of(&room.to_string()) != partition {
                return None;
            }
            let left = || {
                let body = Body::Left {
                    version: position("version", row.version)?,
                    reason: read("reason", &row.reason)?,
                };
                let event = self.said_of(room, row.created_at, body);
                Ok(NewEvent::user(user, event))
            };
            Some(left().map_err(undecodable))
        });
        left.collect()
    }

    /// From which channels the events of rooms come that have changed: whoever
    /// did not hear of a crossing would hear nothing at all. The version is that
    /// of the latest change, which may be another one: what is said is so by then.
    async fn ways_since(
        &self,
        connection: &mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> sqlx::Result<Vec<NewEvent>> {
        let rows = sqlx::query!(
            "SELECT id, state_version, fanout, visibility, generation, updated_at
             FROM rooms WHERE updated_at >= $1",
            since,
        )
        .fetch_all(connection)
        .await?;
        let of_partition = rows.into_iter().filter_map(|row| {
            let room = RoomId::from(row.id);
            (Partition::of(&room.to_string()) == partition).then_some((room, row))
        });
        let ways = of_partition.map(|(room, row)| {
            let body = Body::Fanout {
                version: position("state_version", row.state_version)?,
                mode: read("fanout", &row.fanout)?,
                visibility: read("visibility", &row.visibility)?,
                generation: position("generation", row.generation)?,
            };
            let event = self.said_of(room, row.updated_at, body);
            Ok(NewEvent::room(room, event))
        });
        ways.map(|way| way.map_err(undecodable)).collect()
    }

    fn said_of(&self, room: RoomId, time: DateTime<Utc>, body: Body) -> Event {
        Event {
            room: Some(room),
            epoch: self.epoch,
            time,
            body,
        }
    }
}

/// A row that cannot be said again, as the relay is told it.
fn undecodable(error: StorageError) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;
    use http::StatusCode;
    use plaza_events::{LeaveReason, outbox};
    use plaza_testkit::Issuer;
    use plaza_types::FanoutMode;

    use super::*;
    use crate::{
        api::{Limits, testing::Bench},
        domain::Threshold,
    };

    /// The events that are said again of everything in the last ten minutes.
    async fn said_again(bench: &Bench, room: RoomId) -> Vec<(String, Event)> {
        let mut transaction = bench.database.pool.begin().await.unwrap();
        sqlx::query("DELETE FROM outbox")
            .execute(&mut *transaction)
            .await
            .unwrap();
        let partition = Partition::of(&room.to_string());
        let since = Utc::now() - TimeDelta::minutes(10);
        let repeat = bench.store.repeat(&mut transaction, partition, since);
        let events = repeat.await.unwrap();
        outbox::append(&mut transaction, &events).await.unwrap();
        let rows: Vec<(String, sqlx::types::Json<Event>)> =
            sqlx::query_as("SELECT key, event FROM outbox ORDER BY id")
                .fetch_all(&mut *transaction)
                .await
                .unwrap();
        transaction.rollback().await.unwrap();
        rows.into_iter()
            .map(|(key, event)| (key, event.0))
            .collect()
    }

    #[tokio::test]
    async fn who_left_is_told_again_and_who_came_back_is_not() {
        let bench = Bench::new().await;
        let [ada, bob, eve] = ["ada", "bob", "eve"].map(Issuer::person);
        let room = bench.create(&ada, "Rust").await.id;
        for person in [&bob, &eve] {
            bench.join(person, room).await.expect(StatusCode::OK);
            bench.leave(person, room).await.expect(StatusCode::OK);
        }
        bench.join(&eve, room).await.expect(StatusCode::OK);
        let said = said_again(&bench, room).await;
        let [(key, event), (of_room, way)] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!((of_room, way.room), (&room.to_string(), Some(room)));
        assert!(matches!(
            way.body,
            Body::Fanout {
                mode: FanoutMode::Personal,
                ..
            }
        ));
        assert_eq!((key, event.room), (&bob.id.to_string(), Some(room)));
        assert!(matches!(event.body, Body::Left { version, .. } if version.get() == 7));
    }

    #[tokio::test]
    async fn guarantee_4_a_removal_is_told_again_with_its_reason() {
        let bench = Bench::new().await;
        let [ada, bob, eve, mal] = ["ada", "bob", "eve", "mal"].map(Issuer::person);
        let room = bench.create(&ada, "Rust").await.id;
        let acts = [
            (&bob, "leave", LeaveReason::Left),
            (&eve, "kick", LeaveReason::Kicked),
            (&mal, "ban", LeaveReason::Banned),
        ];
        for (person, act, _) in acts {
            bench.join(person, room).await.expect(StatusCode::OK);
            let acted = bench.act(act, &ada, person, room).await;
            acted.expect(StatusCode::OK);
        }
        let said = said_again(&bench, room).await;
        for (person, _, expected) in acts {
            let own = said.iter().find(|(key, _)| *key == person.id.to_string());
            let Some(Body::Left { reason, .. }) = own.map(|(_, event)| &event.body) else {
                panic!("{expected}: {said:?}");
            };
            assert_eq!(*reason, expected);
        }
    }

    #[tokio::test]
    async fn guarantee_4_a_crossing_is_told_again() {
        let limits = Limits {
            fanout_threshold: Threshold(2),
            ..Limits::default()
        };
        let bench = Bench::with(limits).await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let told = bench.events().await.pop().unwrap();
        let Body::Fanout { mode, .. } = told.body else {
            panic!("{told:?}");
        };
        assert_eq!(mode, FanoutMode::Room);
        let said = said_again(&bench, room).await;
        let [(key, again)] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!((key, &again.body), (&room.to_string(), &told.body));
        assert!(
            again.time >= told.time,
            "whom to tell is asked by this time"
        );
    }

    #[tokio::test]
    async fn removals_are_kept_for_as_long_as_redis_may_have_lost_them() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        bench.leave(&bob, room).await.expect(StatusCode::OK);
        let age = |minutes: i32| {
            sqlx::query("UPDATE removals SET created_at = now() - make_interval(mins => $1)")
                .bind(minutes)
                .execute(&bench.database.pool)
        };
        let answered = |minutes: i32| {
            sqlx::query(
                "UPDATE relay SET run_id = 'r', answered_at = now() - make_interval(mins => $1)",
            )
            .bind(minutes)
            .execute(&bench.database.pool)
        };
        let keep = Duration::from_mins(5);
        age(69).await.unwrap();
        answered(60).await.unwrap();
        assert_eq!(bench.store.forget_removals(keep).await.unwrap(), 0);
        answered(58).await.unwrap();
        assert_eq!(bench.store.forget_removals(keep).await.unwrap(), 1);
    }
}
