//! What ends somebody's access.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;

use crate::{graphql::AskError, person::Person, stack::Stack};

/// How long an act is tried.
const PATIENCE: Duration = Duration::from_secs(30);

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Act {
    LeavePrivate,
    KickPrivate,
    BanPrivate,
    BanPublic,
    Logout,
    Disable,
}

/// Who does it to whom, and where.
pub(super) struct Scene<'a> {
    pub(super) stack: &'a Stack,
    pub(super) owner: &'a Person,
    pub(super) victim: &'a Person,
    pub(super) room: &'a str,
}

impl Act {
    pub(super) const ALL: [Self; 6] = [
        Self::LeavePrivate,
        Self::KickPrivate,
        Self::BanPrivate,
        Self::BanPublic,
        Self::Logout,
        Self::Disable,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::LeavePrivate => "leave, private room",
            Self::KickPrivate => "kick, private room",
            Self::BanPrivate => "ban, private room",
            Self::BanPublic => "ban, public room",
            Self::Logout => "logout",
            Self::Disable => "disabled account",
        }
    }

    /// What guarantee 5 allows.
    pub(super) const fn bound(self) -> Duration {
        match self {
            Self::LeavePrivate | Self::KickPrivate | Self::BanPrivate => Duration::from_secs(5),
            Self::BanPublic | Self::Logout | Self::Disable => Duration::from_secs(10),
        }
    }

    /// Whether it takes place in a private room.
    pub(super) const fn is_private(self) -> bool {
        matches!(
            self,
            Self::LeavePrivate | Self::KickPrivate | Self::BanPrivate
        )
    }

    /// Whether it ends access to everything, not to one room alone.
    pub(super) const fn ends_all(self) -> bool {
        matches!(self, Self::Logout | Self::Disable)
    }

    /// Does it, and returns once it is answered. False: it was tried more than
    /// once, so that nobody knows when it was done.
    pub(super) async fn perform(self, scene: &Scene<'_>) -> anyhow::Result<bool> {
        let member = json!({ "room": scene.room, "user": scene.victim.id });
        let (who, query, variables) = match self {
            Self::LeavePrivate => (
                scene.victim,
                "mutation($room: ID!) { leaveRoom(roomId: $room) }",
                json!({ "room": scene.room }),
            ),
            Self::KickPrivate => (
                scene.owner,
                "mutation($room: ID!, $user: ID!) { kickMember(roomId: $room, userId: $user) }",
                member,
            ),
            Self::BanPrivate | Self::BanPublic => (
                scene.owner,
                "mutation($input: BanMemberInput!) { banMember(input: $input) }",
                json!({ "input": { "roomId": scene.room, "userId": scene.victim.id } }),
            ),
            Self::Logout => (scene.victim, "mutation { logout }", json!({})),
            Self::Disable => {
                scene.stack.admin(&["disable", &scene.victim.name]).await?;
                return Ok(true);
            }
        };
        match who.ask(query, &variables).await {
            Ok(_) => Ok(true),
            Err(AskError::Away(_)) => match who.insist(query, &variables, PATIENCE).await {
                // Refused: it was done the first time.
                Ok(_) | Err(AskError::Refused { .. } | AskError::Unauthenticated) => Ok(false),
                Err(away) => Err(away).context(self.name()),
            },
            Err(error) => Err(error).context(self.name()),
        }
    }

    /// Makes up for it, so that the same person can be put out again; who was
    /// logged out signs in anew.
    pub(super) async fn undo(self, scene: &Scene<'_>) -> anyhow::Result<()> {
        match self {
            Self::BanPrivate | Self::BanPublic => {
                let query = "mutation($room: ID!, $user: ID!) { unbanMember(roomId: $room, userId: $user) }";
                let member = json!({ "room": scene.room, "user": scene.victim.id });
                scene.owner.insist(query, &member, PATIENCE).await?;
            }
            Self::Disable => scene.stack.admin(&["enable", &scene.victim.name]).await?,
            Self::LeavePrivate | Self::KickPrivate | Self::Logout => {}
        }
        Ok(())
    }
}
