//! Objects of which one answer has many, resolved in place. The library makes a
//! future on the heap of each field, and each goes through a set of waiting ones
//! and through the schema's extensions: of a page of 50 messages some 800, half
//! of what the page costs the gateway. Here the fields without a selection of
//! their own, which seldom wait for anything, are awaited one after another,
//! and only the others together (decision 14).

use std::borrow::Cow;

use async_graphql::{
    ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::IndexMap,
    parser::types::{Field, Selection, SelectionSet},
    registry::Registry,
    resolver_utils::resolve_container,
};
use futures::future::join_all;

/// The same type to whoever asks, with its fields resolved in place.
#[derive(Debug, Clone)]
pub(crate) struct Inline<T>(pub(crate) T);

impl<T: ContainerType> OutputType for Inline<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn qualified_type_name() -> String {
        T::qualified_type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(
        &self,
        ctx: &ContextSelectionSet<'_>,
        _field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let mut fields = Vec::new();
        if !collect(ctx, &T::type_name(), ctx.item, &mut fields) {
            return resolve_container(ctx, &self.0).await;
        }
        // In the order of the selection; none: it failed.
        let mut answers: Vec<Option<Value>> = Vec::with_capacity(fields.len());
        let mut waiting = Vec::new();
        for (index, &field) in fields.iter().enumerate() {
            if field.node.selection_set.node.items.is_empty() {
                let ctx_field = ctx.with_field(field);
                answers.push(kept(ctx, self.0.resolve_field(&ctx_field).await));
            } else {
                answers.push(None);
                waiting.push(async move {
                    let ctx_field = ctx.with_field(field);
                    (index, self.0.resolve_field(&ctx_field).await)
                });
            }
        }
        for (index, answer) in join_all(waiting).await {
            answers[index] = kept(ctx, answer);
        }
        let keys = fields.iter().map(|field| field.node.response_key());
        let object: IndexMap<Name, Value> = keys
            .zip(answers)
            .filter_map(|(key, answer)| Some((key.node.clone(), answer?)))
            .collect();
        Ok(if object.is_empty() {
            Value::Null
        } else {
            Value::Object(object)
        })
    }
}

/// What a field answered; an error is noted, as the library does.
fn kept(ctx: &ContextSelectionSet<'_>, answer: ServerResult<Option<Value>>) -> Option<Value> {
    match answer {
        Ok(value) => Some(value.unwrap_or_default()),
        Err(error) => {
            ctx.add_error(error);
            None
        }
    }
}

/// Collects the fields that are selected of a type; false: with more than plain
/// fields and fragments of this type, which is for the library.
fn collect<'a>(
    ctx: &ContextSelectionSet<'a>,
    type_name: &str,
    set: &'a Positioned<SelectionSet>,
    fields: &mut Vec<&'a Positioned<Field>>,
) -> bool {
    set.node
        .items
        .iter()
        .all(|selection| match &selection.node {
            Selection::Field(field) => {
                let key = &field.node.response_key().node;
                let is_plain = field.node.directives.is_empty()
                    && field.node.name.node != "__typename"
                    && fields
                        .iter()
                        .all(|other| other.node.response_key().node != *key);
                fields.push(field);
                is_plain
            }
            Selection::FragmentSpread(spread) => {
                let fragments = &ctx.query_env.fragments;
                fragments
                    .get(&spread.node.fragment_name.node)
                    .is_some_and(|fragment| {
                        fragment.node.type_condition.node.on.node == type_name
                            && collect(ctx, type_name, &fragment.node.selection_set, fields)
                    })
            }
            Selection::InlineFragment(_) => false,
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unused_async, reason = "every resolver is async")]

    use async_graphql::{EmptyMutation, EmptySubscription, Object, Result, Schema, SimpleObject};

    use super::*;

    #[derive(Clone, Copy)]
    struct Leaf;

    #[Object]
    impl Leaf {
        async fn name(&self) -> &str {
            "leaf"
        }
    }

    #[derive(Clone, Copy)]
    struct Node(i32);

    #[Object]
    impl Node {
        async fn number(&self) -> i32 {
            self.0
        }

        async fn later(&self, by: i32) -> i32 {
            tokio::task::yield_now().await;
            self.0 + by
        }

        async fn optional(&self) -> Option<i32> {
            None
        }

        async fn odd(&self) -> Result<i32> {
            if self.0 % 2 == 1 {
                Ok(self.0)
            } else {
                Err("even".into())
            }
        }

        async fn leaf(&self) -> Result<Inline<Leaf>> {
            tokio::task::yield_now().await;
            if self.0 == 2 {
                Err("no leaf".into())
            } else {
                Ok(Inline(Leaf))
            }
        }
    }

    #[derive(SimpleObject)]
    struct Query {
        inline: Vec<Inline<Node>>,
        usual: Vec<Node>,
    }

    /// What each way answers to the same selection, with the errors.
    async fn both(selection: &str, fragments: &str) -> [(Value, Vec<String>); 2] {
        let nodes = [1, 2, 3].map(Node);
        let query = Query {
            inline: nodes.map(Inline).to_vec(),
            usual: nodes.to_vec(),
        };
        let schema = Schema::build(query, EmptyMutation, EmptySubscription).finish();
        let mut answers = Vec::new();
        for field in ["inline", "usual"] {
            let text = format!("{{ {field} {selection} }} {fragments}");
            let answer = schema.execute(text).await;
            let Value::Object(mut data) = answer.data else {
                panic!("{:?}", answer.errors);
            };
            let mut errors: Vec<_> = answer
                .errors
                .iter()
                .map(|error| format!("{} {:?}", error.message, &error.path[1..]))
                .collect();
            errors.sort();
            answers.push((data.swap_remove(field).unwrap(), errors));
        }
        answers.try_into().unwrap()
    }

    #[tokio::test]
    async fn it_answers_what_the_library_answers() {
        for (selection, fragments) in [
            ("{ number optional leaf { name } later(by: 2) }", ""),
            ("{ a: number b: number leaf { n: name __typename } }", ""),
            ("{ odd leaf { name } number }", ""),
            ("{ odd }", ""),
            ("{ __typename number }", ""),
            (
                "{ number ...F }",
                "fragment F on Node { leaf { ...G } } fragment G on Leaf { name }",
            ),
            ("{ ... on Node { number } optional }", ""),
            ("{ number leaf { name } leaf { other: name } number }", ""),
            ("{ number @skip(if: true) optional @include(if: true) }", ""),
        ] {
            let [inline, usual] = both(selection, fragments).await;
            assert_eq!(inline, usual, "{selection}");
        }
    }

    #[tokio::test]
    async fn fields_stand_in_the_order_of_the_selection() {
        let [(Value::List(inline), _), _] = both("{ leaf { name } number }", "").await else {
            panic!("no list");
        };
        let Some(Value::Object(first)) = inline.first() else {
            panic!("no object");
        };
        let keys: Vec<_> = first.keys().map(Name::as_str).collect();
        assert_eq!(keys, ["leaf", "number"]);
    }
}
