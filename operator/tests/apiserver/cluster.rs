//! etcd and kube-apiserver, one pair for this test process.

use std::{fmt::Write as _, path::PathBuf, time::Duration};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, Config, CustomResourceExt as _,
    api::{Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
};
use plaza_local::{Launch, Output, Process, Reaper, StopSignal, create_folder, free_port};
use plaza_operator::api::ChatDeployment;
use plaza_testkit::eventually;
use tokio::sync::OnceCell;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// The operator's account, as a token of it would say.
const OPERATOR: &str = "system:serviceaccount:plaza-system:plaza-operator";
/// The one of an operator of one namespace.
const NAMESPACED: &str = "system:serviceaccount:plaza:plaza-operator";

/// The running pair.
pub(crate) struct Cluster {
    url: String,
    _etcd: Process,
    _server: Process,
    _reaper: Reaper,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum As {
    /// Somebody who may do everything.
    Admin,
    /// The operator, with the role of k8s/operator/cluster.yaml.
    Operator,
    /// The operator of the namespace `plaza`, with that of namespaced.yaml.
    Namespaced,
}

impl As {
    fn token(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Namespaced => "namespaced",
        }
    }
}

/// The cluster, with the CRD and the operator's roles, started on first use.
pub(crate) async fn cluster() -> &'static Cluster {
    static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
    CLUSTER
        .get_or_init(|| async {
            plaza_kit::install_crypto();
            let cluster = Cluster::start().await;
            cluster.prepare().await;
            cluster
        })
        .await
}

impl Cluster {
    async fn start() -> Self {
        let reaper = Reaper::start().unwrap();
        let folder = std::env::temp_dir().join(format!(
            "plaza-kubernetes-{}",
            plaza_local::random_hex(6).unwrap()
        ));
        reaper.remove(&folder);
        create_folder(&folder, None).unwrap();
        let launch = |name: &str, program: PathBuf, arguments: Vec<String>| Launch {
            name: name.to_owned(),
            program,
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            folder: folder.clone(),
            account: None,
            output: Output::File(folder.join(format!("{name}.log"))),
            stop: StopSignal::Term,
            pid_file: None,
        };
        let port = || free_port("Kubernetes", None).unwrap();
        let (etcd_port, peer_port, api_port) = (port(), port(), port());
        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let etcd = Process::start(
            &launch(
                "etcd",
                "etcd".into(),
                vec![
                    format!("--data-dir={}", folder.join("etcd").display()),
                    format!("--listen-client-urls={etcd_url}"),
                    format!("--advertise-client-urls={etcd_url}"),
                    format!("--listen-peer-urls={peer_url}"),
                    format!("--initial-advertise-peer-urls={peer_url}"),
                    format!("--initial-cluster=default={peer_url}"),
                    "--unsafe-no-fsync".to_owned(),
                ],
            ),
            &reaper,
        )
        .unwrap();
        let mut tokens = "admin,admin,1,system:masters\n".to_owned();
        for (token, account) in [("operator", OPERATOR), ("namespaced", NAMESPACED)] {
            let _ = writeln!(tokens, "{token},{account},{token},system:serviceaccounts");
        }
        let token_file = folder.join("tokens.csv");
        std::fs::write(&token_file, tokens).unwrap();
        let key_file = folder.join("accounts.pem");
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        let public_file = folder.join("accounts.pub");
        std::fs::write(&public_file, key.public_key_pem()).unwrap();
        let mut server = Process::start(
            &launch(
                "kube-apiserver",
                program(),
                vec![
                    format!("--etcd-servers={etcd_url}"),
                    "--bind-address=127.0.0.1".to_owned(),
                    format!("--secure-port={api_port}"),
                    format!("--cert-dir={}", folder.join("certificates").display()),
                    format!("--token-auth-file={}", token_file.display()),
                    "--authorization-mode=RBAC".to_owned(),
                    "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                    format!("--service-account-key-file={}", public_file.display()),
                    format!("--service-account-signing-key-file={}", key_file.display()),
                    "--service-cluster-ip-range=10.0.0.0/16".to_owned(),
                    "--endpoint-reconciler-type=none".to_owned(),
                    "--disable-admission-plugins=ServiceAccount".to_owned(),
                    "--enable-admission-plugins=OwnerReferencesPermissionEnforcement".to_owned(),
                ],
            ),
            &reaper,
        )
        .unwrap();
        let url = format!("https://127.0.0.1:{api_port}");
        let admin = client(&kubeconfig(&url, As::Admin)).await;
        server
            .until_ready(&folder.join("kube-apiserver.log"), PATIENCE, || async {
                let ready = http::Request::get("/readyz").body(Vec::new()).unwrap();
                admin.request_text(ready).await.is_ok()
            })
            .await
            .unwrap();
        Self {
            url,
            _etcd: etcd,
            _server: server,
            _reaper: reaper,
        }
    }

    /// A client of the cluster.
    pub(crate) async fn client(&self, who: As) -> Client {
        client(&self.kubeconfig(who)).await
    }

    /// The file that leads to it.
    pub(crate) fn kubeconfig(&self, who: As) -> String {
        kubeconfig(&self.url, who)
    }

    /// The CRD and the roles, as they are committed.
    async fn prepare(&self) {
        let client = self.client(As::Admin).await;
        let crds: Api<CustomResourceDefinition> = Api::all(client.clone());
        let name = ChatDeployment::crd_name();
        let crd: serde_json::Value =
            serde_saphyr::from_str(include_str!("../../../k8s/crds/chatdeployments.yaml")).unwrap();
        let manager = PatchParams::apply("test").force();
        crds.patch(name, &manager, &Patch::Apply(crd))
            .await
            .unwrap();
        eventually(PATIENCE, async || {
            let chats: Api<ChatDeployment> = Api::all(client.clone());
            chats.list(&kube::api::ListParams::default()).await
        })
        .await;
        for file in [
            include_str!("../../../k8s/operator/cluster.yaml"),
            include_str!("../../../k8s/operator/namespaced.yaml"),
        ] {
            // An administrator makes the namespace of an operator of one.
            apply_all(
                &client,
                "apiVersion: v1\nkind: Namespace\nmetadata: {name: plaza}\n",
            )
            .await;
            apply_all(&client, file).await;
        }
    }
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig: Kubeconfig = serde_saphyr::from_str(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .unwrap();
    Client::try_from(config).unwrap()
}

/// The server's certificate is of its own making.
fn kubeconfig(url: &str, who: As) -> String {
    let token = who.token();
    serde_json::json!({
        "clusters": [{"name": "test", "cluster": {"server": url, "insecure-skip-tls-verify": true}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    })
    .to_string()
}

/// Applies every document of a file.
pub(crate) async fn apply_all(client: &Client, file: &str) {
    let documents: Vec<serde_json::Value> = serde_saphyr::from_multiple(file).unwrap();
    for document in documents {
        let object: kube::core::DynamicObject = serde_json::from_value(document).unwrap();
        let types = object.types.clone().unwrap();
        let (group, version) = types
            .api_version
            .split_once('/')
            .unwrap_or(("", &types.api_version));
        let gvk = kube::core::GroupVersionKind::gvk(group, version, &types.kind);
        let (resource, capabilities) = kube::discovery::pinned_kind(client, &gvk).await.unwrap();
        let api: Api<kube::core::DynamicObject> = match &object.metadata.namespace {
            Some(namespace) if capabilities.scope == kube::discovery::Scope::Namespaced => {
                Api::namespaced_with(client.clone(), namespace, &resource)
            }
            _ => Api::all_with(client.clone(), &resource),
        };
        let name = object.metadata.name.clone().unwrap();
        let manager = PatchParams::apply("test").force();
        api.patch(&name, &manager, &Patch::Apply(&object))
            .await
            .unwrap_or_else(|error| panic!("{} {name}: {error}", types.kind));
    }
}

/// Where operator/kubernetes/build puts it.
fn program() -> PathBuf {
    let cache = std::env::var_os("PLAZA_CACHE").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/plaza"),
        PathBuf::from,
    );
    let program = cache.join("bin/kube-apiserver");
    assert!(
        program.exists(),
        "{} is missing: run operator/kubernetes/build",
        program.display()
    );
    program
}
