//! `POST /v1/rooms/{id}/invitations`

use axum::extract::State;
use chrono::TimeDelta;
use plaza_clients::{
    As, ClientError,
    rooms::{Invitation, Invite},
};
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{ApiError, Code, RoomId, TextError, UserId, Username};
use secrecy::ExposeSecret;

use super::{Api, acting::counted};
use crate::{
    domain::{Act, TokenHash, token},
    storage::{ActError, InviteError, NewInvitation, Way},
};

/// Most uses of a link.
const MOST_USES: i32 = 1_000;
/// Shortest life of an invitation, in seconds.
const SHORTEST: i32 = 60;
/// Life of an invitation when the caller does not say: a week, in seconds.
const USUAL: i32 = 7 * 24 * 60 * 60;
/// Longest life of an invitation: 30 days, in seconds.
const LONGEST: i32 = 30 * 24 * 60 * 60;

/// Why nobody was invited.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvitingError {
    #[error("the name breaks a rule")]
    Name(#[source] TextError),
    #[error("an invitation by name is used once")]
    UsesOfName,
    #[error("{0} uses are none or too many")]
    Uses(i32),
    #[error("{0} seconds are too few or too many")]
    Lifetime(i32),
    #[error("nobody has this name")]
    NoSuchUser,
    #[error("auth does not find the name")]
    Auth(#[from] ClientError),
    #[error("no random token was made")]
    Random(#[from] aws_lc_rs::error::Unspecified),
    #[error("the room has {0} open invitations")]
    TooMany(u32),
    #[error(transparent)]
    Invite(#[from] InviteError),
}

impl From<ActError> for InvitingError {
    fn from(error: ActError) -> Self {
        Self::Invite(error.into())
    }
}

impl From<InvitingError> for Reject {
    fn from(error: InvitingError) -> Self {
        let conflict = |message: String| Self(ApiError::new(Code::Conflict, message));
        match error {
            InvitingError::Name(error) => Self::text("username", &error),
            InvitingError::UsesOfName => Self(ApiError::bad_input(
                "maxUses",
                "An invitation by name is for one person, once. Leave maxUses out.",
            )),
            InvitingError::Uses(_) => Self(ApiError::bad_input(
                "maxUses",
                format!("A link can be used 1 to {MOST_USES} times."),
            )),
            InvitingError::Lifetime(_) => Self(ApiError::bad_input(
                "expiresIn",
                format!("An invitation lives {SHORTEST} to {LONGEST} seconds."),
            )),
            InvitingError::NoSuchUser => Self(ApiError::not_found("user")),
            InvitingError::Auth(ref cause) => match ApiError::from(cause) {
                refusal if cause.code().is_some() => Self(refusal),
                _ => Self::unavailable(&error),
            },
            InvitingError::Random(_) => Self::internal(&error),
            InvitingError::TooMany(most) => conflict(format!(
                "The room has {most} open invitations, which is the most. Revoke one first."
            )),
            InvitingError::Invite(error) => match error {
                InviteError::Act(error) => error.into(),
                InviteError::Member => conflict("This person is a member already.".into()),
                InviteError::Banned => {
                    conflict("This person is banned from the room. Lift the ban first.".into())
                }
                // Named by the handler, which knows the bound.
                InviteError::TooMany => Self::internal(&error),
            },
        }
    }
}

/// Invites somebody by name, or makes a link.
pub(super) async fn invite(
    State(api): State<Api>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(input): Json<Invite>,
) -> Result<Json<Invitation>, Reject> {
    Ok(Json(invited(&api, &caller, room, &input).await?))
}

async fn invited(
    api: &Api,
    caller: &Caller,
    room: RoomId,
    input: &Invite,
) -> Result<Invitation, InvitingError> {
    let (name, max_uses, lifetime) = read(input)?;
    api.store.may(caller.user, room, Act::Invite).await?;
    let mut secret = None;
    let way = if let Some(name) = name {
        Way::Name(find(api, caller, &name).await?)
    } else {
        let token = token()?;
        let hash = TokenHash::of(&token).ok_or(aws_lc_rs::error::Unspecified)?;
        secret = Some(token);
        Way::Link { hash, max_uses }
    };
    let new = NewInvitation { way, lifetime };
    let most = api.limits.max_invitations_per_room;
    let invitation = match api.store.invite(caller.user, room, new, most).await {
        Err(InviteError::TooMany) => return Err(InvitingError::TooMany(most)),
        other => other?,
    };
    counted("invite");
    Ok(Invitation {
        token: secret,
        ..invitation
    })
}

/// Whom, how often and how long.
fn read(input: &Invite) -> Result<(Option<Username>, i32, TimeDelta), InvitingError> {
    let name = input.username.as_deref().map(Username::parse).transpose();
    let name = name.map_err(InvitingError::Name)?;
    if name.is_some() && input.max_uses.is_some() {
        return Err(InvitingError::UsesOfName);
    }
    let uses = input.max_uses.unwrap_or(1);
    if !(1..=MOST_USES).contains(&uses) {
        return Err(InvitingError::Uses(uses));
    }
    let seconds = input.expires_in.unwrap_or(USUAL);
    if !(SHORTEST..=LONGEST).contains(&seconds) {
        return Err(InvitingError::Lifetime(seconds));
    }
    Ok((name, uses, TimeDelta::seconds(i64::from(seconds))))
}

async fn find(api: &Api, caller: &Caller, name: &Username) -> Result<UserId, InvitingError> {
    let who = As::User(caller.token.expose_secret());
    match api.auth.named(who, name.as_str()).await {
        Ok(user) => Ok(user.id),
        Err(error) if error.code() == Some(Code::NotFound) => Err(InvitingError::NoSuchUser),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use http::StatusCode;
    use plaza_testkit::{Issuer, Request};
    use serde_json::json;

    use super::super::{Limits, testing::Bench};
    use super::*;

    #[tokio::test]
    async fn a_link_is_told_once_and_kept_as_a_hash() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let body = json!({ "maxUses": 3, "expiresIn": 3_600 });
        let made: Invitation = bench.invite(&ada, room, &body).await.parse();
        assert_eq!((made.room_id, made.room_name.as_str()), (room, "Rust"));
        assert_eq!((made.inviter_id, made.invitee_id), (ada.id, None));
        assert_eq!((made.max_uses, made.uses), (3, 0));
        let lives = made.expires_at - Utc::now();
        assert!(lives > TimeDelta::minutes(58) && lives < TimeDelta::minutes(61));
        let token = made.token.unwrap();
        assert_eq!(token.len(), 43);
        let stored: String = sqlx::query_scalar("SELECT invitations::text FROM invitations")
            .fetch_one(&bench.database.pool)
            .await
            .unwrap();
        assert!(!stored.contains(&token), "the token itself is nowhere");
        let other: Invitation = bench.invite(&ada, room, &body).await.parse();
        assert_ne!(other.token.unwrap(), token);
    }

    #[tokio::test]
    async fn an_invitation_by_name_takes_the_place_of_an_earlier_one() {
        let bench = Bench::new().await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        let body = json!({ "username": bob.id.uuid().simple().to_string() });
        let one: Invitation = bench.invite(&ada, room, &body).await.parse();
        let two: Invitation = bench.invite(&ada, room, &body).await.parse();
        assert_eq!((one.id, one.invitee_id), (two.id, Some(bob.id)));
        assert_eq!((one.token, one.max_uses), (None, 1));
        bench.join(&bob, room).await.expect(StatusCode::OK);
        assert_eq!(bench.invite(&ada, room, &body).await.code(), "CONFLICT");
    }

    #[tokio::test]
    async fn a_room_has_so_many_open_invitations() {
        let limits = Limits {
            max_invitations_per_room: 2,
            ..Limits::default()
        };
        let bench = Bench::with(limits).await;
        let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
        let room = bench.create(&ada, "Rust").await.id;
        let named = json!({ "username": bob.id.uuid().simple().to_string() });
        for body in [&json!({}), &named, &named] {
            bench.invite(&ada, room, body).await.expect(StatusCode::OK);
        }
        let refused = bench.invite(&ada, room, &json!({})).await;
        assert_eq!(refused.code(), "CONFLICT");
        assert!(refused.text().contains('2'), "{}", refused.text());
    }

    #[tokio::test]
    async fn what_breaks_a_rule_invites_nobody() {
        let bench = Bench::new().await;
        let ada = Issuer::person("ada");
        let room = bench.create(&ada, "Rust").await.id;
        let before = bench.stored().await;
        for (body, field) in [
            (json!({ "username": "" }), Some("username")),
            (json!({ "username": "a b" }), Some("username")),
            (json!({ "username": "a\0b" }), Some("username")),
            (json!({ "username": "a\u{202E}b" }), Some("username")),
            (json!({ "username": "x".repeat(200_000) }), Some("username")),
            (json!({ "username": "bob", "maxUses": 1 }), Some("maxUses")),
            (json!({ "maxUses": 0 }), Some("maxUses")),
            (json!({ "maxUses": -1 }), Some("maxUses")),
            (json!({ "maxUses": 1_001 }), Some("maxUses")),
            (json!({ "expiresIn": 59 }), Some("expiresIn")),
            (json!({ "expiresIn": 2_592_001 }), Some("expiresIn")),
            (json!({ "maxUses": 1.5 }), None),
            (json!({ "maxUses": "many" }), None),
            (json!({ "expiresIn": 9_000_000_000_i64 }), None),
            (json!({ "username": ["bob"] }), None),
            (json!("bob"), None),
        ] {
            let refused = bench.invite(&ada, room, &body).await;
            assert_eq!(refused.code(), "BAD_USER_INPUT", "{body}");
            assert_eq!(refused.json()["error"]["field"].as_str(), field, "{body}");
        }
        let nobody = bench
            .invite(&ada, room, &json!({ "username": "nobody" }))
            .await;
        assert_eq!(nobody.code(), "NOT_FOUND");
        let nowhere = bench.invite(&ada, RoomId::new(), &json!({})).await;
        assert_eq!(nowhere.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_who_is_signed_in_invites() {
        let bench = Bench::new().await;
        let room = bench.create(&Issuer::person("eve"), "Rust").await.id;
        let path = format!("/v1/rooms/{room}/invitations");
        let body = json!({});
        bench
            .refuses_bad_tokens(|| Request::post(&path).json(&body))
            .await;
    }
}
