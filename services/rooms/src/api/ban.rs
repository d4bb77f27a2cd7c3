//! `POST /v1/rooms/{id}/members/{user}/ban`, its undoing, and
//! `GET /v1/rooms/{id}/bans`

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use plaza_clients::{
    Page, PageQuery,
    rooms::{Ban, BanMember},
};
use plaza_kit::{
    http::{Json, Path, Query, Reject},
    token::Caller,
};
use plaza_types::{BanReason, Person, RoomId, UserId};

use super::{
    Api,
    acting::{Refused, counted, named},
    page::{self, Cursor},
    time,
};
use crate::{
    domain::{Act, nameless},
    storage::{ActError, BanPlace, NewBan},
};

/// Longest ban that has an end.
const LONGEST: TimeDelta = TimeDelta::days(3_660);
/// Items of a page when the caller does not say.
const DEFAULT: u32 = 50;
/// Most items of a page.
const MAX: u32 = 100;

impl Cursor for BanPlace {
    fn write(&self) -> String {
        format!("{} {}", self.created_at.timestamp_micros(), self.user)
    }

    fn read(text: &str) -> Option<Self> {
        let (created_at, user) = text.split_once(' ')?;
        Some(Self {
            created_at: DateTime::from_timestamp_micros(created_at.parse().ok()?)?,
            user: user.parse().ok()?,
        })
    }
}

/// Keeps somebody out, member or not; a ban that is there is set anew.
pub(super) async fn ban(
    State(api): State<Api>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
    Json(input): Json<BanMember>,
) -> Result<Json<()>, Reject> {
    let reason = input.reason.unwrap_or_default();
    let reason = BanReason::parse(&reason).map_err(|error| Reject::text("reason", &error))?;
    time::check("until", input.until, Utc::now(), LONGEST)?;
    let ban = NewBan {
        reason,
        until: input.until,
    };
    api.store.may(caller.user, room, Act::Ban).await?;
    let other = whom(&api, &caller, room, user).await?;
    api.store.ban(caller.user, room, other, &ban).await?;
    counted("ban");
    Ok(Json(()))
}

/// Who is to be banned. A member is banned without waiting for auth; of
/// somebody else auth has to say that they exist.
async fn whom(api: &Api, caller: &Caller, room: RoomId, user: UserId) -> Result<Person, Refused> {
    let missing = match named(api, caller, user).await {
        Ok(Some(person)) => return Ok(person),
        Ok(None) => Refused::NoSuchUser,
        Err(error) => error.into(),
    };
    match api.store.role(user, room).await {
        Ok(Some(_)) => Ok(nameless(user)),
        Ok(None) | Err(ActError::NoSuchRoom) => Err(missing),
        Err(error) => Err(error.into()),
    }
}

/// Lets somebody in again.
pub(super) async fn unban(
    State(api): State<Api>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
) -> Result<Json<()>, Reject> {
    api.store.may(caller.user, room, Act::Ban).await?;
    api.store.unban(caller.user, room, user).await?;
    counted("unban");
    Ok(Json(()))
}

/// Who is kept out, the latest first, for those who may ban.
pub(super) async fn bans(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Ban>>, Reject> {
    let size = page::size(query.first, DEFAULT, MAX)?;
    let after = page::after::<BanPlace>(query.after.as_deref())?;
    api.store.may(caller.user, room, Act::Ban).await?;
    let place = after.unwrap_or(BanPlace::START);
    let bans = api.store.bans(room, place, i64::from(size) + 1).await?;
    let place = |ban: &Ban| BanPlace {
        created_at: ban.created_at,
        user: ban.user_id,
    };
    let items = bans.into_iter().map(|ban| (place(&ban), ban)).collect();
    Ok(Json(page::page(items, size, after.is_some())))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_clients::rooms::{Access, Room};
    use plaza_events::{Body, LeaveReason};
    use plaza_testkit::{Answer, Issuer, Request};
    use serde_json::{Value, json};

    use super::super::{Limits, testing::Bench};
    use super::*;

    async fn ban(bench: &Bench, who: &Person, room: RoomId, other: UserId, body: &Value) -> Answer {
        let path = format!("/v1/rooms/{room}/members/{other}/ban");
        bench.send(who, Request::post(path).json(body)).await
    }

    async fn unban(bench: &Bench, who: &Person, room: RoomId, other: UserId) -> Answer {
        let path = format!("/v1/rooms/{room}/members/{other}/unban");
        bench.send(who, Request::post(path)).await
    }

    async fn access(bench: &Bench, who: &Person, room: RoomId) -> Answer {
        let path = format!("/v1/rooms/{room}/access");
        bench.send(who, Request::get(path)).await
    }

    #[tokio::test]
    async fn a_banned_member_is_told_and_neither_reads_nor_comes_back() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let body = json!({ "reason": "Spam" });
        ban(&bench, &ada, room, bob.id, &body)
            .await
            .expect(StatusCode::OK);

        let events = bench.events().await;
        assert_eq!(events.len(), 4);
        let Body::MemberUpdated {
            role,
            reason,
            member_count,
            ..
        } = &events[3].body
        else {
            panic!("{:?}", events[3]);
        };
        assert_eq!((*role, *reason), (None, Some(LeaveReason::Banned)));
        assert_eq!(*member_count, 1);
        assert_eq!(access(&bench, &bob, room).await.code(), "NOT_FOUND");
        let members = Request::get(format!("/v1/rooms/{room}/members"));
        assert_eq!(bench.send(&bob, members).await.code(), "NOT_FOUND");
        let ids = Request::post("/v1/rooms/lookup").json(&json!({ "ids": [room] }));
        let seen: Vec<Room> = bench.send(&bob, ids).await.parse();
        assert!(seen.is_empty());
        let found = bench.send(&bob, Request::get("/v1/rooms/discover")).await;
        assert!(found.parse::<Page<Room>>().items.is_empty());
        assert_eq!(bench.join(&bob, room).await.code(), "FORBIDDEN");
        let body = json!({ "username": bob.id.uuid().simple().to_string() });
        let invite = bench.invite(&ada, room, &body).await;
        assert_eq!(invite.code(), "CONFLICT");

        let list: Page<Ban> = bench
            .send(&ada, Request::get(format!("/v1/rooms/{room}/bans")))
            .await
            .parse();
        assert_eq!(list.items.len(), 1);
        let found = &list.items[0].item;
        assert_eq!((found.user_id, found.by_id), (bob.id, ada.id));
        assert_eq!((found.reason.as_str(), found.until), ("Spam", None));

        unban(&bench, &ada, room, bob.id)
            .await
            .expect(StatusCode::OK);
        assert_eq!(unban(&bench, &ada, room, bob.id).await.code(), "NOT_FOUND");
        bench.join(&bob, room).await.expect(StatusCode::OK);
    }

    #[tokio::test]
    async fn the_first_ban_makes_what_is_remembered_of_the_room_void_and_later_ones_of_one() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let open = async || access(&bench, &ada, room).await.parse::<Access>().open;
        assert!(open().await);
        let [bob, eve] = [UserId::new(), UserId::new()];
        for other in [bob, eve] {
            let set = ban(&bench, &ada, room, other, &json!({})).await;
            set.expect(StatusCode::OK);
        }
        assert_eq!(bench.removed().await, [(room, None), (room, Some(eve))]);
        assert!(!open().await);
        assert_eq!(
            bench.events().await.len(),
            2,
            "a stranger's ban is nobody's news"
        );
        for other in [bob, eve] {
            unban(&bench, &ada, room, other)
                .await
                .expect(StatusCode::OK);
        }
        assert!(open().await);
    }

    #[tokio::test]
    async fn a_ban_ends_by_its_time() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        let body = json!({ "until": Utc::now() + TimeDelta::hours(1) });
        ban(&bench, &ada, room, bob.id, &body)
            .await
            .expect(StatusCode::OK);
        let refused = bench.join(&bob, room).await;
        assert!(refused.text().contains("until"), "{}", refused.text());
        sqlx::query("UPDATE bans SET until = clock_timestamp()")
            .execute(&bench.database.pool)
            .await
            .unwrap();
        access(&bench, &bob, room).await.expect(StatusCode::OK);
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM bans")
            .fetch_one(&bench.database.pool)
            .await
            .unwrap();
        assert_eq!(left, 0, "an ended ban is forgotten");
    }

    #[tokio::test]
    async fn without_auth_a_member_is_banned_and_a_stranger_is_not() {
        let bench = Bench::with_auth(Limits::default(), "http://127.0.0.1:9").await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let refused = ban(&bench, &ada, room, UserId::new(), &json!({})).await;
        assert_eq!(refused.code(), "UNAVAILABLE");
        ban(&bench, &ada, room, bob.id, &json!({}))
            .await
            .expect(StatusCode::OK);
        assert_eq!(access(&bench, &bob, room).await.code(), "NOT_FOUND");
    }

    #[tokio::test]
    async fn what_breaks_a_rule_bans_nobody() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let before = bench.stored().await;
        for (body, field) in [
            (json!({ "reason": "x".repeat(251) }), Some("reason")),
            (json!({ "reason": "x".repeat(200_000) }), Some("reason")),
            (json!({ "reason": "a\0b" }), Some("reason")),
            (json!({ "reason": "a\u{202E}b" }), Some("reason")),
            (json!({ "until": "2020-01-01T00:00:00Z" }), Some("until")),
            (json!({ "until": "2999-01-01T00:00:00Z" }), Some("until")),
            (json!({ "until": "for good" }), None),
            (json!({ "until": 1 }), None),
            (json!({ "reason": [] }), None),
            (json!([1]), None),
        ] {
            let refused = ban(&bench, &ada, room, bob.id, &body).await;
            assert_eq!(refused.code(), "BAD_USER_INPUT", "{body}");
            assert_eq!(refused.json()["error"]["field"].as_str(), field, "{body}");
        }
        let megabyte = json!({ "reason": "x".repeat(1 << 20) });
        let huge = ban(&bench, &ada, room, bob.id, &megabyte).await;
        assert_eq!(huge.code(), "BAD_USER_INPUT");
        let path = format!("/v1/rooms/{room}/bans?after=x");
        let refused = bench.send(&ada, Request::get(path)).await;
        assert_eq!(refused.code(), "BAD_USER_INPUT");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn bans_come_in_pages() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let mut others = Vec::new();
        for _ in 0..5 {
            let other = UserId::new();
            let set = ban(&bench, &ada, room, other, &json!({})).await;
            set.expect(StatusCode::OK);
            others.insert(0, other);
        }
        let mut found = Vec::new();
        let mut query = "?first=2".to_owned();
        loop {
            let path = format!("/v1/rooms/{room}/bans{query}");
            let page: Page<Ban> = bench.send(&ada, Request::get(path)).await.parse();
            found.extend(page.items.iter().map(|ban| ban.item.user_id));
            if !page.has_next {
                break;
            }
            query = format!("?first=2&after={}", page.items.last().unwrap().cursor);
        }
        assert_eq!(found, others);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_bans() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/members/{}", UserId::new());
        let body = json!({});
        bench
            .refuses_bad_tokens(|| Request::post(format!("{path}/ban")).json(&body))
            .await;
        bench
            .refuses_bad_tokens(|| Request::post(format!("{path}/unban")))
            .await;
        bench
            .refuses_bad_tokens(|| Request::get(format!("/v1/rooms/{room}/bans")))
            .await;
    }
}
