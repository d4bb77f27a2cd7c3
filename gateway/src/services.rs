use plaza_clients::{
    ClientError, PeersArgs, auth::AuthClient, messages::MessagesClient, rooms::RoomsClient,
};
use plaza_kit::{http::chain, http_client::PeerError};
use plaza_types::ApiError;

/// Clients of the services that the schema stands on.
#[derive(Debug, Clone)]
pub struct Services {
    /// Accounts, sessions and tokens.
    pub auth: AuthClient,
    /// Rooms and members.
    pub rooms: RoomsClient,
    /// Messages and read state.
    pub messages: MessagesClient,
}

impl Services {
    /// Of the services at these addresses; none of them is called.
    pub fn new(peers: &PeersArgs) -> Result<Self, PeerError> {
        Ok(Self {
            auth: AuthClient::new(&peers.auth_url)?,
            rooms: RoomsClient::new(&peers.rooms_url)?,
            messages: MessagesClient::new(&peers.messages_url)?,
        })
    }
}

/// What the caller is told about a call that failed. A refusal is the
/// service's own word and passes; a lost service is logged here, once.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn refused(error: ClientError) -> ApiError {
    match &error {
        ClientError::Refused { .. } => {}
        ClientError::Unreachable { service, .. } => {
            metrics::counter!("plaza_gateway_unreachable_total", "service" => *service)
                .increment(1);
            tracing::warn!(error = chain(&error), "{service} does not answer");
        }
        ClientError::Unreadable { .. } | ClientError::Sign(_) => {
            tracing::error!(error = chain(&error), "a call to a service failed");
        }
    }
    ApiError::from(&error)
}
