use std::{collections::HashSet, sync::Arc};

use chrono::{DateTime, Utc};
use plaza_kit::db;
use plaza_types::{Person, Role, RoomId, UserId, Visibility};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{BannedUntil, StorageError, Store, bans, change, quota};

/// Most joins of one room that are committed together.
pub(super) const GROUP: usize = 256;

/// What came of a join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Joined {
    /// The user is a member now.
    Now,
    /// The user was one before; nothing changed.
    Already,
    /// There is no such room, or it is not open to everybody.
    NoSuchRoom,
    /// The user is in too many rooms.
    TooManyRooms,
    /// The user is kept out of a public room.
    Banned(BannedUntil),
}

impl Store {
    /// Makes a user a member of a public room, together with whoever joins it
    /// while the joins before are committed.
    pub(crate) async fn join(
        &self,
        user: Person,
        room: RoomId,
        max_rooms: u32,
    ) -> Result<Joined, StorageError> {
        // Most repeated joins end here, without a lock.
        match self.access(user.id, room).await? {
            None => {
                let ban = self.ban_from_public(user.id, room).await?;
                return Ok(ban.map_or(Joined::NoSuchRoom, Joined::Banned));
            }
            Some(access) if access.membership.is_some() => return Ok(Joined::Already),
            Some(_) => {}
        }
        let store = self.clone();
        let work = move |users: Vec<Person>| {
            let store = store.clone();
            async move { store.join_all(&users, room, max_rooms).await }
        };
        let outcome = self.joins.run(room, user, work).await?;
        outcome.map_err(StorageError::Shared)
    }

    /// Joins of one room in one transaction; should it fail, each in its own.
    async fn join_all(
        &self,
        users: &[Person],
        room: RoomId,
        max_rooms: u32,
    ) -> Vec<Result<Joined, Arc<StorageError>>> {
        #[expect(clippy::cast_precision_loss, reason = "a bounded count")]
        metrics::histogram!("plaza_rooms_joins_together").record(users.len() as f64);
        let error = match self.join_together(users, room, max_rooms).await {
            Ok(joined) => return joined.into_iter().map(Ok).collect(),
            Err(error) => error,
        };
        let is_away = matches!(&error, StorageError::Database(cause) if db::is_unavailable(cause));
        let error = Arc::new(error);
        if is_away || users.len() == 1 {
            return vec![Err(error); users.len()];
        }
        tracing::warn!(
            error = plaza_kit::http::chain(&*error),
            joins = users.len(),
            "joins could not be committed together, trying each alone"
        );
        let mut outcomes = Vec::with_capacity(users.len());
        for user in users {
            let alone = std::slice::from_ref(user);
            let joined = self.join_together(alone, room, max_rooms).await;
            outcomes.push(match joined {
                Ok(joined) => Ok(joined.first().copied().unwrap_or(Joined::NoSuchRoom)),
                Err(error) => Err(Arc::new(error)),
            });
        }
        outcomes
    }

    /// One outcome a user, in their order.
    pub(super) async fn join_together(
        &self,
        users: &[Person],
        room: RoomId,
        max_rooms: u32,
    ) -> Result<Vec<Joined>, StorageError> {
        let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
        let mut tx = self.pool.begin().await?;
        let with_room = quota::reserve_all(&mut tx, &ids, max_rooms).await?;
        let locked = change::lock(&mut tx, room).await?;
        let Some(locked) = locked.filter(|locked| locked.channels.visibility == Visibility::Public)
        else {
            return Ok(vec![Joined::NoSuchRoom; users.len()]);
        };
        let standings = standings(&mut tx, room, &ids).await?;
        let mut seated = HashSet::new();
        let outcomes: Vec<Joined> = ids
            .iter()
            .zip(standings)
            .map(|(user, (is_member, ban))| {
                if let Some(ban) = ban {
                    Joined::Banned(ban)
                } else if is_member || seated.contains(user) {
                    // The same user may be twice in one group.
                    Joined::Already
                } else if with_room.contains(user) {
                    seated.insert(*user);
                    Joined::Now
                } else {
                    Joined::TooManyRooms
                }
            })
            .collect();
        if seated.is_empty() {
            return Ok(outcomes);
        }
        let newcomers: Vec<&Person> = users
            .iter()
            .zip(&outcomes)
            .filter(|(_, outcome)| **outcome == Joined::Now)
            .map(|(user, _)| user)
            .collect();
        let joined_at = seat_all(&mut tx, room, &newcomers).await?;
        let mut change = self.change(room, &locked);
        for (user, joined_at) in newcomers.into_iter().zip(joined_at) {
            change.joined(user.clone(), Role::Member, joined_at);
        }
        let partition = change::apply(&mut tx, change).await?;
        tx.commit().await?;
        self.relay.wake(partition);
        Ok(outcomes)
    }
}

/// Whether each user is a member of a locked room, and their ban in force.
async fn standings(
    connection: &mut PgConnection,
    room: RoomId,
    users: &[UserId],
) -> Result<Vec<(bool, Option<BannedUntil>)>, StorageError> {
    let users: Vec<Uuid> = users.iter().map(|user| user.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT m.user_id IS NOT NULL AS "member!", b.user_id IS NOT NULL AS "banned!",
                  b.until AS "until?"
           FROM UNNEST($2::uuid[]) WITH ORDINALITY AS asked (user_id, place)
           LEFT JOIN members AS m ON m.room_id = $1 AND m.user_id = asked.user_id
           LEFT JOIN bans AS b ON b.room_id = $1 AND b.user_id = asked.user_id
               AND (b.until IS NULL OR b.until > clock_timestamp())
           ORDER BY asked.place"#,
        room.uuid(),
        &users,
    )
    .fetch_all(connection)
    .await?;
    let standing = |member, banned: bool, until| (member, banned.then_some(BannedUntil(until)));
    Ok(rows
        .into_iter()
        .map(|row| standing(row.member, row.banned, row.until))
        .collect())
}

/// Makes users members of a locked room that they are not in, one after
/// another; gives when each became one. Bans whose time is over are forgotten.
async fn seat_all(
    connection: &mut PgConnection,
    room: RoomId,
    users: &[&Person],
) -> Result<Vec<DateTime<Utc>>, StorageError> {
    let users: Vec<Uuid> = users.iter().map(|user| user.id.uuid()).collect();
    let joined_at = sqlx::query_scalar!(
        "WITH bygone AS (DELETE FROM bans WHERE room_id = $1 AND user_id = ANY($2))
         INSERT INTO members (room_id, user_id, role)
         SELECT $1, user_id, 'member'
         FROM UNNEST($2::uuid[]) WITH ORDINALITY AS new (user_id, place) ORDER BY place
         RETURNING joined_at",
        room.uuid(),
        &users,
    )
    .fetch_all(connection)
    .await?;
    Ok(joined_at)
}

/// Makes a user a member of a locked room; none: they are one already. A ban
/// whose time is over is forgotten.
pub(super) async fn seat(
    connection: &mut PgConnection,
    room: RoomId,
    user: UserId,
) -> Result<Option<DateTime<Utc>>, StorageError> {
    let joined_at = sqlx::query_scalar!(
        "INSERT INTO members (room_id, user_id, role) VALUES ($1, $2, 'member')
         ON CONFLICT DO NOTHING RETURNING joined_at",
        room.uuid(),
        user.uuid(),
    )
    .fetch_optional(&mut *connection)
    .await?;
    if joined_at.is_some() {
        bans::forget(connection, room, user).await?;
    }
    Ok(joined_at)
}

#[cfg(test)]
mod tests {
    use plaza_testkit::Issuer;

    use super::*;
    use crate::api::testing::Bench;

    #[tokio::test]
    async fn guarantee_2_joins_that_are_committed_together_are_numbered_one_by_one() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let [bob, cleo, dan, eve] = ["bob", "cleo", "dan", "eve"].map(Issuer::person);
        bench.seat(room, dan.id, "member").await;
        bench.act("ban", &ada, &eve, room).await;
        let full = Issuer::person("full");
        bench.create(&full, "Own").await;
        let before = bench.events().await.len();
        let group = [&bob, &full, &cleo, &dan, &bob, &eve].map(Person::clone);
        let outcomes = bench.store.join_together(&group, room, 1).await.unwrap();
        let banned = Joined::Banned(BannedUntil(None));
        assert_eq!(
            outcomes,
            [
                Joined::Now,
                Joined::TooManyRooms,
                Joined::Now,
                Joined::Already,
                Joined::Already,
                banned
            ]
        );
        let events = bench.events().await.split_off(before);
        let told: Vec<_> = events
            .into_iter()
            .map(|event| match event.body {
                plaza_events::Body::MemberUpdated {
                    version,
                    user,
                    member_count,
                    ..
                } => (version.get(), user.id, member_count),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(3, bob.id, 3), (4, cleo.id, 4)]);
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM members WHERE room_id = $1")
            .bind(room.uuid())
            .fetch_one(&bench.database.pool)
            .await
            .unwrap();
        assert_eq!(count, 4);
    }

    #[tokio::test]
    async fn one_that_cannot_be_committed_keeps_nobody_else_out() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("ada"), "Rust").await.id;
        let [bob, cleo, mut eve] = ["bob", "cleo", "eve"].map(Issuer::person);
        eve.id = UserId(Uuid::nil());
        sqlx::raw_sql(
            "ALTER TABLE members ADD CONSTRAINT unlucky
             CHECK (user_id <> '00000000-0000-0000-0000-000000000000')",
        )
        .execute(&bench.database.pool)
        .await
        .unwrap();
        let group = [bob, eve, cleo];
        let outcomes = bench.store.join_all(&group, room, 10).await;
        let joined: Vec<_> = outcomes.iter().map(|joined| joined.as_ref().ok()).collect();
        assert_eq!(joined, [Some(&Joined::Now), None, Some(&Joined::Now)]);
        let versions: Vec<_> = bench.events().await;
        assert_eq!(versions.len(), 4, "without a gap: the room, ada, bob, cleo");
    }
}
