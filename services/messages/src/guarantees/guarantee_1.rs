//! Guarantee 1: accepted means stored.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use http::StatusCode;
use plaza_testkit::{eventually, own_postgres};
use plaza_types::{Message, MessageId};
use uuid::Uuid;

use crate::testing::{Bench, SOON, person};

/// Makes commits that write into `table` fail, at the commit and not before.
async fn fail_commits(bench: &Bench, table: &str) {
    let statements = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'refused at the commit'; END $$;
         CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON {table}
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements))
        .execute(&bench.pool)
        .await
        .unwrap();
}

#[tokio::test]
async fn guarantee_1_a_commit_that_fails_is_not_answered_as_accepted() {
    let bench = Bench::new().await;
    let ada = person("ada");
    let room = bench.room(&[&ada]);
    let message = bench.sent(&ada, room, "c1", "first").await;
    let before = bench.stored().await;
    fail_commits(&bench, "messages").await;

    let answers = [
        ("send", bench.send(&ada, room, "c2", "second").await),
        ("edit", bench.edit(&ada, message.id, "other").await),
        ("delete", bench.delete(&ada, message.id).await),
    ];

    for (what, answer) in answers {
        let failed = StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(answer.status, failed, "{what}: {}", answer.text());
        assert_eq!(answer.code(), "INTERNAL");
        assert!(!answer.text().contains("refused"), "{}", answer.text());
    }
    assert_eq!(bench.stored().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guarantee_1_what_was_answered_survives_a_killed_database() {
    const WRITERS: usize = 8;
    const ANSWERED: usize = 300;
    let mut postgres = own_postgres(&crate::MIGRATOR).await;
    let bench = Arc::new(Bench::over(postgres.pool(), &postgres.url).await);
    let people: Vec<_> = (0..WRITERS).map(|n| person(&format!("p{n}"))).collect();
    let members: Vec<_> = people.iter().collect();
    let room = bench.room(&members);

    let count = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = people
        .into_iter()
        .map(|who| {
            let (bench, count) = (bench.clone(), count.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for n in 0.. {
                    let answer = bench.send(&who, room, &format!("c{n}"), "kept").await;
                    if answer.status != StatusCode::OK {
                        break;
                    }
                    answered.push(answer.parse::<Message>().id);
                    count.fetch_add(1, Ordering::Relaxed);
                }
                answered
            })
        })
        .collect();
    eventually(SOON, async || count.load(Ordering::Relaxed) >= ANSWERED).await;
    postgres.kill().await;
    let mut answered: Vec<MessageId> = Vec::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }

    postgres.start().await;
    let stored: Vec<Uuid> = eventually(SOON, async || {
        sqlx::query_scalar("SELECT id FROM messages")
            .fetch_all(&bench.pool)
            .await
    })
    .await;
    let stored: HashSet<MessageId> = stored.into_iter().map(MessageId).collect();
    let lost = answered.iter().filter(|id| !stored.contains(id)).count();
    assert_eq!(lost, 0, "lost of {} answered messages", answered.len());
}
