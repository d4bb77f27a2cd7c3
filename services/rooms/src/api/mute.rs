//! `POST /v1/rooms/{id}/members/{user}/mute`

use axum::extract::State;
use chrono::{TimeDelta, Utc};
use plaza_clients::rooms::{Member, MuteMember};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{RoomId, UserId};

use super::{
    Api,
    acting::{Refused, counted, named},
    time,
};
use crate::{domain::Act, storage::ActError};

/// Longest time that somebody is muted for; longer is a ban.
const LONGEST: TimeDelta = TimeDelta::days(366);

/// Lets a member read only until a time, or write again.
pub(super) async fn mute(
    State(api): State<Api>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
    Json(input): Json<MuteMember>,
) -> Result<Json<Member>, Reject> {
    time::check("until", input.until, Utc::now(), LONGEST)?;
    Ok(Json(muted(&api, &caller, room, user, input).await?))
}

async fn muted(
    api: &Api,
    caller: &Caller,
    room: RoomId,
    user: UserId,
    MuteMember { until }: MuteMember,
) -> Result<Member, Refused> {
    api.store.may(caller.user, room, Act::Mute).await?;
    let other = named(api, caller, user).await?;
    let other = other.ok_or(ActError::NoSuchMember)?;
    let member = api.store.mute(caller.user, room, other, until).await?;
    counted("mute");
    Ok(member)
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, SubsecRound};
    use http::StatusCode;
    use plaza_clients::rooms::Access;
    use plaza_events::Body;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::Person;
    use serde_json::{Value, json};

    use super::super::testing::Bench;
    use super::*;

    async fn mute(
        bench: &Bench,
        who: &Person,
        room: RoomId,
        other: UserId,
        body: &Value,
    ) -> Answer {
        let path = format!("/v1/rooms/{room}/members/{other}/mute");
        bench.send(who, Request::post(path).json(body)).await
    }

    #[tokio::test]
    async fn a_mute_is_told_and_ends_by_its_time_or_by_hand() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let until = (Utc::now() + TimeDelta::hours(1)).trunc_subsecs(3);
        let body = json!({ "until": until });
        for _ in 0..2 {
            let member: Member = mute(&bench, &ada, room, bob.id, &body).await.parse();
            assert_eq!(member.muted_until, Some(until));
        }
        let path = format!("/v1/rooms/{room}/access");
        let access: Access = bench.send(&bob, Request::get(path)).await.parse();
        assert_eq!(access.membership.unwrap().muted_until, Some(until));
        let body = json!({ "until": null });
        let member: Member = mute(&bench, &ada, room, bob.id, &body).await.parse();
        assert_eq!(member.muted_until, None);
        let told: Vec<(i64, Option<DateTime<Utc>>)> = bench.events().await[3..]
            .iter()
            .map(|event| match &event.body {
                Body::MemberUpdated {
                    version,
                    muted_until,
                    ..
                } => (version.get(), *muted_until),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(told, [(4, Some(until)), (5, None)]);
        assert_eq!(bench.removed().await, [(room, Some(bob.id)); 2]);
    }

    #[tokio::test]
    async fn what_is_no_time_to_come_mutes_nobody() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let before = bench.stored().await;
        for (until, field) in [
            (json!("2020-01-01T00:00:00Z"), Some("until")),
            (json!("2999-01-01T00:00:00Z"), Some("until")),
            (json!("tomorrow"), None),
            (json!(5), None),
            (json!("a\0b"), None),
            (json!({}), None),
        ] {
            let refused = mute(&bench, &ada, room, bob.id, &json!({ "until": until })).await;
            assert_eq!(refused.code(), "BAD_USER_INPUT", "{until}");
            assert_eq!(refused.json()["error"]["field"].as_str(), field, "{until}");
        }
        let body = json!({ "until": null });
        for (room, other) in [(room, UserId::new()), (RoomId::new(), bob.id)] {
            let refused = mute(&bench, &ada, room, other, &body).await;
            assert_eq!(refused.code(), "NOT_FOUND");
        }
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_mutes() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/members/{}/mute", UserId::new());
        let body = json!({ "until": null });
        bench
            .refuses_bad_tokens(|| Request::post(&path).json(&body))
            .await;
    }
}
