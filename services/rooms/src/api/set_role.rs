//! `POST /v1/rooms/{id}/members/{user}/role`

use axum::extract::State;
use plaza_clients::rooms::{Member, SetRole};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{RoomId, UserId};

use super::{
    Api,
    acting::{Refused, counted, named},
};
use crate::{
    domain::{Act, Denied},
    storage::ActError,
};

/// Gives a member another role; everybody may step down themselves, but for
/// the last owner.
pub(super) async fn set_role(
    State(api): State<Api>,
    caller: Caller,
    Path((room, user)): Path<(RoomId, UserId)>,
    Json(input): Json<SetRole>,
) -> Result<Json<Member>, Reject> {
    Ok(Json(given(&api, &caller, room, user, input).await?))
}

async fn given(
    api: &Api,
    caller: &Caller,
    room: RoomId,
    user: UserId,
    SetRole { role }: SetRole,
) -> Result<Member, Refused> {
    if user == caller.user {
        let own = api.store.role(user, room).await?;
        own.ok_or(ActError::Denied(Denied::NotMember))?;
    } else {
        api.store.may(caller.user, room, Act::SetRole).await?;
    }
    let other = named(api, caller, user).await?;
    let other = other.ok_or(ActError::NoSuchMember)?;
    let member = api.store.set_role(caller.user, room, other, role).await?;
    counted("role");
    Ok(member)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_events::Body;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::{Person, Role};
    use serde_json::{Value, json};

    use super::super::testing::{Bench, named};
    use super::*;

    async fn give(bench: &Bench, who: &Person, room: RoomId, to: UserId, role: &Value) -> Answer {
        let path = format!("/v1/rooms/{room}/members/{to}/role");
        let request = Request::post(path).json(&json!({ "role": role }));
        bench.send(who, request).await
    }

    #[tokio::test]
    async fn a_role_is_told_with_the_whole_state_of_the_member() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let given = give(&bench, &ada, room, bob.id, &json!("moderator")).await;
        let member: Member = given.parse();
        assert_eq!((member.user_id, member.role), (bob.id, Role::Moderator));
        give(&bench, &ada, room, bob.id, &json!("moderator"))
            .await
            .expect(StatusCode::OK);
        let events = bench.events().await;
        assert_eq!(events.len(), 4, "the same role again is no change");
        let Body::MemberUpdated {
            version,
            user,
            role,
            member_count,
            muted_until,
            ..
        } = &events[3].body
        else {
            panic!("{:?}", events[3]);
        };
        assert_eq!((version.get(), user), (4, &named(bob.id)));
        assert_eq!((*role, *member_count), (Some(Role::Moderator), 2));
        assert_eq!(*muted_until, None);
        assert_eq!(bench.removed().await, [(room, Some(bob.id))]);
    }

    #[tokio::test]
    async fn a_room_keeps_an_owner() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        bench.join(&bob, room).await.expect(StatusCode::OK);
        let before = bench.stored().await;
        let refused = give(&bench, &ada, room, ada.id, &json!("admin")).await;
        assert_eq!(refused.code(), "CONFLICT");
        assert_eq!(bench.stored().await, before);
        for (who, to, role) in [(&ada, &bob, "owner"), (&ada, &ada, "member")] {
            give(&bench, who, room, to.id, &json!(role))
                .await
                .expect(StatusCode::OK);
        }
        // Of two owners who step down at once one stays.
        give(&bench, &bob, room, ada.id, &json!("owner"))
            .await
            .expect(StatusCode::OK);
        let member = json!("member");
        let (one, other) = futures::future::join(
            give(&bench, &ada, room, ada.id, &member),
            give(&bench, &bob, room, bob.id, &member),
        )
        .await;
        let mut statuses = [one.status, other.status];
        statuses.sort();
        assert_eq!(statuses, [StatusCode::OK, StatusCode::CONFLICT]);
    }

    #[tokio::test]
    async fn what_is_no_role_or_no_member_changes_nothing() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let before = bench.stored().await;
        let bad = [
            json!(null),
            json!(1),
            json!("OWNER"),
            json!("king"),
            json!(""),
            json!([]),
        ];
        for role in bad {
            let refused = give(&bench, &ada, room, UserId::new(), &role).await;
            assert_eq!(refused.code(), "BAD_USER_INPUT", "{role}");
        }
        let refused = give(&bench, &ada, room, UserId::new(), &json!("admin")).await;
        assert_eq!(refused.code(), "NOT_FOUND");
        let refused = give(&bench, &ada, RoomId::new(), ada.id, &json!("admin")).await;
        assert_eq!(refused.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_gives_roles() {
        let bench = Bench::new().await;
        let ada = Issuer::person("eve");
        let room = bench.create(&ada, "Rust").await.id;
        let path = format!("/v1/rooms/{room}/members/{}/role", ada.id);
        let body = json!({ "role": "member" });
        bench
            .refuses_bad_tokens(|| Request::post(&path).json(&body))
            .await;
    }
}
