//! A Centrifugo that fails as it is told to, and remembers what it took.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use plaza_centrifugo::Channel;
use serde_json::{Value, json};

use crate::fixture::{SOON, name, serve};

/// What it does with a publication.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    /// Takes it.
    Take,
    /// Answers with this error, without taking it.
    Refuse(u32),
}

impl Fate {
    /// An error that may be over soon, or none.
    pub(crate) const fn failing_if(fails: bool) -> Self {
        if fails { Self::Refuse(100) } else { Self::Take }
    }
}

type Rule = Box<dyn FnMut(&str, &str) -> Fate + Send>;

#[derive(Clone, Default)]
pub(crate) struct FakeCentrifugo {
    state: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    rule: Option<Rule>,
    /// Calls whose answer is lost, although they were done.
    lost_answers: usize,
    away: bool,
    calls: usize,
    taken: HashMap<String, Vec<String>>,
    /// Events of each publication that the channel took.
    sizes: HashMap<String, Vec<usize>>,
    /// When the channel took which events.
    at: HashMap<String, Vec<(Instant, Value)>>,
}

impl FakeCentrifugo {
    /// Asks this for each publication: the channel, and the names of its
    /// events with commas between.
    pub(crate) fn rule(&self, rule: impl FnMut(&str, &str) -> Fate + Send + 'static) {
        self.state.lock().unwrap().rule = Some(Box::new(rule));
    }

    /// Does the next calls, but answers them with an error.
    pub(crate) fn lose_answers(&self, calls: usize) {
        self.state.lock().unwrap().lost_answers = calls;
    }

    /// Answers every call with an error, or no longer.
    pub(crate) fn set_away(&self, away: bool) {
        self.state.lock().unwrap().away = away;
    }

    /// Waits until a call began that was prepared after this one.
    pub(crate) async fn is_called_again(&self) {
        let calls = self.calls();
        plaza_testkit::eventually(SOON, async || self.calls() > calls + 1).await;
    }

    /// How often it was called.
    pub(crate) fn calls(&self) -> usize {
        self.state.lock().unwrap().calls
    }

    /// What the channel took, event by event.
    pub(crate) fn taken(&self, channel: Channel) -> Vec<String> {
        let inner = self.state.lock().unwrap();
        inner
            .taken
            .get(&channel.to_string())
            .cloned()
            .unwrap_or_default()
    }

    /// How many events each publication had that the channel took.
    pub(crate) fn sizes(&self, channel: Channel) -> Vec<usize> {
        let inner = self.state.lock().unwrap();
        let sizes = inner.sizes.get(&channel.to_string());
        sizes.cloned().unwrap_or_default()
    }

    /// When the channel took which event.
    pub(crate) fn taken_at(&self, channel: Channel) -> Vec<(Instant, Value)> {
        let inner = self.state.lock().unwrap();
        let at = inner.at.get(&channel.to_string());
        at.cloned().unwrap_or_default()
    }

    /// Serves it; gives its base URL.
    pub(crate) async fn start(&self) -> String {
        let routes = Router::new()
            .route("/api/batch", post(batch))
            .with_state(self.clone());
        format!("http://{}", serve(routes).await)
    }
}

async fn batch(State(fake): State<FakeCentrifugo>, Json(request): Json<Value>) -> Response {
    let mut inner = fake.state.lock().unwrap();
    inner.calls += 1;
    if inner.away {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let commands = request["commands"].as_array().unwrap();
    let replies: Vec<Value> = commands
        .iter()
        .map(|command| {
            if let Some(removal) = command.get("unsubscribe") {
                return inner.unsubscribe(&removal["channel"], &removal["user"]);
            }
            if let Some(publish) = command.get("publish") {
                let reply = inner.publish(&publish["channel"], &publish["data"]);
                return match reply.get("error") {
                    Some(_) => reply,
                    None => json!({ "publish": reply["result"] }),
                };
            }
            let broadcast = &command["broadcast"];
            let channels = broadcast["channels"].as_array().unwrap().iter();
            let responses: Vec<_> = channels
                .map(|channel| inner.publish(channel, &broadcast["data"]))
                .collect();
            json!({ "broadcast": { "responses": responses } })
        })
        .collect();
    if inner.lost_answers > 0 {
        inner.lost_answers -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(json!({ "replies": replies })).into_response()
}

impl Inner {
    /// Stands among what the channel took, as `-` and the user.
    fn unsubscribe(&mut self, channel: &Value, user: &Value) -> Value {
        let channel = channel.as_str().unwrap();
        let name = format!("-{}", user.as_str().unwrap());
        let fate = match &mut self.rule {
            Some(rule) => rule(channel, &name),
            None => Fate::Take,
        };
        match fate {
            Fate::Refuse(code) => json!({ "error": { "code": code, "message": "no" } }),
            Fate::Take => {
                let taken = self.taken.entry(channel.to_owned()).or_default();
                taken.push(name);
                json!({ "unsubscribe": {} })
            }
        }
    }

    fn publish(&mut self, channel: &Value, data: &Value) -> Value {
        let channel = channel.as_str().unwrap();
        let names: Vec<_> = data["events"]
            .as_array()
            .unwrap()
            .iter()
            .map(name)
            .collect();
        let fate = match &mut self.rule {
            Some(rule) => rule(channel, &names.join(",")),
            None => Fate::Take,
        };
        match fate {
            Fate::Refuse(code) => json!({ "error": { "code": code, "message": "no" } }),
            Fate::Take => {
                let at = self.at.entry(channel.to_owned()).or_default();
                let events = data["events"].as_array().unwrap();
                at.extend(events.iter().map(|event| (Instant::now(), event.clone())));
                let sizes = self.sizes.entry(channel.to_owned()).or_default();
                sizes.push(names.len());
                let taken = self.taken.entry(channel.to_owned()).or_default();
                taken.extend(names);
                json!({ "result": { "offset": taken.len(), "epoch": "E" } })
            }
        }
    }
}
