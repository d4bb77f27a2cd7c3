//! What an error leaves of the data, as the specification has it (October
//! 2021, 6.4.4): the field that failed is null, and where it may not be null
//! its parent is. The library leaves a failed field out instead.

use std::collections::HashMap;

use async_graphql::{
    Name, PathSegment, Response as Answer, Value,
    parser::{
        parse_query, parse_schema,
        types::{
            BaseType, DocumentOperations, ExecutableDocument, OperationType, Selection,
            SelectionSet, Type, TypeKind, TypeSystemDefinition,
        },
    },
};

/// The type of every field of every object type.
pub(crate) struct Types(HashMap<Name, HashMap<Name, Type>>);

impl Types {
    /// Of a schema in GraphQL's own language.
    pub(crate) fn new(sdl: &str) -> Self {
        let definitions = parse_schema(sdl).map_or_else(
            |error| {
                tracing::error!(%error, "the schema cannot be read");
                Vec::new()
            },
            |schema| schema.definitions,
        );
        let objects = definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(ty) = definition else {
                return None;
            };
            let TypeKind::Object(object) = ty.node.kind else {
                return None;
            };
            let fields = object
                .fields
                .into_iter()
                .map(|field| (field.node.name.node, field.node.ty.node))
                .collect();
            Some((ty.node.name.node, fields))
        });
        Self(objects.collect())
    }

    /// Puts the nulls of the answer's errors in.
    pub(crate) fn settle(&self, query: &str, operation: Option<&str>, answer: &mut Answer) {
        let Ok(document) = parse_query(query) else {
            return;
        };
        let operation = match (&document.operations, operation) {
            (DocumentOperations::Single(operation), _) => Some(operation),
            (DocumentOperations::Multiple(all), Some(name)) => all.get(name),
            (DocumentOperations::Multiple(all), None) => all.values().next(),
        };
        let Some(operation) = operation else {
            return;
        };
        let root = Name::new(match operation.node.ty {
            OperationType::Mutation => "Mutation",
            _ => "Query",
        });
        let paths = || answer.errors.iter().map(|error| error.path.as_slice());
        for path in paths() {
            fill(&mut answer.data, path);
        }
        let walk = Walk {
            types: self,
            document: &document,
        };
        let sets = [&operation.node.selection_set.node];
        for path in paths() {
            if walk.object(&mut answer.data, &root, &sets, path) {
                answer.data = Value::Null;
                return;
            }
        }
    }
}

/// Makes a place for each failed field, which the library left out, and with
/// it an object that had no other field.
fn fill(value: &mut Value, path: &[PathSegment]) {
    match path {
        [] => {}
        [PathSegment::Index(index), rest @ ..] => {
            if let Value::List(items) = value
                && let Some(item) = items.get_mut(*index)
            {
                fill(item, rest);
            }
        }
        [PathSegment::Field(key), rest @ ..] => {
            if *value == Value::Null {
                *value = Value::Object(async_graphql::indexmap::IndexMap::new());
            }
            if let Value::Object(fields) = value {
                fill(fields.entry(Name::new(key)).or_insert(Value::Null), rest);
            }
        }
    }
}

/// Each step tells whether its value had to become null where it may not be.
struct Walk<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
}

impl<'a> Walk<'a> {
    fn object(
        &self,
        value: &mut Value,
        of: &Name,
        sets: &[&'a SelectionSet],
        path: &[PathSegment],
    ) -> bool {
        // Null already: an error beside this one has seen to it.
        let (Value::Object(fields), [PathSegment::Field(key), rest @ ..]) = (value, path) else {
            return false;
        };
        let mut found = Vec::new();
        for set in sets {
            self.selected(set, key, &mut found);
        }
        let Some((name, _)) = found.first() else {
            return false;
        };
        let below: Vec<_> = found.iter().map(|(_, set)| *set).collect();
        match (
            self.types.0.get(of).and_then(|fields| fields.get(*name)),
            fields.get_mut(key.as_str()),
        ) {
            (Some(ty), Some(value)) => self.value(value, ty, &below, rest),
            _ => false,
        }
    }

    fn value(
        &self,
        value: &mut Value,
        ty: &Type,
        sets: &[&'a SelectionSet],
        path: &[PathSegment],
    ) -> bool {
        let lost = match (&ty.base, path) {
            (_, []) => true,
            (BaseType::Named(of), _) => self.object(value, of, sets, path),
            (BaseType::List(item), [PathSegment::Index(index), rest @ ..]) => match value {
                Value::List(items) => items
                    .get_mut(*index)
                    .is_some_and(|value| self.value(value, item, sets, rest)),
                // An item that failed took its list along.
                _ => !item.nullable,
            },
            (BaseType::List(_), _) => false,
        };
        if lost {
            *value = Value::Null;
        }
        lost && !ty.nullable
    }

    /// The fields that answer under a key, also those in fragments.
    fn selected(
        &self,
        set: &'a SelectionSet,
        key: &str,
        found: &mut Vec<(&'a Name, &'a SelectionSet)>,
    ) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    if field.node.response_key().node.as_str() == key {
                        found.push((&field.node.name.node, &field.node.selection_set.node));
                    }
                }
                Selection::InlineFragment(fragment) => {
                    self.selected(&fragment.node.selection_set.node, key, found);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) =
                        self.document.fragments.get(&spread.node.fragment_name.node)
                    {
                        self.selected(&fragment.node.selection_set.node, key, found);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::ServerError;
    use serde_json::{Value as Json, json};

    use super::*;

    const SDL: &str = "type Query { room: Room rooms: [Room!]! some: [Room]! me: String } \
                       type Room { id: ID! name: String! last: Room author: String }";

    fn settled(query: &str, data: Json, paths: &[Json]) -> Json {
        let mut answer = Answer::new(Value::from_json(data).unwrap());
        answer.errors = paths
            .iter()
            .map(|path| {
                ServerError::new("x", None).with_path(serde_json::from_value(path.clone()).unwrap())
            })
            .collect();
        Types::new(SDL).settle(query, None, &mut answer);
        answer.data.into_json().unwrap()
    }

    #[test]
    fn a_field_that_may_be_null_is_null() {
        assert_eq!(
            settled(
                "{ me a: room { id author } }",
                json!({ "a": { "id": 1 } }),
                &[json!(["me"]), json!(["a", "author"])]
            ),
            json!({ "me": null, "a": { "id": 1, "author": null } })
        );
        assert_eq!(
            settled("{ me }", json!(null), &[json!(["me"])]),
            json!({ "me": null })
        );
        assert_eq!(
            settled(
                "{ rooms { author } }",
                json!({ "rooms": [null] }),
                &[json!(["rooms", 0, "author"])]
            ),
            json!({ "rooms": [{ "author": null }] })
        );
    }

    #[test]
    fn a_field_that_may_not_takes_its_parent_along() {
        assert_eq!(
            settled(
                "{ me room { id ...F } } fragment F on Room { n: name }",
                json!({ "me": "a", "room": { "id": 1 } }),
                &[json!(["room", "n"])]
            ),
            json!({ "me": "a", "room": null })
        );
        assert_eq!(
            settled(
                "{ room { id last { id name } } }",
                json!({ "room": { "id": 1, "last": { "id": 2 } } }),
                &[json!(["room", "last", "name"])]
            ),
            json!({ "room": { "id": 1, "last": null } })
        );
    }

    #[test]
    fn an_item_takes_its_list_along_unless_it_may_be_null() {
        assert_eq!(
            settled(
                "{ me rooms { id name } }",
                json!({ "me": "a", "rooms": [{ "id": 1 }] }),
                &[json!(["rooms", 0, "name"])]
            ),
            json!(null)
        );
        assert_eq!(
            settled(
                "{ some { id name } }",
                json!({ "some": [{ "id": 1 }, { "id": 2, "name": "b" }] }),
                &[json!(["some", 0, "name"])]
            ),
            json!({ "some": [null, { "id": 2, "name": "b" }] })
        );
    }

    #[test]
    fn errors_beside_each_other_do_not_bring_a_null_back() {
        let paths = [
            json!(["room", "name"]),
            json!(["room", "author"]),
            json!(["room", "id"]),
        ];
        assert_eq!(
            settled(
                "{ room { id name author } }",
                json!({ "room": null }),
                &paths
            ),
            json!({ "room": null })
        );
    }

    #[test]
    fn an_error_of_the_whole_request_leaves_no_data() {
        assert_eq!(settled("{ me }", json!(null), &[json!([])]), json!(null));
    }
}
