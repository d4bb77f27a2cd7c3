//! What a caller may show, good and bad.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use plaza_centrifugo::config::PROXY_SECRET_HEADER;
use plaza_kit::token::{SERVICE_HEADER, ServiceTokens};
use serde_json::{Value, json};

use super::For;
use crate::support::{Person, Plaza};

pub(super) type Headers = Vec<(&'static str, String)>;

/// Everything that a caller may show.
pub(super) struct Keys {
    access: String,
    connection: String,
    service: String,
    late: String,
    other_audience: String,
    forged: String,
    unsigned: String,
    proxy: String,
}

/// HS256, as services sign.
fn sign(secret: &str, claims: &Value) -> String {
    let header = B64.encode(r#"{"typ":"JWT","alg":"HS256"}"#);
    let token = format!("{header}.{}", B64.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = B64.encode(hmac::sign(&key, token.as_bytes()));
    format!("{token}.{signature}")
}

impl Keys {
    pub(super) async fn new(plaza: &Plaza, ada: &Person) -> Self {
        let secret = plaza.secret("internal-secret");
        let now = chrono::Utc::now().timestamp();
        let claims =
            |audience: &str, exp: i64| json!({ "aud": audience, "sub": "gateway", "exp": exp });
        let good = claims("plaza-internal", now + 60);
        let connection = "mutation { connectionToken { token } }";
        let connection = ada.ask(plaza, connection, json!({})).await;
        let connection = connection.data()["connectionToken"]["token"].clone();
        let unsigned =
            [r#"{"typ":"JWT","alg":"none"}"#, &good.to_string()].map(|part| B64.encode(part));
        let tokens = ServiceTokens::new("gateway", &secret.clone().into(), None);
        Self {
            access: ada.token.clone(),
            connection: connection.as_str().unwrap().to_owned(),
            service: tokens.unwrap().sign().unwrap(),
            late: sign(&secret, &claims("plaza-internal", now - 60)),
            other_audience: sign(&secret, &claims("plaza-api", now + 60)),
            forged: sign(&"x".repeat(64), &good),
            unsigned: format!("{}.", unsigned.join(".")),
            proxy: plaza.secret("centrifugo-proxy-secret"),
        }
    }

    /// What opens an address.
    pub(super) fn good(&self, of: For) -> Headers {
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        match of {
            For::Everybody => Vec::new(),
            For::Services => vec![bearer(&self.service)],
            For::Gateway => vec![bearer(&self.access), (SERVICE_HEADER, self.service.clone())],
            For::Centrifugo => vec![(PROXY_SECRET_HEADER, self.proxy.clone())],
        }
    }

    /// What opens nothing here.
    pub(super) fn bad(&self, of: For) -> Vec<Headers> {
        let bearer = |token: &str| ("authorization", format!("Bearer {token}"));
        let all = [
            &self.access,
            &self.connection,
            &self.late,
            &self.other_audience,
            &self.forged,
            &self.unsigned,
            &self.proxy,
        ];
        let wrong = || {
            all.into_iter().cloned().chain([
                String::new(),
                "garbage".into(),
                "é🦀".into(),
                "x".repeat(8_000),
            ])
        };
        let mut bad: Vec<Headers> = vec![Vec::new()];
        match of {
            For::Everybody => return Vec::new(),
            For::Services => bad.extend(wrong().map(|token| vec![bearer(&token)])),
            For::Gateway => {
                bad.push(vec![bearer(&self.access)]);
                bad.push(vec![(SERVICE_HEADER, self.service.clone())]);
                bad.push(vec![
                    bearer(&self.service),
                    (SERVICE_HEADER, self.service.clone()),
                ]);
                bad.extend(
                    wrong().map(|token| vec![bearer(&self.access), (SERVICE_HEADER, token)]),
                );
                bad.extend(
                    wrong()
                        .filter(|token| *token != self.access)
                        .map(|token| vec![bearer(&token), (SERVICE_HEADER, self.service.clone())]),
                );
            }
            For::Centrifugo => {
                bad.push(vec![bearer(&self.proxy)]);
                bad.push(vec![bearer(&self.service)]);
                let longer = format!("{}0", self.proxy);
                let shorter = self.proxy[1..].to_owned();
                let wrong = wrong().filter(|secret| *secret != self.proxy);
                let wrong = wrong.chain([longer, shorter, self.service.clone()]);
                bad.extend(wrong.map(|secret| vec![(PROXY_SECRET_HEADER, secret)]));
            }
        }
        bad
    }
}
