//! A running Plaza and the people in it.

mod channel;
mod database;
mod person;
mod socket;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    slice,
    time::Duration,
};

use futures::future::try_join_all;
use plaza_local::{Place, Process, Reaper, Wire};
use plaza_testkit::eventually;
use reqwest::{
    Client, RequestBuilder, StatusCode,
    header::{HeaderMap, SET_COOKIE},
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

pub(crate) use person::{PASSWORD, Person};
pub(crate) use socket::{Refused, Socket};

const PLAZA: &str = env!("CARGO_BIN_EXE_plaza");

/// How long a Plaza may take to come up on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A Plaza of a test's own. Dropping it stops it and removes its data.
pub(crate) struct Plaza {
    url: String,
    place: Place,
    _data: TempDir,
    client: Client,
    _process: Process,
    _reaper: Reaper,
}

impl Plaza {
    /// One with real time.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// One that was told more on its command line.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        Self::start_in(&[], flags).await
    }

    /// One whose parts find these in their environment.
    pub(crate) async fn start_in(environment: &[(&str, &str)], flags: &[&str]) -> Self {
        Self::start_at(folder(), environment, flags).await
    }

    /// One in which each of `from` reaches `to` by a wire that can be cut.
    pub(crate) async fn start_wired<const N: usize>(
        from: [&str; N],
        to: &str,
    ) -> (Self, [Wire; N]) {
        let data = folder();
        let place = Place::new(PLAZA, data.path()).expect("own folder");
        let port = plaza_local::free_port(to, None).expect("a free port");
        let write = |path: &Path, json: Value| {
            plaza_local::write_private(path, json.to_string().as_bytes(), None).expect("a file");
        };
        plaza_local::create_folder(&place.data(), None).expect("the data folder");
        write(&place.data().join("ports.json"), json!({ to: port }));
        let end = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let wires = try_join_all(from.map(|_| Wire::lay(0, slice::from_ref(&end))));
        let wires = wires.await.expect("wires");
        let told: Map<String, Value> = from
            .iter()
            .zip(&wires)
            .map(|(part, wire)| ((*part).to_owned(), json!({ to: wire.address().port() })))
            .collect();
        let path = data.path().join("wires.json");
        write(&path, told.into());
        let flags = ["--wires", path.to_str().expect("UTF-8")];
        let plaza = Self::start_at(data, &[], &flags).await;
        (plaza, wires.try_into().expect("one each"))
    }

    async fn start_at(data: TempDir, environment: &[(&str, &str)], flags: &[&str]) -> Self {
        plaza_kit::install_crypto();
        let place = Place::new(PLAZA, data.path()).expect("own folder");
        let port = plaza_local::free_port("gateway", None).expect("a free port");
        let mut launch = place.up(port);
        launch.arguments.extend(flags.iter().map(Into::into));
        let environment = environment.iter();
        launch
            .environment
            .extend(environment.map(|(name, value)| (name.into(), Some(value.into()))));
        let reaper = Reaper::start().expect("a reaper");
        let process = Process::start(&launch, &reaper).expect("plaza starts");
        let client = client();
        let mut plaza = Self {
            url: String::new(),
            place,
            _data: data,
            client,
            _process: process,
            _reaper: reaper,
        };
        eventually(PATIENCE, async || plaza.try_url().await).await;
        plaza.url = plaza.try_url().await.expect("it just answered");
        plaza
    }

    async fn try_url(&self) -> Result<String, String> {
        let output = self.ctl_output(&["status", "--json"]);
        if !output.status.success() {
            return Err(format!(
                "{}\n{}",
                String::from_utf8_lossy(&output.stderr),
                self.log()
            ));
        }
        let status: Value =
            serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let url = status["url"].as_str().ok_or("no url")?.to_owned();
        let answer = self
            .client
            .post(format!("{url}/graphql"))
            .json(&json!({ "query": "{ __typename }" }))
            .send()
            .await;
        match answer {
            Ok(answer) if answer.status().is_success() => Ok(url),
            other => Err(format!("{other:?}\n{}", self.log())),
        }
    }

    fn log(&self) -> String {
        self.place.log()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.place.data()
    }

    pub(crate) fn secret(&self, name: &str) -> String {
        let path = self.folder().join("secrets").join(name);
        std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
            .trim()
            .to_owned()
    }

    fn ctl_output(&self, words: &[&str]) -> Output {
        self.place
            .command("ctl")
            .args(words)
            .output()
            .expect("plaza ctl runs")
    }

    /// `plaza ctl …`, which must succeed.
    pub(crate) fn ctl(&self, words: &[&str]) -> String {
        let output = tokio::task::block_in_place(|| self.ctl_output(words));
        assert!(
            output.status.success(),
            "plaza ctl {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// What `plaza admin …` printed, or what it complained about.
    pub(crate) async fn admin(&self, words: &[&str]) -> Result<String, String> {
        let mut command = Command::new(PLAZA);
        command
            .args(["admin", "--data"])
            .arg(self.folder())
            .args(words)
            .stdin(Stdio::null());
        let output =
            tokio::task::spawn_blocking(move || command.output().expect("plaza admin runs"));
        let output = output.await.expect("no panic");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        }
    }

    /// A request to the GraphQL endpoint, with what `change` adds to it.
    pub(crate) async fn request(
        &self,
        body: &Value,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Answer {
        self.try_request(body, change)
            .await
            .expect("the gateway answers")
    }

    /// The same, of a gateway that may be going away.
    async fn try_request(
        &self,
        body: &Value,
        change: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> reqwest::Result<Answer> {
        let request = change(self.client.post(format!("{}/graphql", self.url)).json(body));
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await?;
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            headers,
            json,
        })
    }

    /// One GraphQL operation by somebody, or by nobody.
    pub(crate) async fn graphql(
        &self,
        token: Option<&str>,
        query: &str,
        variables: Value,
    ) -> Answer {
        self.request(
            &json!({ "query": query, "variables": variables }),
            |request| match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            },
        )
        .await
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("plaza-product-")
        .tempdir_in("/tmp")
        .expect("a folder for the data")
}

/// A client that keeps no cookies and follows nothing.
fn client() -> Client {
    Client::builder()
        .timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("a client")
}

/// What the gateway said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Answer {
    /// The data, of an answer without errors.
    #[track_caller]
    pub(crate) fn data(&self) -> &Value {
        assert!(self.json["errors"].is_null(), "{:#}", self.json);
        &self.json["data"]
    }

    /// The code of the first error.
    #[track_caller]
    pub(crate) fn code(&self) -> &str {
        self.json["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or_else(|| panic!("no coded error: {:#}", self.json))
    }

    /// The refresh cookie that was set: `name=value`.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.headers.get_all(SET_COOKIE).iter().find_map(|value| {
            let pair = value.to_str().ok()?.split(';').next()?;
            pair.contains("plaza_refresh=").then(|| pair.to_owned())
        })
    }
}
