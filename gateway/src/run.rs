use anyhow::Context;
use plaza_clients::follow_auth;
use plaza_kit::{health::Readiness, serve::serve, shutdown::Shutdown, token::ServiceTokens};

use crate::{GatewayArgs, Parts, Services, router};

/// Runs the gateway until `shutdown` begins, then answers what is under way.
/// A lost service never makes it unready: it stands alone behind the Ingress
/// and answers UNAVAILABLE itself.
pub async fn run(args: GatewayArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    let tokens = ServiceTokens::from_args("gateway", &args.secret)?;
    let services = Services::new(&args.peers)
        .context("PLAZA_AUTH_URL, PLAZA_ROOMS_URL or PLAZA_MESSAGES_URL")?;
    let readiness = Readiness::new(&shutdown, &["keys", "revocations"]);
    let verifier = follow_auth(&services.auth, &tokens, &readiness, &shutdown);
    let (listen, ops, drain) = (args.listen.listen, args.ops.ops_listen, args.ops.drain());
    let routes = router(Parts {
        services,
        verifier,
        tokens,
        args,
    })?;
    serve(
        "gateway",
        Some((listen, routes)),
        ops,
        drain,
        &readiness,
        &shutdown,
    )
    .await
}
