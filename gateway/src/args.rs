use std::path::PathBuf;

use clap::{ArgAction, builder::RangedU64ValueParser};
use plaza_clients::PeersArgs;
use plaza_kit::config::{InternalSecretArgs, ListenArgs, OpsArgs};

use crate::{Network, PublicOrigins, RatesArgs, RealtimeEndpoint};

/// Configuration of the gateway.
#[derive(Debug, Clone, clap::Args)]
pub struct GatewayArgs {
    /// The API that browsers reach.
    #[command(flatten)]
    pub listen: ListenArgs<8080>,
    /// Health and metrics.
    #[command(flatten)]
    pub ops: OpsArgs<9080>,
    /// For calls that act for no user.
    #[command(flatten)]
    pub secret: InternalSecretArgs,
    /// Where the services are.
    #[command(flatten)]
    pub peers: PeersArgs,
    /// Bounds of one GraphQL request.
    #[command(flatten)]
    pub limits: LimitsArgs,
    /// How much may be asked.
    #[command(flatten)]
    pub rates: RatesArgs,
    /// Proxies whose X-Forwarded-For is believed: addresses or networks such as 10.0.0.0/8, separated by commas; none: a client's address is its connection's
    #[arg(long, env = "PLAZA_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<Network>,
    /// Whether clients are given real-time tokens; without, they poll
    #[arg(long, env = "PLAZA_REALTIME_ENABLED", default_value_t = true, action = ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true")]
    pub realtime_enabled: bool,
    /// Where browsers open their WebSocket: a ws or wss URL, or a path on the same host
    #[arg(
        long,
        env = "PLAZA_REALTIME_ENDPOINT",
        default_value = "/connection/websocket"
    )]
    pub realtime_endpoint: RealtimeEndpoint,
    /// Every origin that people open Plaza at, exactly as browsers send it, separated by commas; cookies are Secure when all are https
    #[arg(
        long,
        env = "PLAZA_PUBLIC_ORIGINS",
        default_value = "http://localhost:8080,http://127.0.0.1:8080"
    )]
    pub public_origins: PublicOrigins,
    /// Folder of the built web app; without it only the API is served
    #[arg(long, env = "PLAZA_SPA_DIR")]
    pub spa_dir: Option<PathBuf>,
    /// For development: introspection, suggestions, and GraphiQL at /graphiql (it loads from a CDN)
    #[arg(long, env = "PLAZA_DEV", default_value_t = false, action = ArgAction::Set,
          num_args = 0..=1, default_missing_value = "true")]
    pub dev: bool,
    /// Most `heads` queries a second that polling clients are spread to, for each gateway
    #[arg(long, env = "PLAZA_HEADS_PER_SECOND", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub heads_per_second: u32,
}

/// Bounds of one GraphQL request.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct LimitsArgs {
    /// Longest text of a GraphQL document, its variables not counted (bytes)
    #[arg(long, env = "PLAZA_GRAPHQL_MAX_QUERY_BYTES", default_value_t = 16 * 1024, value_parser = at_least_one())]
    pub graphql_max_query_bytes: usize,
    /// Deepest nesting of a GraphQL operation
    #[arg(long, env = "PLAZA_GRAPHQL_MAX_DEPTH", default_value_t = 16, value_parser = at_least_one())]
    pub graphql_max_depth: usize,
    /// Most fields that a GraphQL operation can yield, pages counted at their size and calls at their cost
    #[arg(long, env = "PLAZA_GRAPHQL_MAX_COMPLEXITY", default_value_t = 5_000, value_parser = at_least_one())]
    pub graphql_max_complexity: usize,
    /// Most aliases in a GraphQL operation
    #[arg(long, env = "PLAZA_GRAPHQL_MAX_ALIASES", default_value_t = 16)]
    pub graphql_max_aliases: usize,
    /// Most directives in a GraphQL operation
    #[arg(long, env = "PLAZA_GRAPHQL_MAX_DIRECTIVES", default_value_t = 16)]
    pub graphql_max_directives: usize,
    /// Most operations in a GraphQL document
    #[arg(long, env = "PLAZA_GRAPHQL_MAX_OPERATIONS", default_value_t = 4, value_parser = at_least_one())]
    pub graphql_max_operations: usize,
}

fn at_least_one() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: GatewayArgs,
    }

    #[test]
    fn real_time_is_on_and_development_off_unless_said() {
        let args = Cli::parse_from(["gateway"]).args;
        assert!(args.realtime_enabled && !args.dev);
        let args = Cli::parse_from(["gateway", "--realtime-enabled=false", "--dev"]).args;
        assert!(!args.realtime_enabled && args.dev);
    }

    #[test]
    fn a_malformed_origin_is_refused_before_anything_starts() {
        let error = Cli::try_parse_from(["gateway", "--public-origins=https://a.example/"])
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("https://a.example"), "{error}");
    }
}
