//! What messages says again when Redis may have forgotten it: where each room
//! stands. A client that is behind asks for what it lacks.

use chrono::{DateTime, Utc};
use plaza_events::{
    Body, Event, Partition,
    outbox::NewEvent,
    relay::{Repeat, Repeated},
};
use plaza_types::{PositionError, RoomId};
use sqlx::PgConnection;

use super::Store;

impl Repeat for Store {
    fn repeat<'a>(
        &'a self,
        connection: &'a mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> Repeated<'a> {
        Box::pin(self.heads_since(connection, partition, since))
    }
}

impl Store {
    async fn heads_since(
        &self,
        connection: &mut PgConnection,
        partition: Partition,
        since: DateTime<Utc>,
    ) -> sqlx::Result<Vec<NewEvent>> {
        let rows = sqlx::query!(
            "SELECT room_id, last_seq, last_number, last_message_at, changed_at
             FROM room_heads WHERE changed_at >= $1",
            since,
        )
        .fetch_all(connection)
        .await?;
        let heads = rows.into_iter().filter_map(|row| {
            let room = RoomId::from(row.room_id);
            if Partition::of(&room.to_string()) != partition {
                return None;
            }
            let body = (|| -> Result<Body, PositionError> {
                Ok(Body::Head {
                    head_seq: row.last_seq.try_into()?,
                    version: None,
                    number: Some(row.last_number.try_into()?),
                    last_message_at: row.last_message_at,
                    preview: None,
                    member_count: None,
                })
            })();
            let head = body.map(|body| {
                NewEvent::room(
                    room,
                    Event {
                        room: Some(room),
                        epoch: self.epoch,
                        time: row.changed_at,
                        body,
                    },
                )
            });
            Some(head.map_err(|error| sqlx::Error::Decode(error.into())))
        });
        heads.collect()
    }
}
