//! Who is there: what the server API says of channels whose namespace keeps
//! presence.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{CallError, Channel, Client, api::ErrorBody, channel::LIVE};

#[derive(Serialize)]
struct Pattern {
    pattern: String,
}

#[derive(Deserialize)]
struct ChannelsResponse {
    result: Option<ChannelsResult>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct ChannelsResult {
    #[serde(default)]
    channels: HashMap<String, Open>,
}

#[derive(Deserialize)]
struct Open {
    #[serde(default)]
    num_clients: u32,
}

#[derive(Serialize)]
struct StatsRequest {
    commands: Vec<StatsCommand>,
    parallel: bool,
}

#[derive(Serialize)]
struct StatsCommand {
    presence_stats: OfChannel,
}

#[derive(Serialize)]
struct OfChannel {
    channel: Channel,
}

#[derive(Deserialize)]
struct StatsResponse {
    #[serde(default)]
    replies: Vec<StatsReply>,
    error: Option<ErrorBody>,
}

#[derive(Deserialize)]
struct StatsReply {
    presence_stats: Option<Stats>,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(default)]
    num_users: u32,
}

impl Client {
    /// The `live:` channels that somebody has open, on whichever node.
    pub async fn live_channels(&self) -> Result<Vec<Channel>, CallError> {
        let pattern = format!("{LIVE}:*");
        let response: ChannelsResponse = self.post("/api/channels", &Pattern { pattern }).await?;
        if let Some(error) = response.error {
            return Err(error.into());
        }
        let result = response.result.ok_or(CallError::Mismatch)?;
        let open = result.channels.iter();
        let open = open.filter(|(_, open)| open.num_clients > 0);
        Ok(open.filter_map(|(name, _)| name.parse().ok()).collect())
    }

    /// How many different users have each channel open, in their order; none:
    /// not known.
    pub async fn users_in(&self, channels: &[Channel]) -> Result<Vec<Option<u32>>, CallError> {
        let command = |channel: &Channel| StatsCommand {
            presence_stats: OfChannel { channel: *channel },
        };
        let request = StatsRequest {
            commands: channels.iter().map(command).collect(),
            parallel: true,
        };
        let response: StatsResponse = self.post("/api/batch", &request).await?;
        if let Some(error) = response.error {
            return Err(error.into());
        }
        if response.replies.len() != channels.len() {
            return Err(CallError::Mismatch);
        }
        let users = |reply: StatsReply| reply.presence_stats.map(|stats| stats.num_users);
        Ok(response.replies.into_iter().map(users).collect())
    }
}
