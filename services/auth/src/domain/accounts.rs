//! Accounts as administrators see them.

use chrono::{DateTime, Utc};
use plaza_types::UserId;

/// An account as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub id: UserId,
    /// The name for mentions.
    pub username: String,
    /// The name to read.
    pub display_name: String,
    /// Whether it is an administrator.
    pub admin: bool,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Since when it is disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// How many devices are signed in.
    pub sessions: i64,
}

/// Which accounts to list, in the order of their names without regard to case.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    /// Administrators alone.
    pub admins: bool,
    /// Disabled accounts alone.
    pub disabled: bool,
    /// Those behind this name.
    pub after: Option<String>,
    /// How many.
    pub limit: u16,
}
