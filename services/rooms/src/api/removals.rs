//! `GET /internal/removals`

use axum::extract::State;
use plaza_clients::rooms::Removal;
use plaza_kit::{
    feed::{FeedAnswer, FeedQuery},
    http::{Json, Query, Reject},
    token::ServiceCaller,
};

use super::Api;

/// Whose access ended or changed since a number; kept for 5 minutes.
pub(super) async fn removals(
    State(api): State<Api>,
    _service: ServiceCaller,
    Query(query): Query<FeedQuery>,
) -> Result<Json<FeedAnswer<Removal>>, Reject> {
    Ok(Json(api.store.removals(query).await?))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::Duration};

    use http::StatusCode;
    use plaza_testkit::{Issuer, Request};
    use plaza_types::{Epoch, RoomId, UserId};

    use super::super::testing::Bench;
    use super::*;

    async fn ask(bench: &Bench, since: i64, epoch: Epoch) -> FeedAnswer<Removal> {
        let path = format!("/internal/removals?since={since}&epoch={epoch}");
        let answer = bench.send_internal(Request::get(path)).await;
        answer.expect(StatusCode::OK).parse()
    }

    /// A room that `count` members have left; the last first.
    async fn left(bench: &Bench, count: usize) -> (RoomId, Vec<UserId>) {
        let room = bench.create(&Issuer::person("ada"), "Rust").await.id;
        let mut users = Vec::new();
        for _ in 0..count {
            let bob = Issuer::person("bob");
            bench.join(&bob, room).await.expect(StatusCode::OK);
            bench.leave(&bob, room).await.expect(StatusCode::OK);
            users.push(bob.id);
        }
        (room, users)
    }

    #[tokio::test]
    async fn a_poller_gets_everything_first_and_then_what_is_new() {
        let bench = Bench::new().await;
        let first: FeedAnswer<Removal> = bench
            .send_internal(Request::get("/internal/removals"))
            .await
            .parse();
        assert!(first.replace && first.entries.is_empty());
        assert_eq!((first.last, first.epoch), (0, bench.epoch));

        let (room, users) = left(&bench, 3).await;
        let next = ask(&bench, first.last, bench.epoch).await;
        assert!(!next.replace);
        assert_eq!(next.last, 3);
        let found: Vec<_> = next
            .entries
            .iter()
            .map(|e| (e.number, e.entry.room_id, e.entry.user_id))
            .collect();
        let expected: Vec<_> = (1..)
            .zip(&users)
            .map(|(n, u)| (n, room, Some(*u)))
            .collect();
        assert_eq!(found, expected);

        let nothing = ask(&bench, next.last, bench.epoch).await;
        assert!(!nothing.replace && nothing.entries.is_empty());
        assert_eq!(nothing.last, 3);
    }

    #[tokio::test]
    async fn a_poller_of_another_epoch_or_of_long_ago_gets_the_whole_list() {
        let bench = Bench::new().await;
        left(&bench, 3).await;
        let other = ask(&bench, 2, Epoch::new()).await;
        assert!(other.replace);
        assert_eq!(other.entries.len(), 3);
        let future = ask(&bench, 9, bench.epoch).await;
        assert!(future.replace);
        assert_eq!((future.last, future.entries.len()), (3, 3));

        let store = bench.store.clone();
        assert_eq!(
            store.forget_removals(Duration::from_mins(5)).await.unwrap(),
            0
        );
        assert_eq!(store.forget_removals(Duration::ZERO).await.unwrap(), 3);
        left(&bench, 1).await;
        let behind = ask(&bench, 2, bench.epoch).await;
        assert!(behind.replace, "number 3 is forgotten");
        assert_eq!((behind.last, behind.entries.len()), (4, 1));
        assert!(!ask(&bench, 3, bench.epoch).await.replace);
    }

    #[tokio::test]
    async fn a_long_list_comes_in_parts() {
        let bench = Bench::new().await;
        sqlx::query(
            "WITH feed AS (UPDATE removal_feed SET last = 10003)
             INSERT INTO removals (number, room_id)
             SELECT n, gen_random_uuid() FROM generate_series(1, 10003) AS n",
        )
        .execute(&bench.database.pool)
        .await
        .unwrap();
        let first = ask(&bench, 0, Epoch::new()).await;
        assert!(first.replace);
        assert_eq!((first.last, first.entries.len()), (10_000, 10_000));
        assert_eq!(first.entries[0].entry.user_id, None, "everybody's");
        let rest = ask(&bench, first.last, bench.epoch).await;
        assert!(!rest.replace);
        assert_eq!((rest.last, rest.entries.len()), (10_003, 3));
    }

    /// A poller that sees number n must never find a lower one later.
    #[tokio::test(flavor = "multi_thread")]
    async fn removals_of_many_rooms_at_once_become_visible_in_order() {
        let bench = Bench::new().await;
        let mut pairs = Vec::new();
        for _ in 0..24 {
            let (ada, bob) = (Issuer::person("ada"), Issuer::person("bob"));
            let room = bench.create(&ada, "Rust").await.id;
            bench.join(&bob, room).await.expect(StatusCode::OK);
            pairs.push((bob, room));
        }
        let leaves = pairs.iter().map(|(bob, room)| bench.leave(bob, *room));
        let poller = async {
            let mut seen = BTreeSet::new();
            let mut since = 0;
            while seen.len() < pairs.len() {
                let answer = ask(&bench, since, bench.epoch).await;
                for entry in answer.entries {
                    assert!(entry.number > since, "{} came late", entry.number);
                    assert!(seen.insert(entry.number));
                }
                since = answer.last;
            }
            since
        };
        let (_, last) = futures::future::join(futures::future::join_all(leaves), poller).await;
        assert_eq!(last, 24, "numbers are gapless");
    }

    #[tokio::test]
    async fn it_is_for_services_only() {
        let bench = Bench::new().await;
        bench
            .refuses_users(|| Request::get("/internal/removals"))
            .await;
    }
}
