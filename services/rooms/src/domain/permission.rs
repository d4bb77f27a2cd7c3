//! Who may do what to whom: a role acts on lower roles only, and gives only
//! roles below its own; an owner may make owners.

use plaza_types::Role;

/// What somebody does in a room as one of its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    /// Changes name, topic or visibility.
    Update,
    /// Deletes the room.
    Delete,
    /// Gives another member another role.
    SetRole,
    /// Ends a membership.
    Kick,
    /// Keeps somebody out, lets them in again, and sees who is kept out.
    Ban,
    /// Lets a member read only.
    Mute,
    /// Invites, and sees and ends invitations.
    Invite,
    /// Deletes what another wrote.
    DeleteMessages,
}

/// Why an act is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    /// Only members act.
    #[error("the caller is not a member")]
    NotMember,
    /// A higher role is needed.
    #[error("the caller is no {0}")]
    Needs(Role),
    /// The other's role is not lower.
    #[error("the other's role is not lower")]
    NotLower,
    /// The role is not the caller's to give.
    #[error("the role is not below the caller's own")]
    NotBelowOwn,
    /// Nobody would own the room.
    #[error("the caller is the last owner")]
    LastOwner,
}

impl Act {
    /// The lowest role that may do it.
    const fn needs(self) -> Role {
        match self {
            Self::Delete => Role::Owner,
            Self::Update | Self::SetRole => Role::Admin,
            Self::Kick | Self::Ban | Self::Mute | Self::Invite | Self::DeleteMessages => {
                Role::Moderator
            }
        }
    }
}

/// Whether somebody may do it at all; gives their role.
pub(crate) fn permit(role: Option<Role>, act: Act) -> Result<Role, Denied> {
    let role = role.ok_or(Denied::NotMember)?;
    if role < act.needs() {
        return Err(Denied::Needs(act.needs()));
    }
    Ok(role)
}

/// Whether somebody with this role may do it to another; none: no member.
pub(crate) fn permit_on(role: Option<Role>, act: Act, other: Option<Role>) -> Result<Role, Denied> {
    let role = permit(role, act)?;
    if other.is_some_and(|other| other >= role) {
        return Err(Denied::NotLower);
    }
    Ok(role)
}

/// Whether somebody may give another member a role.
pub(crate) fn permit_role(role: Option<Role>, other: Role, to: Role) -> Result<(), Denied> {
    let role = permit_on(role, Act::SetRole, Some(other))?;
    if to < role || role == Role::Owner {
        Ok(())
    } else {
        Err(Denied::NotBelowOwn)
    }
}

/// Whether a member may take this role in place of their own: everybody may
/// step down, but for the last owner.
pub(crate) fn permit_own_role(role: Role, to: Role, owners: i64) -> Result<(), Denied> {
    if to > role {
        Err(Denied::NotBelowOwn)
    } else if role == Role::Owner && to < role && owners <= 1 {
        Err(Denied::LastOwner)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 4] = [Role::Member, Role::Moderator, Role::Admin, Role::Owner];

    #[test]
    fn nobody_acts_on_an_equal_or_a_higher_role() {
        for act in [Act::SetRole, Act::Kick, Act::Ban, Act::Mute] {
            for role in ROLES {
                for other in ROLES {
                    let may = permit_on(Some(role), act, Some(other)).is_ok();
                    assert_eq!(
                        may,
                        role >= act.needs() && role > other,
                        "{role} {act:?} {other}"
                    );
                }
            }
            assert_eq!(permit_on(None, act, None), Err(Denied::NotMember));
        }
    }

    #[test]
    fn a_role_gives_those_below_it_and_an_owner_all() {
        for role in [Role::Admin, Role::Owner] {
            for other in ROLES {
                for to in ROLES {
                    let may = permit_role(Some(role), other, to).is_ok();
                    let gives = to < role || role == Role::Owner;
                    assert_eq!(may, other < role && gives, "{role} makes {other} {to}");
                }
            }
        }
        let moderator = permit_role(Some(Role::Moderator), Role::Member, Role::Member);
        assert_eq!(moderator, Err(Denied::Needs(Role::Admin)));
    }

    #[test]
    fn everybody_steps_down_but_the_last_owner() {
        assert_eq!(permit_own_role(Role::Admin, Role::Member, 1), Ok(()));
        assert_eq!(permit_own_role(Role::Admin, Role::Admin, 1), Ok(()));
        let up = permit_own_role(Role::Admin, Role::Owner, 1);
        assert_eq!(up, Err(Denied::NotBelowOwn));
        assert_eq!(permit_own_role(Role::Owner, Role::Owner, 1), Ok(()));
        let last = permit_own_role(Role::Owner, Role::Admin, 1);
        assert_eq!(last, Err(Denied::LastOwner));
        assert_eq!(permit_own_role(Role::Owner, Role::Admin, 2), Ok(()));
    }
}
