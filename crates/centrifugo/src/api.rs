//! What the server API takes and answers, and what an answer means for each
//! channel. Pure: no I/O.

use plaza_types::UserId;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::Channel;

/// One command of a batch.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Command<'a> {
    /// `data` to one channel.
    Publish {
        /// The channel.
        channel: Channel,
        /// The publication, passed through as it is.
        data: &'a RawValue,
    },
    /// The same `data` to each of many channels.
    Broadcast {
        /// The channels; a channel occurs once.
        channels: &'a [Channel],
        /// The publication, passed through as it is.
        data: &'a RawValue,
    },
    /// Closes every connection of a user, on every node. Its outcome counts as
    /// that of one channel. Nodes get it at most once.
    Disconnect {
        /// Whose.
        user: UserId,
        /// What the client is told.
        disconnect: Close,
    },
    /// Ends a user's subscriptions to a channel, in every connection and on
    /// every node; a user who has none is no error. Clients do not come back by
    /// themselves. Its outcome counts as that of one channel. Nodes get it at
    /// most once.
    Unsubscribe {
        /// Whose.
        user: UserId,
        /// To which channel.
        channel: Channel,
    },
}

/// Why a connection was closed, for its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Close {
    code: u32,
    reason: &'static str,
}

impl Close {
    /// Connect again, with a new token: from 3000 to 3499 clients do.
    pub const COME_BACK: Self = Self {
        code: 3011,
        reason: "a session ended",
    };
    /// Do not come back: from 4500 to 4999 clients do not.
    pub const FOR_GOOD: Self = Self {
        code: 4501,
        reason: "account disabled",
    };
}

impl Command<'_> {
    /// How many channels it goes to.
    pub fn channels(&self) -> usize {
        match self {
            Self::Publish { .. } | Self::Disconnect { .. } | Self::Unsubscribe { .. } => 1,
            Self::Broadcast { channels, .. } => channels.len(),
        }
    }
}

/// A publication's place in the history of its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Grows by one with each publication of the channel.
    pub offset: u64,
    /// Another one than before means that the channel's history was lost.
    pub epoch: String,
}

/// What became of a publication in one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted; with a position where the channel has a history.
    Accepted(Option<Position>),
    /// Unknown or refused for now: the same content has to be sent again. It
    /// may have been published nevertheless.
    Retry {
        /// Centrifugo's error code.
        code: u32,
    },
    /// It can never succeed, however often it is sent.
    Never {
        /// Centrifugo's error code.
        code: u32,
        /// Centrifugo's wording.
        message: String,
    },
}

impl From<ErrorBody> for Outcome {
    fn from(error: ErrorBody) -> Self {
        // 100: internal error, outcome unknown; 111: too many requests. All
        // others are about the request itself (102 unknown channel, 107 bad
        // request, …).
        match error.code {
            code @ (100 | 111) => Self::Retry { code },
            code => Self::Never {
                code,
                message: error.message,
            },
        }
    }
}

#[derive(Serialize)]
pub(crate) struct BatchRequest<'a> {
    pub(crate) commands: &'a [Command<'a>],
    /// Commands of one batch go to different channels, so their order is free.
    pub(crate) parallel: bool,
}

/// Both the whole answer and one reply can be an error; errors come with
/// status 200.
#[derive(Deserialize)]
pub(crate) struct BatchResponse {
    #[serde(default)]
    pub(crate) replies: Vec<Reply>,
    pub(crate) error: Option<ErrorBody>,
}

#[derive(Deserialize)]
pub(crate) struct Reply {
    error: Option<ErrorBody>,
    publish: Option<PublishResult>,
    broadcast: Option<BroadcastResult>,
    disconnect: Option<IgnoredAny>,
    unsubscribe: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ErrorBody {
    #[serde(default)]
    pub(crate) code: u32,
    #[serde(default)]
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct PublishResult {
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    epoch: String,
}

#[derive(Deserialize)]
struct BroadcastResult {
    #[serde(default)]
    responses: Vec<ChannelReply>,
}

#[derive(Deserialize)]
struct ChannelReply {
    error: Option<ErrorBody>,
    result: Option<PublishResult>,
}

impl From<PublishResult> for Outcome {
    fn from(result: PublishResult) -> Self {
        Self::Accepted((!result.epoch.is_empty()).then_some(Position {
            offset: result.offset,
            epoch: result.epoch,
        }))
    }
}

/// One outcome for each of the command's channels, in their order; none when
/// the reply is not one to this command.
pub(crate) fn outcomes(command: &Command<'_>, reply: Reply) -> Option<Vec<Outcome>> {
    if let Some(error) = reply.error {
        return Some(vec![error.into(); command.channels()]);
    }
    match command {
        Command::Publish { .. } => Some(vec![reply.publish?.into()]),
        Command::Disconnect { .. } => reply.disconnect.map(|_| vec![Outcome::Accepted(None)]),
        Command::Unsubscribe { .. } => reply.unsubscribe.map(|_| vec![Outcome::Accepted(None)]),
        Command::Broadcast { channels, .. } => {
            let responses = reply.broadcast?.responses;
            if responses.len() != channels.len() {
                return None;
            }
            responses
                .into_iter()
                .map(|response| match (response.error, response.result) {
                    (Some(error), _) => Some(error.into()),
                    (None, Some(result)) => Some(result.into()),
                    (None, None) => None,
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_types::UserId;

    fn parse(command: &Command<'_>, reply: &str) -> Option<Vec<Outcome>> {
        outcomes(command, serde_json::from_str(reply).unwrap())
    }

    #[test]
    fn commands_are_spelled_as_centrifugo_reads_them() {
        let data = RawValue::from_string(r#"{"v":1,"events":[]}"#.into()).unwrap();
        let user = UserId::new();
        let commands = [
            Command::Publish {
                channel: Channel::Pulse,
                data: &data,
            },
            Command::Broadcast {
                channels: &[Channel::Personal(user)],
                data: &data,
            },
        ];
        let text = serde_json::to_string(&BatchRequest {
            commands: &commands,
            parallel: true,
        })
        .unwrap();
        assert_eq!(
            text,
            format!(
                r#"{{"commands":[{{"publish":{{"channel":"pulse:all","data":{{"v":1,"events":[]}}}}}},{{"broadcast":{{"channels":["personal:{user}"],"data":{{"v":1,"events":[]}}}}}}],"parallel":true}}"#
            )
        );
    }

    #[test]
    fn every_channel_of_a_broadcast_has_its_own_outcome() {
        let data = RawValue::from_string("{}".into()).unwrap();
        let channels = [
            Channel::Personal(UserId::new()),
            Channel::Pulse,
            Channel::Pulse,
        ];
        let command = Command::Broadcast {
            channels: &channels,
            data: &data,
        };
        let reply = r#"{"broadcast":{"responses":[
            {"result":{"offset":3,"epoch":"E"}},
            {"error":{"code":100,"message":"internal server error"}},
            {"error":{"code":102,"message":"unknown channel"}}]}}"#;
        assert_eq!(
            parse(&command, reply).unwrap(),
            [
                Outcome::Accepted(Some(Position {
                    offset: 3,
                    epoch: "E".into()
                })),
                Outcome::Retry { code: 100 },
                Outcome::Never {
                    code: 102,
                    message: "unknown channel".into()
                },
            ]
        );
        let short = r#"{"broadcast":{"responses":[{"result":{}}]}}"#;
        assert_eq!(parse(&command, short), None, "an answer is missing");
        assert_eq!(parse(&command, r#"{"publish":{}}"#), None, "another answer");
        let failed = r#"{"error":{"code":100,"message":""}}"#;
        assert_eq!(
            parse(&command, failed).unwrap(),
            vec![Outcome::Retry { code: 100 }; 3]
        );
    }

    #[test]
    fn a_user_is_disconnected_with_a_code_and_the_answer_is_checked() {
        let user = UserId::new();
        let command = Command::Disconnect {
            user,
            disconnect: Close::COME_BACK,
        };
        assert_eq!(
            serde_json::to_value(&command).unwrap(),
            serde_json::json!({ "disconnect": {
                "user": user, "disconnect": { "code": 3011, "reason": "a session ended" },
            } })
        );
        assert_eq!(
            parse(&command, r#"{"disconnect":{}}"#).unwrap(),
            [Outcome::Accepted(None)]
        );
        let down = r#"{"error":{"code":100,"message":"internal server error"}}"#;
        assert_eq!(
            parse(&command, down).unwrap(),
            [Outcome::Retry { code: 100 }]
        );
        assert_eq!(parse(&command, "{}"), None, "nothing was done");
    }

    #[test]
    fn a_subscription_is_ended_and_the_answer_is_checked() {
        let (user, room) = (UserId::new(), plaza_types::RoomId::new());
        let channel = Channel::Room(room, plaza_types::Generation::ZERO.next());
        let command = Command::Unsubscribe { user, channel };
        assert_eq!(
            serde_json::to_value(&command).unwrap(),
            serde_json::json!({ "unsubscribe": {
                "user": user, "channel": format!("room:{room}.1"),
            } })
        );
        assert_eq!(
            parse(&command, r#"{"unsubscribe":{}}"#).unwrap(),
            [Outcome::Accepted(None)]
        );
        let down = r#"{"error":{"code":100,"message":"internal server error"}}"#;
        assert_eq!(
            parse(&command, down).unwrap(),
            [Outcome::Retry { code: 100 }]
        );
        assert_eq!(parse(&command, "{}"), None, "nothing was done");
    }

    #[test]
    fn a_channel_without_history_has_no_position() {
        let data = RawValue::from_string("{}".into()).unwrap();
        let command = Command::Publish {
            channel: Channel::Pulse,
            data: &data,
        };
        assert_eq!(
            parse(&command, r#"{"publish":{}}"#).unwrap(),
            [Outcome::Accepted(None)]
        );
        assert_eq!(parse(&command, "{}"), None);
    }
}
