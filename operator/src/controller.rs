//! The loop: whenever a chat or anything of it changes, what is asked for is
//! looked up, validated, built and applied, and what came of it is told in the
//! status. Each step is a module; the pure ones are [`crate::validate`] and
//! [`crate::build`].

mod apply;
mod backoff;
mod backups;
mod census;
mod conditions;
mod context;
mod dereference;
mod diagnose;
mod error;
mod live;
mod load;
mod memory;
mod status;
mod watches;

use std::{sync::Arc, time::Duration};

use futures::{StreamExt as _, channel::mpsc};
use kube::runtime::controller::Action;

use crate::{
    api::ChatDeployment,
    build::build,
    validate::{Problem, validate},
};

pub use context::{Context, Scope};
pub use error::ReconcileError;
pub use load::NoHttpClient;
pub use watches::{WatchError, check, controller};

pub use crate::scaling::Times;

use apply::Applied;

/// Between two looks while something is under way: no watch tells of some
/// things, such as a pod that cannot pull its image.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// When that has been going on for long.
const LOOK_LATER: Duration = Duration::from_secs(30);
/// Between two looks when all is well: mends what a watch may have missed.
const LOOK_ANYWAY: Duration = Duration::from_mins(5);

/// Chats that wait for a pass because of their metrics.
const MOST_DUE: usize = 1_024;

/// What one pass came to.
#[derive(Debug)]
enum Pass {
    /// The chat is going, and its objects with it.
    Deleted,
    /// The spec says to leave everything.
    Paused,
    /// The spec cannot be built.
    Invalid(Vec<Problem>),
    /// It was applied, as far as it may be now.
    Applied(Box<Applied>),
}

/// Runs the controller until `stop` resolves, and what is under way is
/// finished.
///
/// # Errors
/// [`WatchError`], when the resource is not known to the cluster.
pub async fn run(
    context: Arc<Context>,
    stop: impl Future<Output = ()> + Send + Sync + 'static,
) -> Result<(), WatchError> {
    check(&context).await?;
    let controller = controller(&context);
    let (due, passes) = mpsc::channel(MOST_DUE);
    let looking = load::watch(context.clone(), controller.store(), due);
    let passing = controller
        .reconcile_on(passes)
        .graceful_shutdown_on(stop)
        .run(
            reconcile,
            |chat, error, context| on_error(&chat, error, &context),
            context,
        )
        .for_each(|result| async move {
            if let Err(error) = result {
                tracing::debug!(error = %error, "a reconciliation ended with an error");
            }
        });
    tokio::select! {
        () = passing => Ok(()),
        never = looking => match never {},
    }
}

/// Brings one chat to what its spec asks for.
///
/// # Errors
/// [`ReconcileError`]; it is tried again later.
pub async fn reconcile(
    chat: Arc<ChatDeployment>,
    context: Arc<Context>,
) -> Result<Action, ReconcileError> {
    let began = std::time::Instant::now();
    let _running = Running::begin();
    let result = Box::pin(pass(&chat, &context)).await;
    metrics::histogram!("plaza_operator_reconcile_seconds").record(began.elapsed());
    let (word, action) = match result {
        Ok(pass) => {
            context.backoff.forget(&chat);
            let action = status::write(&chat, &context, &pass).await?;
            (pass.word(), Ok(action))
        }
        Err(error) => {
            status::write_error(&chat, &context, &error).await;
            ("error", Err(error))
        }
    };
    metrics::counter!("plaza_operator_reconciles_total", "result" => word).increment(1);
    action
}

/// Counted among the passes under way for as long as this lives.
struct Running;

impl Running {
    fn begin() -> Self {
        Self::gauge().increment(1);
        Self
    }

    fn gauge() -> metrics::Gauge {
        metrics::gauge!("plaza_operator_reconciles_running")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        Self::gauge().decrement(1);
    }
}

async fn pass(chat: &ChatDeployment, context: &Context) -> Result<Pass, ReconcileError> {
    if chat.metadata.deletion_timestamp.is_some() {
        // Everything has the chat as its owner and goes with it.
        return Ok(Pass::Deleted);
    }
    if chat.spec.paused {
        return Ok(Pass::Paused);
    }
    let facts = dereference::dereference(chat, context).await?;
    let uid = chat.metadata.uid.as_deref().unwrap_or_default();
    let load = context.load.found(uid, &chat.spec, &facts.replicas);
    let validated = match validate(chat, facts, &context.settings) {
        Ok(validated) => validated,
        Err(problems) => return Ok(Pass::Invalid(problems)),
    };
    let resources = build(&validated)?;
    let applied = Box::pin(apply::apply(&validated, resources, load, context)).await?;
    Ok(Pass::Applied(Box::new(applied)))
}

impl Pass {
    fn word(&self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Paused => "paused",
            Self::Invalid(_) => "invalid",
            Self::Applied(_) => "applied",
        }
    }
}

fn on_error(chat: &ChatDeployment, error: &ReconcileError, context: &Context) -> Action {
    let pause = context.backoff.next(chat);
    tracing::warn!(
        chat = chat.metadata.name,
        namespace = chat.metadata.namespace,
        error = %error::chain(error),
        retry_in_s = pause.as_secs_f64(),
        "a reconciliation failed"
    );
    metrics::counter!("plaza_operator_errors_total", "reason" => error.reason()).increment(1);
    Action::requeue(pause)
}
