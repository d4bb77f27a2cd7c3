//! The operator as a process: one leader reconciles, others wait, and all
//! answer for their health.

use std::sync::Arc;

use anyhow::Context as _;
use kube::{Client, Config};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use plaza_kit::{config::OpsArgs, health::Readiness, serve, shutdown::Shutdown};
use tokio::sync::watch::Receiver;

use crate::{
    controller::{self, Context, Scope},
    validate::Settings,
    version::Version,
};

/// The Lease that the leader holds.
const LEASE: &str = "plaza-operator";
/// How long nobody leads after a leader died (s).
const LEASE_SECONDS: u64 = 15;
/// The leader renews this long before (s).
const LEASE_GRACE_SECONDS: u64 = 5;
/// The readiness check: the API server was reached.
const API_SERVER: &str = "kubernetes";

/// Settings of the operator.
#[derive(Debug, clap::Args)]
pub struct OperatorArgs {
    /// Namespace whose ChatDeployments are looked after; without it those of all namespaces
    #[arg(long, env = "PLAZA_OPERATOR_NAMESPACE")]
    pub namespace: Option<String>,
    /// Namespace of the operator itself, where its Lease is; that of its pod, or of the kubeconfig, when absent
    #[arg(long, env = "PLAZA_OPERATOR_OWN_NAMESPACE")]
    pub own_namespace: Option<String>,
    /// Name of this process in the Lease and in Events; HOSTNAME, which is its pod's name, when absent
    #[arg(long, env = "PLAZA_OPERATOR_IDENTITY")]
    pub identity: Option<String>,
    /// Registry and path in front of the images of chats that name none
    #[arg(
        long,
        env = "PLAZA_IMAGE_REGISTRY",
        default_value = "ghcr.io/plaza-chat"
    )]
    pub image_registry: String,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub ops: OpsArgs<9085>,
}

/// Runs until a signal comes, or leadership is lost.
///
/// # Errors
/// Whatever keeps it from running: no cluster, no CRD, no role, a port that is
/// taken, a lost Lease.
pub async fn run(args: OperatorArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    let config = Config::infer()
        .await
        .context("no cluster: neither a pod's service account nor a kubeconfig was found")?;
    let own_namespace = args
        .own_namespace
        .clone()
        .unwrap_or_else(|| config.default_namespace.clone());
    let client = Client::try_from(config).context("cannot make a client of the cluster")?;
    let identity = args
        .identity
        .clone()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .unwrap_or_else(|| format!("plaza-operator-{}", std::process::id()));
    let context = Arc::new(Context::new(
        client.clone(),
        args.namespace
            .clone()
            .map_or(Scope::Cluster, Scope::Namespace),
        settings(&args, &own_namespace)?,
        &identity,
    )?);
    let readiness = Readiness::new(&shutdown, &[API_SERVER]);
    let lease = LeaseManagerBuilder::new(client, LEASE)
        .with_namespace(own_namespace)
        .with_identity(identity)
        .with_duration(LEASE_SECONDS)
        .with_grace(LEASE_GRACE_SECONDS)
        .build()
        .await
        .context("cannot make the Lease: has the operator its role in its own namespace?")?;
    shutdown.spawn(
        "controller",
        lead(context, lease, readiness.clone(), shutdown.clone()),
    );
    serve::serve(
        "operator",
        None,
        args.ops.ops_listen,
        args.ops.drain(),
        &readiness,
        &shutdown,
    )
    .await
}

fn settings(args: &OperatorArgs, own_namespace: &str) -> anyhow::Result<Settings> {
    Ok(Settings {
        version: env!("CARGO_PKG_VERSION").parse::<Version>()?,
        image_registry: args.image_registry.trim_end_matches('/').to_owned(),
        own_namespace: Some(own_namespace.to_owned()),
    })
}

/// Waits for the Lease, and reconciles while it is held. Losing it ends the
/// process: what it was doing must not go on beside another leader.
async fn lead(
    context: Arc<Context>,
    lease: LeaseManager,
    readiness: Readiness,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    controller::check(&context).await?;
    readiness.set(API_SERVER, true);
    metrics::gauge!("plaza_operator_leader").set(0);
    let (mut leads, task) = lease.watch().await;
    let leading = tokio::select! {
        leads = says(&mut leads, true) => leads,
        () = shutdown.stopping() => false,
    };
    if leading {
        tracing::info!("this process leads");
        metrics::gauge!("plaza_operator_leader").set(1);
        let (mut lost, stopping) = (leads.clone(), shutdown.clone());
        controller::run(context, async move {
            tokio::select! {
                _ = says(&mut lost, false) => {}
                () = stopping.stopping() => {}
            }
        })
        .await?;
        metrics::gauge!("plaza_operator_leader").set(0);
    }
    let lost = leading && !*leads.borrow() && !shutdown.is_stopping();
    // Gives the Lease back, so that the next one need not wait for its end.
    drop(leads);
    match task.await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(error = %error, "the Lease could not be given back"),
        Err(error) => tracing::warn!(error = %error, "the Lease's task ended badly"),
    }
    anyhow::ensure!(!lost, "leadership was lost");
    Ok(())
}

/// Waits until it is told whether this process leads; `false`: nobody tells any
/// more.
async fn says(leads: &mut Receiver<bool>, wanted: bool) -> bool {
    leads.wait_for(|leads| *leads == wanted).await.is_ok()
}
