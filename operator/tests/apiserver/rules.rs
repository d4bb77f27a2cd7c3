//! What the API server itself refuses, by the rules of the CRD.

use crate::world::{TRIAL, World};

/// What it says to a trial in which a line is replaced.
async fn refused(world: &World, line: &str, by: &str) -> String {
    let yaml = TRIAL.replace(line, by);
    assert_ne!(yaml, TRIAL, "{line} is not there");
    world.try_apply(&yaml).await.unwrap_err().to_string()
}

#[tokio::test]
async fn the_samples_are_accepted_and_have_their_defaults() {
    let world = World::new().await;
    let chat = world.apply(TRIAL).await;
    assert_eq!(
        chat.spec.postgres.managed.unwrap().storage.size,
        "10Gi",
        "by the API server"
    );
    for (name, sample) in [
        (
            "production",
            include_str!("../../../k8s/samples/production.yaml"),
        ),
        (
            "highly-available",
            include_str!("../../../k8s/samples/highly-available.yaml"),
        ),
        (
            "cloudnativepg",
            include_str!("../../../k8s/samples/cloudnativepg.yaml"),
        ),
    ] {
        let named = sample.replace("name: chat\n", &format!("name: {name}\n"));
        world.apply(&named).await;
    }
    let backup = include_str!("../../../k8s/samples/backup.yaml")
        .replace("name: chat\n", "name: backed-up\n");
    let chat = world.apply(&backup).await;
    assert!(!chat.spec.backup.unwrap().suspend, "by the API server");
    world
        .apply(include_str!("../../../k8s/samples/restore.yaml"))
        .await;
    let backup = include_str!("../../../k8s/samples/backup-s3.yaml")
        .replace("name: chat\n", "name: in-a-store\n");
    let store = world.apply(&backup).await.spec.backup.unwrap().s3.unwrap();
    assert!(store.path_style, "by the API server");
    let restore = include_str!("../../../k8s/samples/restore-s3.yaml")
        .replace("name: new-chat\n", "name: from-a-store\n");
    world.apply(&restore).await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_what_to_do() {
    let world = World::new().await;
    for (line, by, words) in [
        ("name: chat\n", "name: 9chat\n", "begin with a letter"),
        ("  redis: {managed: {}}\n", "", "real time needs a Redis"),
        (
            "postgres: {managed: {}}",
            "postgres: {}",
            "exactly one of postgres.managed",
        ),
        (
            "redis: {managed: {}}",
            "redis: {}",
            "exactly one of redis.managed",
        ),
        ("host: chat.example.org", "host: Chat Example", "spec.host"),
        (
            "host: chat.example.org",
            "host: 192.0.2.1",
            "host is an address",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  rooms: {env: [{name: A, value: a}, {name: A, value: b}]}",
            "spec.rooms.env",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  restore: {}",
            "exactly one of restore.claimName",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  backup: {s3: {endpoint: s3.example.org, bucket: abc, accessKeyId: {secretName: a}, \
             secretAccessKey: {secretName: a}}}",
            "spec.backup.s3.endpoint",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  backup: {s3: {endpoint: \"https://s3.example.org\", bucket: abc, prefix: a/../b, \
             accessKeyId: {secretName: a}, secretAccessKey: {secretName: a}}}",
            "spec.backup.s3.prefix",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  rooms: {replicas: 0}",
            "spec.rooms.replicas",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  rooms: {replicas: 1, autoscaling: {maxReplicas: 3}}",
            "replicas or autoscaling",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  rooms: {autoscaling: {minReplicas: 4, maxReplicas: 3}}",
            "minReplicas must not be above",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  ingress: {}\n  httpRoute: {parentRefs: [{name: a}]}",
            "ingress or httpRoute",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  monitoring: {enabled: true}",
            "networkPolicy.metricsNamespaces",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  registration: Anybody",
            "spec.registration",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  version: latest",
            "spec.version",
        ),
        (
            "host: chat.example.org",
            "host: a.org\n  rooms: {resources: {limits: {memory: lots}}}",
            "spec.rooms.resources.limits",
        ),
    ] {
        let answer = refused(&world, line, by).await;
        assert!(answer.contains(words), "{by}: {answer}");
    }
}

#[tokio::test]
async fn what_does_not_change_is_refused_with_what_to_do() {
    let world = World::new().await;
    world.apply(TRIAL).await;
    let external = "postgres: {managed: null, external: {auth: {secretName: a}, rooms: {secretName: b}, messages: {secretName: c}}}";
    let api = world.api::<plaza_operator::api::ChatDeployment>();
    for (spec, words) in [
        (external, "does not move between"),
        (
            "postgres: {managed: {storage: {size: 20Gi}}}",
            "PersistentVolumeClaim itself",
        ),
        (
            "redis: {managed: {storage: {storageClassName: fast}}}",
            "storageClassName is only read",
        ),
    ] {
        let spec: serde_json::Value = serde_saphyr::from_str(spec).unwrap();
        let patch = kube::api::Patch::Merge(serde_json::json!({"spec": spec}));
        let answer = api
            .patch("chat", &kube::api::PatchParams::default(), &patch)
            .await;
        let answer = answer.unwrap_err().to_string();
        assert!(answer.contains(words), "{answer}");
    }
}
