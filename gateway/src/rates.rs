//! How much may be asked: by cost, for each user and each address.

use std::net::IpAddr;

use plaza_kit::limit::{Limiter, Rate, client_network};
use plaza_types::{ApiError, UserId};

/// What every request costs beside its fields: being read and checked.
pub(crate) const REQUEST: usize = 10;

/// How much may be asked, in the unit of PLAZA_GRAPHQL_MAX_COMPLEXITY. Each
/// gateway counts alone.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RatesArgs {
    /// Cost that a signed-in user may ask for a second; 0: no limit
    #[arg(long, env = "PLAZA_RATE_USER_PER_SECOND", default_value_t = 2_000)]
    pub rate_user_per_second: u32,
    /// Cost that a signed-in user may ask for at once after a pause
    #[arg(long, env = "PLAZA_RATE_USER_BURST", default_value_t = 60_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_user_burst: u32,
    /// Cost that all signed-in users of one address may ask for a second; 0: no limit
    #[arg(long, env = "PLAZA_RATE_ADDRESS_PER_SECOND", default_value_t = 100_000)]
    pub rate_address_per_second: u32,
    /// Cost that all signed-in users of one address may ask for at once after a pause
    #[arg(long, env = "PLAZA_RATE_ADDRESS_BURST", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_address_burst: u32,
    /// Cost of what one address asks without an access token, such as signing in (500 each), a second; 0: no limit
    #[arg(long, env = "PLAZA_RATE_ANONYMOUS_PER_SECOND", default_value_t = 2_000)]
    pub rate_anonymous_per_second: u32,
    /// Cost of what one address asks without an access token at once after a pause
    #[arg(long, env = "PLAZA_RATE_ANONYMOUS_BURST", default_value_t = 100_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_anonymous_burst: u32,
    /// Most users, and most addresses, that are remembered; beyond it the least recent are forgotten
    #[arg(long, env = "PLAZA_RATE_MAX_KEYS", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub rate_max_keys: u64,
}

/// What is left for whom.
#[derive(Debug)]
pub(crate) struct Rates {
    users: Option<Limiter<UserId>>,
    addresses: Option<Limiter<IpAddr>>,
    anonymous: Option<Limiter<IpAddr>>,
}

impl Rates {
    pub(crate) fn new(args: &RatesArgs) -> Self {
        let rate = |per_second, burst| Rate { per_second, burst };
        let keys = args.rate_max_keys;
        Self {
            users: Limiter::new(
                "user",
                rate(args.rate_user_per_second, args.rate_user_burst),
                keys,
            ),
            addresses: Limiter::new(
                "address",
                rate(args.rate_address_per_second, args.rate_address_burst),
                keys,
            ),
            anonymous: Limiter::new(
                "anonymous",
                rate(args.rate_anonymous_per_second, args.rate_anonymous_burst),
                keys,
            ),
        }
    }

    /// RATE_LIMITED when this user, or else this address, has asked too much.
    pub(crate) fn take(
        &self,
        user: Option<UserId>,
        address: Option<IpAddr>,
        cost: usize,
    ) -> Result<(), ApiError> {
        let cost = u64::try_from(cost).unwrap_or(u64::MAX);
        let (by_user, by_address) = match user {
            Some(user) => (self.users.as_ref().zip(Some(user)), &self.addresses),
            None => (None, &self.anonymous),
        };
        if let Some((limiter, user)) = by_user {
            limiter
                .take(user, cost)
                .map_err(ApiError::rate_limited_for)?;
        }
        if let Some((limiter, address)) = by_address.as_ref().zip(address) {
            limiter
                .take(client_network(address), cost)
                .map_err(ApiError::rate_limited_for)?;
        }
        Ok(())
    }
}
