//! `GET /v1/rooms/{id}/invitations`, `GET /v1/invitations` and
//! `DELETE /v1/invitations/{id}`

use axum::extract::State;
use plaza_clients::{Page, PageQuery, rooms::Invitation};
use plaza_kit::{
    http::{Json, Path, Query, Reject},
    token::Caller,
};
use plaza_types::{InvitationId, RoomId};
use uuid::Uuid;

use super::{
    Api, no_such_invitation,
    page::{self, Cursor},
};
use crate::domain::Act;

/// Items of a page when the caller does not say.
const DEFAULT: u32 = 50;
/// Most items of a page.
const MAX: u32 = 100;
/// Newer than every invitation.
const START: InvitationId = InvitationId(Uuid::max());

impl Cursor for InvitationId {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

/// A room's invitations that can be used, for those who may invite.
pub(super) async fn of_room(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>, Reject> {
    let size = page::size(query.first, DEFAULT, MAX)?;
    let after = page::after::<InvitationId>(query.after.as_deref())?;
    api.store.may(caller.user, room, Act::Invite).await?;
    let (before, limit) = (after.unwrap_or(START), i64::from(size) + 1);
    let found = api.store.invitations(room, before, limit).await?;
    Ok(Json(paged(found, size, after.is_some())))
}

/// The caller's own invitations by name that can be used.
pub(super) async fn own(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<Invitation>>, Reject> {
    let size = page::size(query.first, DEFAULT, MAX)?;
    let after = page::after::<InvitationId>(query.after.as_deref())?;
    let (before, limit) = (after.unwrap_or(START), i64::from(size) + 1);
    let found = api.store.invitations_of(caller.user, before, limit).await?;
    Ok(Json(paged(found, size, after.is_some())))
}

fn paged(found: Vec<Invitation>, size: u32, has_previous: bool) -> Page<Invitation> {
    let items = found.into_iter().map(|found| (found.id, found)).collect();
    page::page(items, size, has_previous)
}

/// Ends an invitation: by who may invite, or by who is invited.
pub(super) async fn revoke(
    State(api): State<Api>,
    caller: Caller,
    Path(invitation): Path<InvitationId>,
) -> Result<Json<()>, Reject> {
    let gone = api.store.revoke_invitation(caller.user, invitation).await?;
    if !gone {
        return Err(Reject(no_such_invitation()));
    }
    Ok(Json(()))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use plaza_testkit::{Answer, Issuer, Request};
    use plaza_types::Person;
    use serde_json::json;

    use super::super::testing::Bench;
    use super::*;

    async fn list(bench: &Bench, who: &Person, path: &str) -> Vec<InvitationId> {
        let answer = bench.send(who, Request::get(path)).await;
        let page: Page<Invitation> = answer.expect(StatusCode::OK).parse();
        assert!(page.items.iter().all(|found| found.item.token.is_none()));
        page.items.into_iter().map(|found| found.item.id).collect()
    }

    async fn revoke(bench: &Bench, who: &Person, id: InvitationId) -> Answer {
        let request = Request::delete(format!("/v1/invitations/{id}"));
        bench.send(who, request).await
    }

    #[tokio::test]
    async fn those_who_may_invite_see_a_rooms_and_everybody_their_own() {
        let bench = Bench::new().await;
        let (ada, bob, eve) = (
            Issuer::person("ada"),
            Issuer::person("bob"),
            Issuer::person("eve"),
        );
        let room = bench.create_private(&ada, "Rust").await.id;
        let body = json!({ "username": bob.id.uuid().simple().to_string() });
        let named: Invitation = bench.invite(&ada, room, &body).await.parse();
        let link: Invitation = bench.invite(&ada, room, &json!({})).await.parse();
        let path = format!("/v1/rooms/{room}/invitations");
        assert_eq!(list(&bench, &ada, &path).await, [link.id, named.id]);
        let first: Page<Invitation> = bench
            .send(&ada, Request::get(format!("{path}?first=1")))
            .await
            .parse();
        assert!(first.has_next);
        let next = format!("{path}?first=1&after={}", first.items[0].cursor);
        assert_eq!(list(&bench, &ada, &next).await, [named.id]);
        assert_eq!(list(&bench, &bob, "/v1/invitations").await, [named.id]);
        assert!(list(&bench, &eve, "/v1/invitations").await.is_empty());
        let refused = bench.send(&bob, Request::get(&path)).await;
        assert_eq!(refused.code(), "NOT_FOUND");
    }

    #[tokio::test]
    async fn an_invitation_is_ended_by_who_may_invite_or_who_is_invited() {
        let bench = Bench::new().await;
        let (ada, bob, eve) = (
            Issuer::person("ada"),
            Issuer::person("bob"),
            Issuer::person("eve"),
        );
        let room = bench.create(&ada, "Rust").await.id;
        let body = json!({ "username": bob.id.uuid().simple().to_string() });
        let named: Invitation = bench.invite(&ada, room, &body).await.parse();
        let link: Invitation = bench.invite(&ada, room, &json!({})).await.parse();
        bench.join(&eve, room).await.expect(StatusCode::OK);
        for id in [named.id, link.id, InvitationId::new()] {
            assert_eq!(revoke(&bench, &eve, id).await.code(), "NOT_FOUND");
        }
        assert_eq!(revoke(&bench, &bob, link.id).await.code(), "NOT_FOUND");
        revoke(&bench, &bob, named.id).await.expect(StatusCode::OK);
        revoke(&bench, &ada, link.id).await.expect(StatusCode::OK);
        assert_eq!(revoke(&bench, &ada, link.id).await.code(), "NOT_FOUND");
        let body = json!({ "token": link.token });
        assert_eq!(bench.accept(&bob, &body).await.code(), "NOT_FOUND");
        for id in ["1", "a%00b", &"x".repeat(10_000)] {
            let request = Request::delete(format!("/v1/invitations/{id}"));
            assert_eq!(bench.send(&ada, request).await.code(), "NOT_FOUND");
        }
    }

    #[tokio::test]
    async fn what_ended_is_not_listed_and_is_forgotten() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        bench
            .invite(&ada, room, &json!({}))
            .await
            .expect(StatusCode::OK);
        sqlx::query("UPDATE invitations SET expires_at = clock_timestamp()")
            .execute(&bench.database.pool)
            .await
            .unwrap();
        let path = format!("/v1/rooms/{room}/invitations");
        assert!(list(&bench, &ada, &path).await.is_empty());
        let keep = std::time::Duration::from_hours(1);
        assert_eq!(bench.store.forget_invitations(keep).await.unwrap(), 0);
        let keep = std::time::Duration::ZERO;
        assert_eq!(bench.store.forget_invitations(keep).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_sees_or_ends_invitations() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let id = InvitationId::new();
        for request in [
            &(|| Request::get(format!("/v1/rooms/{room}/invitations"))) as &dyn Fn() -> Request,
            &|| Request::get("/v1/invitations"),
            &|| Request::delete(format!("/v1/invitations/{id}")),
        ] {
            bench.refuses_bad_tokens(request).await;
        }
    }
}
