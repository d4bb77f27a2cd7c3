//! Whatever is wrong with what a mutation is given: the answer is a clear
//! coded error, and nothing is stored.

mod endpoints;
mod faults;
mod messages;
mod moderation;
mod people;
mod requests;
mod rooms;

use serde_json::Value;

use crate::support::{Answer, Person, Plaza};
use faults::{Mutation, faults, is_fine};

/// Every mutation that takes something; `member` is one of the room.
fn mutations(room: &str, message: &str, member: &str, session: &str) -> Vec<Mutation> {
    let mut mutations = rooms::mutations(room);
    mutations.extend(moderation::mutations(room, member));
    mutations.extend(people::mutations(session));
    mutations.extend(messages::mutations(room, message));
    mutations
}

#[test]
fn every_mutation_that_takes_something_is_tried() {
    let schema = include_str!("../../../../gateway/schema.graphql");
    let named = schema
        .lines()
        .skip_while(|line| *line != "type Mutation {")
        .take_while(|line| *line != "}")
        .filter_map(|line| line.strip_prefix("  ")?.split_once('('))
        .map(|(name, _)| name)
        .filter(|name| name.chars().all(char::is_alphabetic));
    let mutations = mutations("", "", "", "");
    let mut count = 0;
    for name in named {
        let call = format!(" {name}(");
        let is_tried = |mutation: &Mutation| mutation.document.contains(&call);
        assert!(mutations.iter().any(is_tried), "{name} is not tried");
        count += 1;
    }
    assert!(count > 20, "the schema has {count} mutations");
}

/// The variables with one place replaced by raw JSON text.
fn broken(good: &Value, at: &str, fault: &str) -> String {
    const PLACE: &str = "\"the place of the fault\"";
    let mut variables = good.clone();
    if let Some(place) = variables.pointer_mut(at) {
        *place = Value::from("the place of the fault");
    } else {
        let (parent, field) = at.rsplit_once('/').expect("a pointer");
        variables.pointer_mut(parent).expect("the parent")[field] =
            Value::from("the place of the fault");
    }
    variables.to_string().replacen(PLACE, fault, 1)
}

async fn ask(plaza: &Plaza, who: &Person, document: &str, variables: &str) -> Answer {
    let body = format!(
        "{{\"query\":{},\"variables\":{variables}}}",
        Value::from(document)
    );
    plaza
        .request(&Value::Null, |request| {
            request.bearer_auth(&who.token).body(body)
        })
        .await
}

#[track_caller]
fn assert_refused(answer: &Answer, what: &str) {
    let code = answer.code();
    assert!(
        matches!(code, "BAD_USER_INPUT" | "NOT_FOUND" | "UNAUTHENTICATED"),
        "{what}: {code}: {:#}",
        answer.json
    );
    let message = answer.json["errors"][0]["message"]
        .as_str()
        .unwrap_or_default();
    assert!(
        !message.is_empty() && message.len() < 500,
        "{what}: the message is {message:?}"
    );
    for internal in [
        "sqlx",
        "postgres",
        "panick",
        "serde",
        "reqwest",
        "127.0.0.1",
    ] {
        assert!(
            !message.to_lowercase().contains(internal),
            "{what}: the message tells internals: {message}"
        );
    }
    let length = answer.json.to_string().len();
    assert!(
        length < 4_000,
        "{what}: the answer repeats the input, {length} bytes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_a_code_and_changes_nothing() {
    let plaza = Plaza::start().await;
    let ada = plaza.person().await;
    let room = ada.creates_room(&plaza, "Bad input").await;
    let message = ada.sends(&plaza, &room, "the first").await["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let member = plaza.person().await;
    member.joins(&plaza, &room).await;

    let before = plaza.stored().await;
    let mut tried = 0;
    let sessions = "{ sessions { id } }";
    let session =
        member.ask(&plaza, sessions, Value::Null).await.data()["sessions"][0]["id"].clone();
    let session = session.as_str().unwrap();
    for mutation in mutations(&room, &message, &member.id.to_string(), session) {
        for input in &mutation.inputs {
            let mut faults = faults(input.rule);
            if !input.optional {
                faults.push(("null", "null".to_owned()));
            }
            for (fault, text) in faults {
                if is_fine(&mutation, input, fault) {
                    continue;
                }
                let answer = ask(
                    &plaza,
                    &ada,
                    mutation.document,
                    &broken(&mutation.good, input.at, &text),
                )
                .await;
                assert_refused(
                    &answer,
                    &format!("{} with {fault} at {}", mutation.name, input.at),
                );
                tried += 1;
            }
            if !input.optional {
                let mut variables = mutation.good.clone();
                let (parent, field) = input.at.rsplit_once('/').expect("a pointer");
                let parent = if parent.is_empty() {
                    &mut variables
                } else {
                    variables.pointer_mut(parent).expect("the parent")
                };
                parent.as_object_mut().expect("an object").remove(field);
                let answer = ask(&plaza, &ada, mutation.document, &variables.to_string()).await;
                assert_refused(&answer, &format!("{} without {}", mutation.name, input.at));
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "only {tried} faults were tried");
    assert_eq!(before, plaza.stored().await);
}
