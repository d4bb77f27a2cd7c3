use std::collections::HashSet;

use async_graphql::{Context, ID, Object, Result};
use plaza_types::{ApiError, UserId};

use crate::graph::{context::signed_in, input::named, types::User};

/// Most users of one query.
const MOST: usize = 100;

#[derive(Default)]
pub(super) struct Users;

#[Object]
impl Users {
    /// Users by id, at most 100, in the order asked for; unknown ones are left out.
    #[graphql(complexity = "1 + ids.len() * child_complexity")]
    async fn users(&self, ctx: &Context<'_>, ids: Vec<ID>) -> Result<Vec<User>> {
        let (_, session) = signed_in(ctx)?;
        if ids.len() > MOST {
            let message = format!("ids can have at most {MOST} entries.");
            return Err(ApiError::bad_input("ids", message).into());
        }
        let mut seen = HashSet::new();
        let wanted: Vec<UserId> = ids
            .iter()
            .filter_map(named)
            .filter(|id| seen.insert(*id))
            .collect();
        let mut found = session.loaders.users(wanted.clone()).await?;
        Ok(wanted
            .iter()
            .filter_map(|id| found.remove(id))
            .map(User::from)
            .collect())
    }
}
