//! Asks rooms who reads a room, until it has answered.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_clients::{
    As, ClientError,
    rooms::{EarlyMembers, RoomsClient},
};
use plaza_kit::{
    retry::{Backoff, Outage},
    shutdown::Shutdown,
    token::ServiceTokens,
};
use plaza_types::{Code, RoomId};

use super::{Stopped, rooms::Room};

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// What rooms know. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    client: RoomsClient,
    tokens: ServiceTokens,
    outage: Outage,
}

impl Directory {
    pub(super) fn new(client: RoomsClient, tokens: ServiceTokens) -> Self {
        Self {
            client,
            tokens,
            outage: Outage::new("rooms"),
        }
    }

    /// The readers of a room as they are now; none when there is no such room.
    /// With a time, also in room mode those who were members by then. Waits
    /// while rooms does not answer, until the shutdown finishes.
    pub(super) async fn room(
        &self,
        room: RoomId,
        joined_by: Option<DateTime<Utc>>,
        shutdown: &Shutdown,
    ) -> Result<Option<Room>, Stopped> {
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY);
        loop {
            let who = As::Service(&self.tokens);
            let answer = match joined_by {
                None => self.client.fanout(who, room).await,
                Some(joined_by) => {
                    let query = EarlyMembers { joined_by };
                    self.client
                        .fanout_with_early_members(who, room, &query)
                        .await
                }
            };
            match answer {
                Ok(fanout) => {
                    self.outage.answered();
                    return Ok(Some(Room::new(room, fanout)));
                }
                Err(error) if error.code() == Some(Code::NotFound) => {
                    self.outage.answered();
                    return Ok(None);
                }
                Err(error) => self.failed(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(backoff.delay()) => {}
                () = shutdown.finishing() => return Err(Stopped),
            }
        }
    }

    fn failed(&self, error: &ClientError) {
        metrics::counter!("plaza_publisher_retries_total", "of" => "rooms").increment(1);
        self.outage.failed(error);
    }
}
