//! How much may be asked: by cost, for each user and each address.

use std::net::IpAddr;

use plaza_kit::{
    limit::{Limiter, Rate, client_network},
    token::Caller,
};
use plaza_types::{ApiError, UserId};

/// What every request costs beside its fields: being read and checked.
const REQUEST: u64 = 10;

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

/// Who pays for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payer {
    /// Whoever asks without a valid token.
    Anonymous,
    /// A signed-in user.
    User(UserId),
    /// Nobody: it is a load test's, by the mark that auth signed.
    Synthetic,
}

impl Payer {
    /// By the access token; none: without a valid one.
    pub(crate) fn of(caller: Option<&Caller>) -> Self {
        match caller {
            None => Self::Anonymous,
            Some(caller) if caller.synthetic => Self::Synthetic,
            Some(caller) => Self::User(caller.user),
        }
    }
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

    /// Takes what every request costs. RATE_LIMITED when this user, or else
    /// this address, has asked too much.
    pub(crate) fn take_request(
        &self,
        payer: Payer,
        address: Option<IpAddr>,
    ) -> Result<(), ApiError> {
        self.take(payer, address, 0, REQUEST)
    }

    /// Takes what the fields of a request cost, after
    /// [`take_request`](Self::take_request).
    pub(crate) fn take_fields(
        &self,
        payer: Payer,
        address: Option<IpAddr>,
        cost: usize,
    ) -> Result<(), ApiError> {
        let cost = u64::try_from(cost).unwrap_or(u64::MAX);
        self.take(payer, address, REQUEST, cost)
    }

    fn take(
        &self,
        payer: Payer,
        address: Option<IpAddr>,
        before: u64,
        cost: u64,
    ) -> Result<(), ApiError> {
        let (by_user, by_address) = match payer {
            Payer::User(user) => (self.users.as_ref().zip(Some(user)), &self.addresses),
            Payer::Anonymous => (None, &self.anonymous),
            Payer::Synthetic => return Ok(()),
        };
        if let Some((limiter, user)) = by_user {
            limiter
                .take(user, before, cost)
                .map_err(ApiError::rate_limited_for)?;
        }
        if let Some((limiter, address)) = by_address.as_ref().zip(address) {
            limiter
                .take(client_network(address), before, cost)
                .map_err(ApiError::rate_limited_for)?;
        }
        Ok(())
    }
}
