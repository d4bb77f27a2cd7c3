//! Numbers of pods that follow the metrics of pods, and what is told of it.
//! Each pod has a loopback address of its own (127.0.0.0/8), at which a stand-in
//! answers at the port that the part has.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod, events::v1::Event};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use plaza_operator::controller::Times;
use plaza_testkit::eventually;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use crate::{
    cluster::As,
    world::{PATIENCE, TRIAL, World},
};

const PUBLISHER: (&str, u16) = ("publisher", 9084);
const CENTRIFUGO: (&str, u16) = ("centrifugo", 9000);

/// A pod whose page says what it is told to say; `{n}` in it is another number
/// each time.
struct StandIn {
    page: Arc<Mutex<String>>,
}

impl StandIn {
    /// One that is ready and answers.
    async fn new(world: &World, (component, port): (&str, u16), page: &str) -> Self {
        let address = address();
        let listener = TcpListener::bind((address.as_str(), port)).await.unwrap();
        let page = Arc::new(Mutex::new(page.to_owned()));
        let (served, asked) = (page.clone(), AtomicU64::new(0));
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let n = asked.fetch_add(1, Ordering::Relaxed).to_string();
                let body = served.lock().unwrap().replace("{n}", &n);
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all((head + &body).as_bytes()).await;
            }
        });
        ready_pod(world, component, &address).await;
        Self { page }
    }

    fn says(&self, page: &str) {
        page.clone_into(&mut self.page.lock().unwrap());
    }
}

/// One that no other pod has.
fn address() -> String {
    let part = || u8::from_str_radix(&plaza_local::random_hex(1).unwrap(), 16).unwrap();
    format!("127.{}.{}.{}", part() | 1, part(), part() | 1)
}

async fn ready_pod(world: &World, component: &str, address: &str) {
    let name = format!("chat-{component}-{}", address.replace('.', "-"));
    let pod: Pod = serde_json::from_value(json!({
        "metadata": {"name": name, "labels": {
            "app.kubernetes.io/instance": "chat",
            "app.kubernetes.io/managed-by": "plaza-operator",
            "app.kubernetes.io/component": component,
        }},
        "spec": {"containers": [{"name": component, "image": "plaza:1"}]},
    }))
    .unwrap();
    let pods = world.api::<Pod>();
    pods.create(&PostParams::default(), &pod).await.unwrap();
    let status = json!({"status": {
        "phase": "Running", "podIP": address, "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
    }});
    pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(status))
        .await
        .unwrap();
}

/// An operator that does in a second what takes minutes.
async fn start(world: &mut World) {
    let times = Times {
        every: Duration::from_millis(500),
        up: Duration::from_secs(1),
        down: Duration::from_secs(2),
        silence: Duration::from_secs(3),
    };
    let context = world.new_context(As::Operator, "0.1.0").await;
    world.start_with(Arc::new(context.with_times(times)));
}

/// A trial that is ready, with this in its spec besides.
async fn trial(spec: Value) -> World {
    let mut world = World::new().await;
    start(&mut world).await;
    world.apply(TRIAL).await;
    world.change("chat", spec).await;
    world.settle_trial("chat").await;
    world
}

async fn replicas(world: &World, part: &str) -> i32 {
    let deployment: Deployment = world.find(&format!("chat-{part}")).await;
    deployment.spec.unwrap().replicas.unwrap()
}

async fn becomes(world: &World, part: &str, wanted: i32) {
    eventually(PATIENCE, async || {
        let now = replicas(world, part).await;
        (now == wanted).then_some(()).ok_or(now)
    })
    .await;
}

/// Waits for an Event of this reason, and answers what it says.
async fn event(world: &World, reason: &str) -> String {
    eventually(PATIENCE, async || {
        let list = world
            .api::<Event>()
            .list(&ListParams::default())
            .await
            .unwrap();
        list.into_iter()
            .find(|event| event.reason.as_deref() == Some(reason))
            .and_then(|event| event.note)
    })
    .await
}

#[tokio::test]
async fn centrifugo_follows_its_connections() {
    let mut world = trial(json!({"centrifugo": {
        "autoscaling": {"minReplicas": 1, "maxReplicas": 3, "targetConnections": 100},
    }}))
    .await;
    assert_eq!(replicas(&world, "centrifugo").await, 1);
    let first = StandIn::new(&world, CENTRIFUGO, "centrifugo_node_num_clients 250\n").await;
    becomes(&world, "centrifugo", 3).await;
    let told = event(&world, "ScaledUp").await;
    assert_eq!(
        told,
        "centrifugo from 1 to 3 pods: 250 connections are more than 100 for each pod, for 1 s"
    );
    world
        .condition("chat", "Scaling", "True", "WithinBounds")
        .await;
    // Somebody else's number does not stay.
    let scaled = json!({"spec": {"replicas": 1}});
    world
        .api::<Deployment>()
        .patch(
            "chat-centrifugo",
            &PatchParams::default(),
            &Patch::Merge(scaled),
        )
        .await
        .unwrap();
    becomes(&world, "centrifugo", 3).await;
    // A new operator goes on with what is there, before it knows any metrics.
    world.stop().await;
    first.says("");
    world
        .change("chat", json!({"gateway": {"replicas": 2}}))
        .await;
    start(&mut world).await;
    becomes(&world, "gateway", 2).await;
    assert_eq!(replicas(&world, "centrifugo").await, 3);
    // People leave; what was asked for is there.
    for _ in 0..2 {
        StandIn::new(&world, CENTRIFUGO, "centrifugo_node_num_clients 5\n").await;
    }
    first.says("centrifugo_node_num_clients 10\n");
    becomes(&world, "centrifugo", 1).await;
    let told = event(&world, "ScaledDown").await;
    assert!(told.starts_with("centrifugo from 3 to 2 pods: "), "{told}");
}

#[tokio::test]
async fn publishers_follow_what_waits_and_the_bound_is_told() {
    let world = trial(json!({"publisher": {
        "autoscaling": {"minReplicas": 1, "maxReplicas": 2},
    }}))
    .await;
    let behind = "plaza_stream_oldest_age_seconds{partition=\"0\"} 20\n\
        plaza_stream_oldest_age_seconds{partition=\"1\"} 30\n\
        plaza_publisher_events_total {n}00\n";
    let _first = StandIn::new(&world, PUBLISHER, behind).await;
    becomes(&world, "publisher", 2).await;
    let told = event(&world, "ScaledUp").await;
    assert!(
        told.starts_with("publisher from 1 to 2 pods: events of 2 partitions wait longer than 5 s"),
        "{told}"
    );
    let second = StandIn::new(&world, PUBLISHER, behind).await;
    let told = world
        .condition("chat", "Scaling", "False", "AtMaximum")
        .await;
    assert!(
        told.message.starts_with("publisher would"),
        "{}",
        told.message
    );
    second.says("plaza_publisher_events_total {n}\n");
    world
        .change(
            "chat",
            json!({"publisher": {"autoscaling": null, "replicas": 1}}),
        )
        .await;
    becomes(&world, "publisher", 1).await;
    world
        .condition("chat", "Scaling", "False", "Disabled")
        .await;
}

#[tokio::test]
async fn real_time_is_ready_while_something_is_delivered() {
    let world = trial(json!({})).await;
    world
        .condition("chat", "RealtimeReady", "True", "PartsReady")
        .await;
    let publisher = StandIn::new(&world, PUBLISHER, "plaza_publisher_events_total {n}\n").await;
    world
        .condition("chat", "RealtimeReady", "True", "Delivering")
        .await;
    publisher.says("plaza_publisher_events_total 7000\n");
    world
        .condition("chat", "RealtimeReady", "False", "NothingDelivered")
        .await;
    assert!(
        event(&world, "NothingDelivered")
            .await
            .contains("logs of the publisher")
    );
    publisher.says("plaza_publisher_events_total {n}\nplaza_publisher_unattended_partitions 1\n");
    world
        .condition("chat", "RealtimeReady", "False", "PartitionsUnattended")
        .await;
    publisher.says("plaza_publisher_events_total {n}\nplaza_publisher_unattended_partitions 0\n");
    world
        .condition("chat", "RealtimeReady", "True", "Delivering")
        .await;
}

#[tokio::test]
async fn pods_that_do_not_tell_their_metrics_stay_as_many() {
    let world = trial(json!({"centrifugo": {
        "autoscaling": {"minReplicas": 2, "maxReplicas": 3},
    }}))
    .await;
    // Nobody listens there.
    ready_pod(&world, "centrifugo", &address()).await;
    let told = world
        .condition("chat", "Scaling", "False", "MetricsUnreachable")
        .await;
    assert!(
        told.message.contains("NetworkPolicy") && told.message.contains("9000"),
        "{}",
        told.message
    );
    assert_eq!(replicas(&world, "centrifugo").await, 2);
}
