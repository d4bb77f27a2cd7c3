use plaza_types::{Person, Role, RoomId, RoomName, Topic, Visibility};

use super::{StorageError, Store, change, quota};
use crate::domain::{Change, Channels, Counters};

/// A room to make.
#[derive(Debug)]
pub(crate) struct NewRoom {
    /// Its name.
    pub(crate) name: RoomName,
    /// What it is about.
    pub(crate) topic: Topic,
    /// Who may read.
    pub(crate) visibility: Visibility,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Created {
    /// It is there.
    Room(RoomId),
    /// The owner is in too many rooms.
    TooManyRooms,
}

impl Store {
    /// Makes a room with its owner as the first member.
    pub(crate) async fn create(
        &self,
        owner: Person,
        new: &NewRoom,
        max_rooms: u32,
    ) -> Result<Created, StorageError> {
        let mut tx = self.pool.begin().await?;
        let Some(now) = quota::reserve(&mut tx, owner.id, max_rooms).await? else {
            return Ok(Created::TooManyRooms);
        };
        let room = RoomId::new();
        sqlx::query!(
            "INSERT INTO rooms (id, name, topic, visibility, version, state_version, member_count,
                                created_at, updated_at)
             VALUES ($1, $2, $3, $4, 1, 1, 0, $5, $5)",
            room.uuid(),
            new.name.as_str(),
            new.topic.as_str(),
            new.visibility.as_str(),
            now,
        )
        .execute(&mut *tx)
        .await?;
        sqlx::query!(
            "INSERT INTO members (room_id, user_id, role, joined_at) VALUES ($1, $2, 'owner', $3)",
            room.uuid(),
            owner.id.uuid(),
            now,
        )
        .execute(&mut *tx)
        .await?;
        let channels = Channels::new(new.visibility);
        let counters = Counters::default();
        let mut change = Change::new(room, self.epoch, self.threshold, counters, channels);
        change.attributes(new.name.as_str(), new.topic.as_str(), new.visibility, now);
        change.joined(owner, Role::Owner, now);
        let partition = change::apply(&mut tx, change).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(Created::Room(room))
    }
}
