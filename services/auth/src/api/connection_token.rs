//! `POST /v1/connection-token`: a token for one connection to Centrifugo. It
//! costs a signature and no look-up, so that everybody can reconnect at once.

use axum::extract::State;
use chrono::{DateTime, Utc};
use plaza_clients::auth::ConnectionToken;
use plaza_kit::{
    http::{Json, Reject},
    token::Caller,
};

use crate::{app::App, domain::claims, keys::SignError};

fn issue(app: &App, caller: &Caller) -> Result<ConnectionToken, SignError> {
    let now = Utc::now();
    let claims = claims::connection(
        caller.user,
        caller.session,
        now,
        &app.policy,
        fastrand::f64(),
    );
    Ok(ConnectionToken {
        token: app.keys.sign(&claims)?,
        expires_at: DateTime::from_timestamp(claims.exp, 0).unwrap_or(now),
        channels: claims.channels.iter().map(ToString::to_string).collect(),
    })
}

pub(super) async fn handle(
    State(app): State<App>,
    caller: Caller,
) -> Result<Json<ConnectionToken>, Reject> {
    Ok(Json(issue(&app, &caller)?))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use jsonwebtoken::{Algorithm, Validation};
    use plaza_testkit::{
        Answer, Reply, Request, Socket, TestCentrifugo, TestCentrifugoOptions, centrifugo,
    };
    use plaza_types::SessionId;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::Installation;

    async fn ask(installation: &Installation, token: &str) -> Answer {
        let request = Request::post("/v1/connection-token").bearer(token);
        request.json(&Value::Null).send(&installation.router).await
    }

    #[tokio::test]
    async fn it_opens_the_callers_own_channel_without_the_database() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        installation.pool.close().await;
        let asked = Utc::now().timestamp();
        let answer = ask(&installation, &ada.access_token).await;
        let answer: ConnectionToken = answer.expect(StatusCode::OK).parse();

        let kid = jsonwebtoken::decode_header(&answer.token)
            .unwrap()
            .kid
            .unwrap();
        let key = installation.app.keys.verification().get(&kid).unwrap();
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&["centrifugo"]);
        validation.set_issuer(&["plaza"]);
        let claims = jsonwebtoken::decode::<Value>(&answer.token, &key, &validation)
            .unwrap()
            .claims;
        let channels = json!([format!("personal:{}", ada.user.id)]);
        assert_eq!(claims["sub"], json!(ada.user.id));
        assert_eq!(claims["channels"], channels);
        assert_eq!(json!(answer.channels), channels);
        let exp = claims["exp"].as_i64().unwrap();
        assert!((asked + 6..=asked + 8).contains(&exp), "{exp}");
        assert_eq!(answer.expires_at.timestamp(), exp);
        let lives = claims["expire_at"].as_i64().unwrap() - asked;
        assert!((2_880..=4_322).contains(&lives), "{lives}");
        let access = installation.app.verifier.verify(&ada.access_token).unwrap();
        assert_eq!(claims["meta"]["sid"], json!(access.sid));
    }

    async fn connect(centrifugo: &TestCentrifugo, token: &str) -> Reply {
        let command = json!({ "id": 1, "connect": { "token": token } });
        let mut socket = Socket::open(&centrifugo.ws_url).await.unwrap();
        socket.send(&command).await.unwrap();
        socket.receive().await
    }

    #[tokio::test]
    async fn centrifugo_takes_it_by_the_published_keys_until_it_expires() {
        let installation = Installation::new().await;
        let auth = installation.serve().await;
        let centrifugo = centrifugo(TestCentrifugoOptions {
            jwks_url: Some(format!("http://{auth}/jwks")),
            ..TestCentrifugoOptions::default()
        })
        .await;
        let ada = installation.register("ada").await;
        let answer = ask(&installation, &ada.access_token).await;
        let token = answer.parse::<ConnectionToken>().token;

        let Reply::Json(connected) = connect(&centrifugo, &token).await else {
            panic!("the connection was closed");
        };
        let opened = connected["connect"]["subs"].as_object().unwrap();
        let channels: Vec<_> = opened.keys().cloned().collect();
        let personal = format!("personal:{}", ada.user.id);
        assert_eq!(channels, [personal], "{connected}");
        let lives = connected["connect"]["ttl"].as_i64().unwrap();
        assert!((2_870..=4_320).contains(&lives), "{lives}");

        let mut late = claims::connection(
            ada.user.id,
            SessionId::new(),
            Utc::now(),
            &installation.app.policy,
            0.5,
        );
        late.exp = Utc::now().timestamp() - 1;
        let expired = installation.app.keys.sign(&late).unwrap();
        let Reply::Json(refused) = connect(&centrifugo, &expired).await else {
            panic!("the connection was closed");
        };
        assert_eq!(refused["error"]["code"], 109, "{refused}");
        // Another audience: an access token opens no connection.
        assert_eq!(
            connect(&centrifugo, &ada.access_token).await,
            Reply::Closed(3500)
        );
    }

    #[tokio::test]
    async fn a_connection_token_is_no_access_token() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let answer = ask(&installation, &ada.access_token).await;
        let token = answer.parse::<ConnectionToken>().token;
        let answer = Request::get("/v1/me").bearer(token);
        assert_eq!(
            answer.send(&installation.router).await.code(),
            "UNAUTHENTICATED"
        );
    }

    #[tokio::test]
    async fn every_bad_token_is_refused() {
        let installation = Installation::new().await;
        let ada = installation.register("ada").await;
        let answer = Request::post("/v1/connection-token")
            .send(&installation.router)
            .await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
        for (what, token) in installation.bad_tokens(&ada) {
            assert_eq!(
                ask(&installation, &token).await.code(),
                "UNAUTHENTICATED",
                "{what}"
            );
        }
    }
}
