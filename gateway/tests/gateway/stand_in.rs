//! A stand-in for the three services, and a gateway in front of it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request as Incoming, State},
    http::{HeaderMap, StatusCode, header},
};
use clap::Parser;
use plaza_gateway::{GatewayArgs, Parts, Services, router};
use plaza_kit::token::SERVICE_HEADER;
use plaza_testkit::{Answer, Issuer, Request};
use plaza_types::Person;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::AbortHandle};

/// A call that the gateway made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    /// Such as `POST /v1/users/lookup`.
    pub(crate) to: String,
    pub(crate) body: Value,
    pub(crate) authorization: Option<String>,
    /// The gateway's own token, where it vouches for what it asks.
    pub(crate) through: Option<String>,
}

type Script = dyn Fn(&Call) -> (StatusCode, Value) + Send + Sync;

#[derive(Clone)]
struct Played {
    calls: Arc<Mutex<Vec<Call>>>,
    script: Arc<Script>,
}

/// A gateway whose services are a stand-in.
pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) issuer: Issuer,
    pub(crate) ada: Person,
    calls: Arc<Mutex<Vec<Call>>>,
    server: AbortHandle,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    args: GatewayArgs,
}

/// The gateway's configuration with these flags.
pub(crate) fn args(flags: &[&str]) -> GatewayArgs {
    Cli::parse_from(["gateway"].iter().chain(flags)).args
}

/// A router whose services are at an address.
pub(crate) fn gateway(issuer: &Issuer, services: SocketAddr, flags: &[&str]) -> Router {
    let mut args = args(flags);
    for url in [
        &mut args.peers.auth_url,
        &mut args.peers.rooms_url,
        &mut args.peers.messages_url,
    ] {
        *url = format!("http://{services}");
    }
    let services = Services::new(&args.peers).unwrap();
    router(Parts {
        services,
        verifier: issuer.verifier(),
        tokens: plaza_testkit::service_tokens("gateway"),
        args,
    })
    .unwrap()
}

async fn play(State(services): State<Played>, request: Incoming) -> (StatusCode, Json<Value>) {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let call = Call {
        to: format!("{} {}", parts.method, parts.uri),
        body: serde_json::from_slice(&body).unwrap_or_default(),
        authorization: header_of(&parts.headers, header::AUTHORIZATION.as_str()),
        through: header_of(&parts.headers, SERVICE_HEADER),
    };
    services.calls.lock().unwrap().push(call.clone());
    let (status, answer) = (services.script)(&call);
    (status, Json(answer))
}

fn header_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

impl Bench {
    /// Services that answer by the script.
    pub(crate) async fn new(
        flags: &[&str],
        script: impl Fn(&Call) -> (StatusCode, Value) + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let services = Played {
            calls: calls.clone(),
            script: Arc::new(script),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Router::new().fallback(play).with_state(services);
        let server = tokio::spawn(async move { axum::serve(listener, routes).await });
        let issuer = Issuer::new();
        Self {
            router: gateway(&issuer, address, flags),
            issuer,
            ada: Issuer::person("ada"),
            calls,
            server: server.abort_handle(),
        }
    }

    /// Services that must not be called.
    pub(crate) async fn alone(flags: &[&str]) -> Self {
        Self::new(flags, |call| panic!("{} was called", call.to)).await
    }

    /// A GraphQL request with Ada's token.
    pub(crate) fn ask(&self, query: &str, variables: &Value) -> Request {
        graphql(query, variables).bearer(self.issuer.token(&self.ada))
    }

    /// Sends and reads the answer, whose status is 200.
    pub(crate) async fn send(&self, request: Request) -> Answer {
        request.send(&self.router).await.expect(StatusCode::OK)
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Where the calls so far went, sorted.
    pub(crate) fn called(&self) -> Vec<String> {
        let mut called: Vec<_> = self.calls().into_iter().map(|call| call.to).collect();
        called.sort();
        called
    }
}

/// A GraphQL request without a token.
pub(crate) fn graphql(query: &str, variables: &Value) -> Request {
    Request::post("/graphql").json(&json!({ "query": query, "variables": variables }))
}

/// The codes of an answer's errors.
pub(crate) fn codes(answer: &Answer) -> Vec<String> {
    let errors = answer.json()["errors"].clone();
    errors
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| {
            error["extensions"]["code"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

/// A service's refusal.
pub(crate) fn refusal(status: StatusCode, code: &str) -> (StatusCode, Value) {
    let error = json!({ "code": code, "message": "No." });
    (status, json!({ "error": error }))
}

/// A user as auth gives it.
pub(crate) fn user(person: &Person) -> Value {
    json!({
        "id": person.id, "username": person.username, "displayName": person.display_name,
        "kind": "person", "createdAt": "2026-01-02T03:04:05Z",
    })
}
