//! Sessions of browsers: the cookie, and refreshing it from many tabs at once.

use std::time::Duration;

use futures::future::join_all;
use plaza_testkit::eventually;
use serde_json::json;

use crate::support::{Answer, Plaza};

const REFRESH: &str = "mutation { refreshSession { accessToken user { id } } }";

async fn browser(plaza: &Plaza) -> String {
    let name = plaza.person().await.username;
    let answer = plaza
        .graphql(
            None,
            "mutation($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }",
            json!({ "input": { "username": name, "password": "correct horse battery" } }),
        )
        .await;
    assert!(
        answer.data()["login"]["refreshToken"].is_null(),
        "a browser's refresh token stays in the cookie"
    );
    let header = answer.headers["set-cookie"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict"] {
        assert!(header.contains(attribute), "{header}");
    }
    answer.cookie().expect("a cookie")
}

async fn refresh(plaza: &Plaza, cookie: &str) -> Answer {
    plaza
        .request(&json!({ "query": REFRESH }), |request| {
            request.header("cookie", cookie)
        })
        .await
}

async fn works(plaza: &Plaza, answer: &Answer) {
    let token = answer.data()["refreshSession"]["accessToken"]
        .as_str()
        .expect("a token");
    let me = plaza.graphql(Some(token), "{ me { id } }", json!({})).await;
    assert_eq!(
        me.data()["me"]["id"],
        answer.data()["refreshSession"]["user"]["id"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_survives_tabs_that_refresh_at_once_and_ends_for_good() {
    let plaza = Plaza::start_with(&["--realtime-off"]).await;
    for tabs in [2, 10] {
        let cookie = browser(&plaza).await;
        let answers = join_all((0..tabs).map(|_| refresh(&plaza, &cookie))).await;
        for answer in &answers {
            works(&plaza, answer).await;
            // Whatever cookie the browser ends up with continues the session.
            works(
                &plaza,
                &refresh(&plaza, &answer.cookie().expect("a cookie")).await,
            )
            .await;
        }
    }

    // The answer to the first refresh was lost: the same cookie again.
    let cookie = browser(&plaza).await;
    let lost = refresh(&plaza, &cookie).await;
    let again = refresh(&plaza, &cookie).await;
    works(&plaza, &again).await;
    assert_eq!(lost.cookie(), again.cookie(), "the same successor");

    // One from two generations ago was stolen: the session ends for everybody.
    let second = again.cookie().expect("a cookie");
    let third = refresh(&plaza, &second).await;
    assert_eq!(refresh(&plaza, &cookie).await.code(), "UNAUTHENTICATED");
    assert_eq!(
        refresh(&plaza, &third.cookie().expect("a cookie"))
            .await
            .code(),
        "UNAUTHENTICATED"
    );

    // A logout ends the session everywhere, and takes the cookie away.
    let cookie = browser(&plaza).await;
    let session = refresh(&plaza, &cookie).await;
    let token = session.data()["refreshSession"]["accessToken"]
        .as_str()
        .expect("a token")
        .to_owned();
    let out = plaza
        .request(&json!({ "query": "mutation { logout }" }), |request| {
            request
                .bearer_auth(&token)
                .header("cookie", session.cookie().expect("a cookie"))
        })
        .await;
    assert_eq!(out.data()["logout"], true);
    let gone = out.headers["set-cookie"].to_str().expect("ASCII");
    assert!(gone.contains("Max-Age=0"), "{gone}");
    assert_eq!(
        refresh(&plaza, &session.cookie().expect("a cookie"))
            .await
            .code(),
        "UNAUTHENTICATED"
    );
    // Every service learns of it within a second or two.
    eventually(Duration::from_secs(10), async || {
        let answer = plaza
            .graphql(Some(&token), "{ me { id } }", json!({}))
            .await;
        if answer.json["errors"].is_null() {
            Err("still signed in")
        } else {
            Ok(())
        }
    })
    .await;
    assert_eq!(
        plaza
            .graphql(Some(&token), "{ me { id } }", json!({}))
            .await
            .code(),
        "UNAUTHENTICATED"
    );
}
