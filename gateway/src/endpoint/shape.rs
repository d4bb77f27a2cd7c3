//! Bounds of a parsed document, checked before validation walks it: a
//! fragment that is spread twice by another, and that by a third, makes the
//! library's own walks exponential.

use std::collections::HashMap;

use async_graphql::{
    Name,
    parser::types::{
        DocumentOperations, ExecutableDocument, OperationType, Selection, SelectionSet,
    },
};
use plaza_types::{ApiError, Code};

use crate::LimitsArgs;

/// What a selection comes to with its fragments put in.
#[derive(Debug, Clone, Copy, Default)]
struct Weight {
    selections: usize,
    aliases: usize,
    directives: usize,
}

impl Weight {
    const fn plus(self, other: Self) -> Self {
        Self {
            selections: self.selections.saturating_add(other.selections),
            aliases: self.aliases.saturating_add(other.aliases),
            directives: self.directives.saturating_add(other.directives),
        }
    }
}

/// Weighs each fragment once.
struct Scale<'d> {
    document: &'d ExecutableDocument,
    /// None: being weighed now.
    fragments: HashMap<&'d Name, Option<Weight>>,
}

fn refuse<T>(message: &str) -> Result<T, ApiError> {
    Err(ApiError::new(Code::BadUserInput, message))
}

impl<'d> Scale<'d> {
    fn weigh(&mut self, set: &'d SelectionSet) -> Result<Weight, ApiError> {
        let mut total = Weight::default();
        for item in &set.items {
            let (directives, alias, inner) = match &item.node {
                Selection::Field(field) => (
                    field.node.directives.len(),
                    usize::from(field.node.alias.is_some()),
                    self.weigh(&field.node.selection_set.node)?,
                ),
                Selection::InlineFragment(fragment) => (
                    fragment.node.directives.len(),
                    0,
                    self.weigh(&fragment.node.selection_set.node)?,
                ),
                Selection::FragmentSpread(spread) => (
                    spread.node.directives.len(),
                    0,
                    self.fragment(&spread.node.fragment_name.node)?,
                ),
            };
            total = total.plus(inner).plus(Weight {
                selections: 1,
                aliases: alias,
                directives,
            });
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &Name) -> Result<Weight, ApiError> {
        // An unknown fragment is for validation to name.
        let Some((name, fragment)) = self.document.fragments.get_key_value(name) else {
            return Ok(Weight::default());
        };
        match self.fragments.get(name) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return refuse("A fragment contains itself."),
            None => {}
        }
        self.fragments.insert(name, None);
        let weight = self.weigh(&fragment.node.selection_set.node)?;
        let weight = weight.plus(Weight {
            directives: fragment.node.directives.len(),
            ..Weight::default()
        });
        self.fragments.insert(name, Some(weight));
        Ok(weight)
    }
}

/// Refuses a document whose operations or fragments come to more than the limits.
pub(super) fn check(document: &ExecutableDocument, limits: &LimitsArgs) -> Result<(), ApiError> {
    if document.operations.iter().len() > limits.graphql_max_operations {
        return refuse("There are too many operations in this document.");
    }
    let mut scale = Scale {
        document,
        fragments: HashMap::new(),
    };
    let mut sets: Vec<(usize, Weight)> = Vec::new();
    for (_, operation) in document.operations.iter() {
        let weight = scale.weigh(&operation.node.selection_set.node)?;
        sets.push((operation.node.directives.len(), weight));
    }
    // Validation walks unused fragments too.
    for name in document.fragments.keys() {
        sets.push((0, scale.fragment(name)?));
    }
    for (directives, weight) in sets {
        if weight.selections > limits.graphql_max_complexity {
            return refuse("The query is too complex. Ask for fewer fields or smaller pages.");
        }
        if weight.aliases > limits.graphql_max_aliases {
            return refuse("There are too many aliases in this query.");
        }
        if weight.directives + directives > limits.graphql_max_directives {
            return refuse("There are too many directives in this query.");
        }
    }
    Ok(())
}

/// Mutations that work whatever the access token is.
const OPEN: [&str; 5] = [
    "register",
    "login",
    "refreshSession",
    "logout",
    "__typename",
];

/// Whether the operation does anything that needs a valid session. Call it
/// after [`check`].
pub(super) fn needs_session(document: &ExecutableDocument, name: Option<&str>) -> bool {
    let operation = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) => operations.values().next(),
    };
    let Some(operation) = operation else {
        return true;
    };
    operation.node.ty != OperationType::Mutation
        || !only_open(document, &operation.node.selection_set.node)
}

fn only_open(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    set.items.iter().all(|item| match &item.node {
        Selection::Field(field) => OPEN.contains(&field.node.name.node.as_str()),
        Selection::InlineFragment(fragment) => {
            only_open(document, &fragment.node.selection_set.node)
        }
        Selection::FragmentSpread(spread) => document
            .fragments
            .get(&spread.node.fragment_name.node)
            .is_some_and(|fragment| only_open(document, &fragment.node.selection_set.node)),
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use async_graphql::parser::parse_query;

    use super::*;

    const LIMITS: LimitsArgs = LimitsArgs {
        graphql_max_query_bytes: 16_384,
        graphql_max_depth: 16,
        graphql_max_complexity: 1_000,
        graphql_max_aliases: 3,
        graphql_max_directives: 3,
        graphql_max_operations: 2,
    };

    fn checked(query: &str) -> Result<(), String> {
        check(&parse_query(query).unwrap(), &LIMITS).map_err(|error| error.message)
    }

    #[test]
    fn a_bomb_of_fragments_is_weighed_without_being_unfolded() {
        let mut bomb = String::from("{ ...f0 }");
        for level in 0..100 {
            let next = level + 1;
            let _ = write!(
                bomb,
                " fragment f{level} on Query {{ ...f{next} ...f{next} }}"
            );
        }
        bomb.push_str(" fragment f100 on Query { me { id } }");
        assert!(checked(&bomb).unwrap_err().contains("too complex"));
    }

    #[test]
    fn a_fragment_that_contains_itself_is_refused() {
        let circle =
            "{ me { id } } fragment A on Query { ...B ...B } fragment B on Query { ...A ...A }";
        assert!(checked(circle).unwrap_err().contains("contains itself"));
    }

    #[test]
    fn aliases_and_directives_count_wherever_they_come_from() {
        assert!(checked("{ a: me { id } b: me { id } c: me { id } }").is_ok());
        assert!(checked("{ a: me { id } b: me { id } c: me { id } d: me { id } }").is_err());
        let spread = "{ a: me { ...F } b: me { ...F } } fragment F on User { x: id }";
        assert!(checked(spread).is_err(), "2 and 2 from the fragment");
        assert!(checked("{ me @a @b { id @c } }").is_ok());
        assert!(checked("{ me @a @b { id @c @d } }").is_err());
        assert!(checked("query Q @a @b { me @c @d { id } }").is_err());
    }

    #[test]
    fn operations_are_bounded() {
        assert!(checked("query A { me { id } } query B { me { id } }").is_ok());
        assert!(
            checked("query A { me { id } } query B { me { id } } query C { me { id } }").is_err()
        );
    }

    #[test]
    fn only_signing_in_and_out_needs_no_session() {
        let needs = |query: &str, name| needs_session(&parse_query(query).unwrap(), name);
        assert!(!needs(
            "mutation { logout refreshSession { accessToken } }",
            None
        ));
        assert!(!needs(
            "mutation { ...F } fragment F on Mutation { logout }",
            None
        ));
        assert!(needs("mutation { logout leaveRoom(roomId: 1) }", None));
        assert!(needs("{ me { id } }", None));
        let two = "mutation A { logout } mutation B { leaveRoom(roomId: 1) }";
        assert!(!needs(two, Some("A")));
        assert!(needs(two, Some("B")));
        assert!(needs(two, Some("C")));
    }
}
