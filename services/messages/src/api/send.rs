//! `POST /v1/rooms/{room}/messages`: sends a message. The answer comes after
//! the commit; the same `clientMessageId` again answers the first message.

use axum::extract::State;
use chrono::Utc;
use plaza_clients::messages::Send;
use plaza_kit::{
    http::{Json, Path, Reject},
    token::Caller,
};
use plaza_types::{
    ApiError, ClientMessageId, Code, Message, MessageContent, MessageId, Person, RoomId, TextError,
};

use super::Parts;
use crate::{
    access::AccessError,
    domain::Draft,
    storage::{Sent, StorageError},
};

/// Why nothing was accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error("the content is refused")]
    Content(#[source] TextError),
    #[error("the client message id is refused")]
    ClientMessageId(#[source] TextError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error("the client message id stands for another message")]
    Conflict,
    #[error("what it answers is not in the room")]
    NoSuchReply,
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<SendError> for Reject {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Content(error) => Self::text("content", &error),
            SendError::ClientMessageId(error) => Self::text("clientMessageId", &error),
            SendError::Access(error) => error.into(),
            SendError::Conflict => Self(ApiError {
                field: Some("clientMessageId".into()),
                ..ApiError::new(
                    Code::Conflict,
                    "This clientMessageId was used for another message. Send with a new one.",
                )
            }),
            SendError::NoSuchReply => Self(ApiError::bad_input(
                "replyTo",
                "The message to reply to is not in this room.",
            )),
            SendError::Storage(error) => error.into(),
        }
    }
}

pub(super) async fn handle(
    State(parts): State<Parts>,
    caller: Caller,
    Path(room): Path<RoomId>,
    Json(input): Json<Send>,
) -> Result<Json<Message>, Reject> {
    Ok(Json(send(&parts, caller, room, &input).await?))
}

async fn send(
    parts: &Parts,
    caller: Caller,
    room: RoomId,
    input: &Send,
) -> Result<Message, SendError> {
    let content = MessageContent::parse(&input.content).map_err(SendError::Content)?;
    let client_message_id =
        ClientMessageId::parse(&input.client_message_id).map_err(SendError::ClientMessageId)?;
    parts.gate.write(&caller, room, Utc::now()).await?;

    let draft = Draft {
        room,
        author: Person {
            id: caller.user,
            username: caller.username,
            display_name: caller.name,
        },
        id: MessageId::new(),
        client_message_id,
        content,
        reply_to: input.reply_to,
    };
    match parts.store.accept(draft).await? {
        Sent::Created(message) | Sent::Repeated(message) => Ok(message),
        Sent::Conflict => Err(SendError::Conflict),
        Sent::NoSuchReply => Err(SendError::NoSuchReply),
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use http::StatusCode;
    use plaza_events::{Body, Event, Partition};
    use plaza_testkit::{Request, eventually};
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{Bench, HOSTILE_TEXTS, SOON, person};

    #[tokio::test]
    async fn a_message_is_stored_with_its_event_and_its_authors_mark() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        bench.sent(&ada, room, "c1", "first").await;
        let message = bench.sent(&ada, room, "c2", "*second*").await;

        assert_eq!((message.seq.get(), message.number.get()), (2, 2));
        assert_eq!(message.changed_seq, message.seq);
        assert_eq!((message.author_id, message.room_id), (ada.id, room));
        assert_eq!(message.content, "*second*");
        let expected = Event {
            room: Some(room),
            epoch: bench.epoch,
            time: message.created_at,
            body: Body::MessageCreated {
                seq: message.seq,
                message,
                author: ada.clone(),
            },
        };
        assert_eq!(bench.events().await.pop(), Some(expected));
        let (key, partition): (String, i16) =
            sqlx::query_as("SELECT key, partition FROM outbox ORDER BY id DESC LIMIT 1")
                .fetch_one(&bench.pool)
                .await
                .unwrap();
        assert_eq!(key, room.to_string());
        assert_eq!(partition, Partition::of(&key).number());
        let head = bench.heads(&ada, &[room], false).await.remove(0);
        assert_eq!(head.read_number, head.last_number);
    }

    #[tokio::test]
    async fn an_event_is_stored_as_browsers_get_it() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let sent = bench.sent(&ada, room, "c1", "text").await;
        let stored: Value = sqlx::query_scalar("SELECT event FROM outbox")
            .fetch_one(&bench.pool)
            .await
            .unwrap();
        let typed: Event = serde_json::from_value(stored.clone()).unwrap();
        let at = sent.created_at;
        let mut expected = serde_json::to_value(typed).unwrap();
        // Three digits always; the library leaves out trailing zeros.
        let text = at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        expected["time"] = json!(text);
        expected["message"]["createdAt"] = json!(text);
        assert_eq!(stored, expected);
    }

    /// Sends them while the room's head is locked, so that all but the first
    /// wait for it.
    async fn sent_meanwhile(
        bench: &Bench,
        room: RoomId,
        author: &Person,
        texts: &[String],
    ) -> Vec<StatusCode> {
        let mut holder = bench.pool.begin().await.unwrap();
        sqlx::query("SELECT FROM room_heads WHERE room_id = $1 FOR UPDATE")
            .bind(room.uuid())
            .execute(&mut *holder)
            .await
            .unwrap();
        let sends = texts
            .iter()
            .map(|text| bench.send(author, room, text, text));
        let sends = futures::future::join_all(sends);
        let release = async {
            // The first holds a connection and waits for the lock, and the
            // others were taken in before: they are polled in turn.
            eventually(SOON, async || {
                let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                               AND wait_event_type = 'Lock'";
                let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&bench.pool).await.unwrap();
                waiting > 0
            })
            .await;
            holder.rollback().await.unwrap();
        };
        let (answers, ()) = tokio::join!(sends, release);
        answers.into_iter().map(|answer| answer.status).collect()
    }

    #[tokio::test]
    async fn what_arrives_while_a_commit_runs_is_committed_together() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        bench.sent(&ada, room, "c0", "before").await;
        let texts: Vec<_> = (1..=40).map(|n| format!("c{n}")).collect();
        let answers = sent_meanwhile(&bench, room, &ada, &texts).await;
        assert_eq!(answers, [StatusCode::OK; 40]);
        // One row each, in few transactions: that of the first, and those of the rest.
        let committed: (i64, i64) = sqlx::query_as(
            "SELECT count(*), count(DISTINCT xmin::text) FROM messages WHERE number > 1",
        )
        .fetch_one(&bench.pool)
        .await
        .unwrap();
        assert_eq!(committed.0, 40);
        assert!(committed.1 <= 3, "{committed:?}");
    }

    #[tokio::test]
    async fn of_a_group_that_fails_the_bad_one_fails_alone() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        bench.sent(&ada, room, "c0", "before").await;
        // The database refuses what the service finds nothing wrong with.
        sqlx::raw_sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF NEW.content = 'c3' THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse();",
        )
        .execute(&bench.pool)
        .await
        .unwrap();
        let texts: Vec<_> = (1..=5).map(|n| format!("c{n}")).collect();
        let answers = sent_meanwhile(&bench, room, &ada, &texts).await;
        let bad = StatusCode::INTERNAL_SERVER_ERROR;
        let ok = StatusCode::OK;
        assert_eq!(answers, [ok, ok, bad, ok, ok]);
        let (messages, seq, _, _) = bench.stored().await;
        assert_eq!((messages, seq), (5, 5), "and it leaves no gap");
    }

    #[tokio::test]
    async fn a_reply_is_to_a_message_of_the_same_room() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let (room, other) = (bench.room(&[&ada]), bench.room(&[&ada]));
        let here = bench.sent(&ada, room, "c1", "question").await;
        let there = bench.sent(&ada, other, "c1", "elsewhere").await;
        let reply = |to: MessageId| json!({ "content": "answer", "clientMessageId": format!("to-{to}"), "replyTo": to });
        let good = bench.ask(&ada, Bench::sending(room, &reply(here.id))).await;
        let good: Message = good.expect(StatusCode::OK).parse();
        assert_eq!(good.reply_to, Some(here.id));

        let before = bench.stored().await;
        for to in [there.id, MessageId::new()] {
            let bad = bench.ask(&ada, Bench::sending(room, &reply(to))).await;
            assert_eq!(bad.code(), "BAD_USER_INPUT");
            assert_eq!(bad.json()["error"]["field"], "replyTo");
        }
        assert_eq!(bench.stored().await, before);
    }

    #[tokio::test]
    async fn only_members_who_are_not_muted_write() {
        let bench = Bench::new().await;
        let (ada, eve, mia) = (person("ada"), person("eve"), person("mia"));
        let room = bench.room(&[&ada, &mia]);
        let private = bench.rooms.private(&[&ada]);
        let until = Utc::now() + Duration::hours(1);
        bench.rooms.mute(room, &mia, until);

        let stranger = bench.send(&eve, room, "c1", "hi").await;
        assert_eq!(stranger.code(), "FORBIDDEN");
        assert_eq!(
            bench.send(&eve, private, "c1", "hi").await.code(),
            "NOT_FOUND"
        );
        let nowhere = bench.send(&eve, RoomId::new(), "c1", "hi").await;
        assert_eq!(nowhere.code(), "NOT_FOUND");
        let muted = bench.send(&mia, room, "c1", "hi").await;
        assert_eq!(muted.code(), "FORBIDDEN");
        let told = until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        assert!(muted.text().contains(&told), "{}", muted.text());
        assert_eq!(bench.stored().await, (0, 0, 0, 0));

        bench
            .rooms
            .mute(room, &mia, Utc::now() - Duration::seconds(1));
        eventually(SOON, async || {
            bench.send(&mia, room, "c1", "hi").await.status == StatusCode::OK
        })
        .await;
    }

    #[tokio::test]
    async fn bad_input_is_named_and_nothing_is_stored() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let good = json!({ "content": "hi", "clientMessageId": "c1" });
        let with = |field: &str, value: Value| {
            let mut body = good.clone();
            body[field] = value;
            body.to_string()
        };
        let mut bodies = vec![
            String::new(),
            "{".into(),
            "[]".into(),
            "null".into(),
            json!({ "clientMessageId": "c1" }).to_string(),
            json!({ "content": "hi" }).to_string(),
            with("content", json!("")),
            with("content", json!(" \n\t ")),
            with("content", json!("x".repeat(4_001))),
            with("content", json!(7)),
            with("content", Value::Null),
            with("content", json!(["hi"])),
            with("clientMessageId", json!("")),
            with("clientMessageId", json!("x".repeat(65))),
            with("clientMessageId", json!("with space")),
            with("clientMessageId", json!("naïve")),
            with("clientMessageId", json!({})),
            with("replyTo", json!("not an id")),
            with("replyTo", json!(5)),
        ];
        for text in HOSTILE_TEXTS {
            bodies.push(format!(r#"{{"content":"{text}","clientMessageId":"c1"}}"#));
            bodies.push(format!(r#"{{"content":"hi","clientMessageId":"{text}"}}"#));
        }
        bodies.push(with("content", json!("x".repeat(1 << 20))));
        bodies.push(with("clientMessageId", json!("x".repeat(1 << 20))));
        for body in bodies {
            let request = Request::post(format!("/v1/rooms/{room}/messages"));
            let answer = bench
                .ask(&ada, request.body("application/json", body.clone()))
                .await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{body:.120}");
        }
        let plain = Request::post(format!("/v1/rooms/{room}/messages"));
        let answer = bench
            .ask(&ada, plain.body("text/plain", good.to_string()))
            .await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let nowhere = Request::post("/v1/rooms/not-an-id/messages").json(&good);
        assert_eq!(bench.ask(&ada, nowhere).await.code(), "NOT_FOUND");
        assert_eq!(bench.stored().await, (0, 0, 0, 0));
    }

    #[tokio::test]
    async fn text_is_kept_as_typed() {
        let bench = Bench::new().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        for (n, text) in [
            "  <b>\r\n'; DROP TABLE messages; --\t",
            "👩\u{200d}🚀 e\u{301}",
        ]
        .into_iter()
        .enumerate()
        {
            let sent = bench.sent(&ada, room, &format!("c{n}"), text).await;
            assert_eq!(sent.content, text);
        }
    }

    #[tokio::test]
    async fn with_real_time_off_no_event_is_written() {
        let bench = Bench::without_realtime().await;
        let ada = person("ada");
        let room = bench.room(&[&ada]);
        let message = bench.sent(&ada, room, "c1", "hi").await;
        bench
            .edit(&ada, message.id, "hello")
            .await
            .expect(StatusCode::OK);
        bench.delete(&ada, message.id).await.expect(StatusCode::OK);
        bench
            .mark_read(&ada, room, Value::Null)
            .await
            .expect(StatusCode::OK);
        let (messages, seq, _, events) = bench.stored().await;
        assert_eq!((messages, seq, events), (1, 3, 0));
    }
}
