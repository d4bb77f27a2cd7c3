//! What rooms says again when Redis may have forgotten it: who is no longer a
//! member. All other changes carry a version, by which clients see what they lack.

use chrono::{DateTime, Utc};
use plaza_events::{
    Body, Event, LeaveReason, Partition,
    outbox::NewEvent,
    relay::{Repeat, Repeated},
};
use plaza_types::{RoomId, UserId, Version};
use sqlx::PgConnection;

use super::Store;

impl Repeat for Store {
    fn repeat<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> Repeated<'a> {
        Box::pin(self.removals_since(connection, partition, since))
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
                      removal.room_id, removal.user_id AS "user_id!", removal.created_at,
                      rooms.version
               FROM removals AS removal JOIN rooms ON rooms.id = removal.room_id
               WHERE removal.created_at >= $1 AND removal.user_id IS NOT NULL
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
            let version = Version::try_from(row.version);
            let left = version.map(|version| {
                NewEvent::user(
                    user,
                    Event {
                        room: Some(room),
                        epoch: self.epoch,
                        time: row.created_at,
                        body: Body::Left {
                            version,
                            reason: LeaveReason::Left,
                        },
                    },
                )
            });
            Some(left.map_err(|error| sqlx::Error::Decode(error.into())))
        });
        left.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::TimeDelta;
    use http::StatusCode;
    use plaza_events::outbox;
    use plaza_testkit::Issuer;

    use super::*;
    use crate::api::testing::Bench;

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
        let [(key, event)] = said.as_slice() else {
            panic!("{said:?}");
        };
        assert_eq!((key, event.room), (&bob.id.to_string(), Some(room)));
        assert!(matches!(event.body, Body::Left { version, .. } if version.get() == 7));
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
