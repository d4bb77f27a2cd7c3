//! The schema: one file a query, a mutation and a type. Resolvers call the
//! services as the caller, and fail with an [`plaza_types::ApiError`].

mod ahead;
mod context;
mod cost;
mod inline;
mod input;
mod loaders;
mod metered;
mod mutations;
mod page;
mod queries;
mod scalars;
mod types;

use async_graphql::{EmptySubscription, SDLExportOptions, Schema as Built};

pub(crate) use context::{Gateway, Identity, RequestContext};

use crate::LimitsArgs;
use mutations::Mutation;
use queries::Query;

/// The schema; each request brings its [`RequestContext`].
pub(crate) type Schema = Built<Query, Mutation, EmptySubscription>;

/// Builds it. `dev` allows introspection and suggestions.
pub(crate) fn build(limits: LimitsArgs, dev: bool) -> Schema {
    let schema = Built::build(Query::default(), Mutation::default(), EmptySubscription)
        .limit_depth(limits.graphql_max_depth)
        .limit_complexity(limits.graphql_max_complexity)
        .limit_directives(limits.graphql_max_directives)
        .extension(metered::Metered);
    if dev {
        schema.finish()
    } else {
        schema
            .disable_introspection()
            .disable_suggestions()
            .finish()
    }
}

/// The schema in GraphQL's own language, as `gateway/schema.graphql` has it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .use_space_ident()
        .prefer_single_line_descriptions();
    let sdl = Schema::new(Query::default(), Mutation::default(), EmptySubscription)
        .sdl_with_options(options);
    format!("{}\n", sdl.trim_end())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_schema_is_the_present_one() {
        let committed = include_str!("../../schema.graphql");
        assert!(
            super::sdl() == committed,
            "gateway/schema.graphql is out of date: write it anew with `plaza schema`"
        );
    }
}
