//! NetworkPolicies keep strangers out, on a cluster that enforces them: this
//! machine is a stranger, and so is a store to all others.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::core::v1::Service;
use kube::{ResourceExt as _, api::ListParams};
use tokio::{net::TcpStream, process::Command, time};

use crate::{
    chat::{Chat, NAME},
    node::alone,
};

/// What is not answered by then was dropped.
const DROPPED: Duration = Duration::from_secs(3);
/// The exit code of `timeout`.
const TIMED_OUT: i32 = 124;
/// The ports that people's requests go to.
const PEOPLE: [&str; 2] = ["chat-gateway:8080", "chat-centrifugo:8000"];

#[tokio::test]
async fn strangers_reach_what_is_for_people_alone() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let mut doors = Vec::new();
    for service in chat
        .api::<Service>()
        .list(&ListParams::default())
        .await
        .unwrap()
    {
        let name = service.name_any();
        let spec = service.spec.unwrap();
        for port in spec.ports.unwrap() {
            let address = format!("{}:{}", spec.cluster_ip.as_ref().unwrap(), port.port);
            doors.push((format!("{name}:{}", port.port), address));
        }
    }
    let answers = join_all(doors.iter().map(|(_, address)| opens(address))).await;
    let told: Vec<_> = doors.iter().map(|(door, _)| door).zip(answers).collect();
    for (door, open) in &told {
        assert_eq!(*open, PEOPLE.contains(&door.as_str()), "{door} of {told:?}");
    }
    let open = told.iter().filter(|(_, open)| *open).count();
    assert_eq!(open, PEOPLE.len(), "{told:?}");
    assert!(told.len() >= 10, "{told:?}");
}

/// Whether a connection is answered: one that is refused fails the test, as
/// nobody listens there.
async fn opens(address: &str) -> bool {
    match time::timeout(DROPPED, TcpStream::connect(address)).await {
        Ok(connected) => {
            connected.unwrap_or_else(|error| panic!("{address}: {error}"));
            true
        }
        Err(_) => false,
    }
}

#[tokio::test]
async fn a_store_asks_nobody() {
    let _turn = alone().await;
    let chat = Chat::shared().await;
    let gateway = chat.address("gateway").await;
    assert!(opens(&gateway).await);
    let (host, port) = gateway.split_once(':').unwrap();
    for store in ["postgres", "redis"] {
        let asks = format!("exec 3<>/dev/tcp/{host}/{port}");
        let pod = format!("{NAME}-{store}-0");
        let answer = Command::new("kubectl")
            .args(["--namespace", &chat.namespace, "exec", &pod, "--"])
            .args(["timeout", "3", "bash", "-c", &asks])
            .output()
            .await
            .expect("kubectl, such as operator/kubernetes/build builds, on PATH");
        assert_eq!(answer.status.code(), Some(TIMED_OUT), "{pod}: {answer:?}");
    }
}
