use plaza_types::{RoomId, RoomName, Topic, UserId, Visibility};

use super::{ActError, Store, acting, change, removals};
use crate::domain::{Act, permit};

/// What is to change; none: it stays.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    /// The room's name.
    pub(crate) name: Option<RoomName>,
    /// What it is about.
    pub(crate) topic: Option<Topic>,
    /// Who may read.
    pub(crate) visibility: Option<Visibility>,
}

impl Store {
    /// Changes a room's attributes; what is so already changes nothing.
    pub(crate) async fn update(
        &self,
        actor: UserId,
        room: RoomId,
        edit: &Edit,
    ) -> Result<(), ActError> {
        let mut tx = self.pool.begin().await?;
        let scene = acting::enter(&mut tx, room, actor, actor).await?;
        permit(scene.actor, Act::Update)?;
        let was = &scene.locked;
        let name = edit.name.as_ref().map_or(&*was.name, RoomName::as_str);
        let topic = edit.topic.as_ref().map_or(&*was.topic, Topic::as_str);
        let visibility = edit.visibility.unwrap_or(was.channels.visibility);
        let is_other = visibility != was.channels.visibility;
        if !is_other && name == was.name && topic == was.topic {
            return Ok(());
        }
        sqlx::query!(
            "UPDATE rooms SET name = $2, topic = $3 WHERE id = $1",
            room.uuid(),
            name,
            topic,
        )
        .execute(&mut *tx)
        .await?;
        let mut change = self.change(room, was);
        change.attributes(name, topic, visibility, scene.now);
        let partition = change::apply(&mut tx, change).await?;
        if is_other {
            // Last: from here to the commit every other removal waits.
            removals::record_all(&mut tx, room).await?;
        }
        tx.commit().await?;
        if is_other {
            self.access_ended(room, None);
        }
        self.relay.wake(partition);
        Ok(())
    }
}
