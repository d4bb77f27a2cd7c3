//! Tokens for the tests of services that verify them: an issuer with a key of
//! its own, its JWKS, and every kind of token that must be refused.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as B64;
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use plaza_kit::token::{
    ACCESS_AUDIENCE, AccessClaims, CONNECTION_AUDIENCE, ISSUER, KeySet, PublicJwk, PublicJwks,
    Revocations, ServiceTokens, Verifier,
};
use plaza_types::{Person, SessionId, UserId};
use serde_json::json;

/// The secret of service tokens in tests.
pub const INTERNAL_SECRET: &str = "a secret that only the tests know, of 32 bytes";

/// Signs what auth would sign.
#[derive(Clone)]
pub struct Issuer {
    kid: String,
    key: EncodingKey,
    jwk: PublicJwk,
    verifier: Verifier,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Default for Issuer {
    fn default() -> Self {
        Self::new()
    }
}

impl Issuer {
    /// One with a fresh key.
    pub fn new() -> Self {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .expect("a key can be made");
        Self::with_key(&uuid::Uuid::now_v7().to_string(), document.as_ref())
    }

    /// One that signs with this key (PKCS#8, P-256), for instance auth's own.
    pub fn with_key(kid: &str, pkcs8: &[u8]) -> Self {
        plaza_kit::install_crypto();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).expect("a P-256 key");
        let point: &[u8; 65] = pair
            .public_key()
            .as_ref()
            .try_into()
            .expect("P-256 has 65 bytes");
        let jwk = PublicJwk::es256(kid, point);
        let keys = KeySet::default();
        keys.replace(&PublicJwks {
            keys: vec![jwk.clone()],
        })
        .expect("the key is good");
        Self {
            key: EncodingKey::from_ec_der(pkcs8),
            verifier: Verifier::new(keys, Arc::new(Revocations::default())),
            kid: kid.to_owned(),
            jwk,
        }
    }

    /// A verifier that takes this issuer's tokens.
    pub fn verifier(&self) -> Verifier {
        self.verifier.clone()
    }

    /// The JWKS document.
    pub fn jwks(&self) -> PublicJwks {
        PublicJwks {
            keys: vec![self.jwk.clone()],
        }
    }

    /// Somebody with this username; the display name is the same.
    pub fn person(username: &str) -> Person {
        Person {
            id: UserId::new(),
            username: username.into(),
            display_name: username.into(),
        }
    }

    /// What a good access token of theirs says.
    pub fn claims(person: &Person) -> AccessClaims {
        let now = Utc::now().timestamp();
        AccessClaims {
            iss: ISSUER.into(),
            aud: ACCESS_AUDIENCE.into(),
            sub: person.id,
            sid: SessionId::new(),
            exp: now + 600,
            iat: now,
            username: person.username.clone(),
            name: person.display_name.clone(),
            synthetic: false,
        }
    }

    /// Signs claims as they are.
    pub fn sign(&self, claims: &impl serde::Serialize) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.key).expect("the key signs")
    }

    /// A good access token.
    pub fn token(&self, person: &Person) -> String {
        self.sign(&Self::claims(person))
    }

    /// A good connection token for Centrifugo, `lives_s` seconds long.
    pub fn connection_token(&self, user: UserId, channels: &[String], lives_s: i64) -> String {
        let now = Utc::now().timestamp();
        self.sign(&json!({
            "iss": ISSUER, "aud": CONNECTION_AUDIENCE, "sub": user,
            "exp": now + lives_s, "expire_at": now + 3_600, "channels": channels,
        }))
    }

    /// Tokens in this person's name that every service must refuse, each with
    /// what is wrong with it.
    pub fn bad_tokens(&self, person: &Person) -> Vec<(&'static str, String)> {
        let good = Self::claims(person);
        let with = |change: fn(&mut AccessClaims)| {
            let mut claims = good.clone();
            change(&mut claims);
            self.sign(&claims)
        };
        let valid = self.sign(&good);
        let (signed, signature) = valid.rsplit_once('.').expect("a token has three parts");
        let (_, payload) = signed.split_once('.').expect("a token has three parts");
        let unsigned =
            B64.encode(json!({ "alg": "none", "typ": "JWT", "kid": self.kid }).to_string());
        // The public key taken as an HMAC secret: the classic confusion.
        let mut confused = Header::new(Algorithm::HS256);
        confused.kid = Some(self.kid.clone());
        let public = EncodingKey::from_secret(self.jwk.x.as_bytes());
        let other = Self::new();
        let foreign = Self {
            kid: self.kid.clone(),
            ..other.clone()
        };
        let sub = |token: &str| {
            let mut claims = serde_json::to_value(Self::claims(&Self::person("mallory")))
                .expect("claims are JSON");
            claims["sub"] = json!(person.id);
            let payload = B64.encode(claims.to_string());
            let head = token.split('.').next().unwrap_or_default();
            format!("{head}.{payload}.{signature}")
        };
        vec![
            (
                "expired",
                with(|claims| claims.exp = Utc::now().timestamp() - 60),
            ),
            (
                "for another audience",
                with(|claims| claims.aud = CONNECTION_AUDIENCE.into()),
            ),
            (
                "from another issuer",
                with(|claims| claims.iss = "somebody".into()),
            ),
            ("signed by an unknown key", other.sign(&good)),
            (
                "signed by another key under a known id",
                foreign.sign(&good),
            ),
            ("unsigned, alg none", format!("{unsigned}.{payload}.")),
            (
                "alg none with a signature",
                format!("{unsigned}.{payload}.{signature}"),
            ),
            (
                "signed with HMAC by the public key",
                jsonwebtoken::encode(&confused, &good, &public).expect("HMAC signs"),
            ),
            ("with another user written in", sub(&valid)),
            ("without its signature", format!("{signed}.")),
            ("garbage", "garbage".into()),
            ("empty", String::new()),
        ]
    }

    /// Serves `/jwks` on loopback until the test process ends, for parts that
    /// fetch it (Centrifugo). Gives the address.
    pub async fn serve_jwks(&self) -> SocketAddr {
        let jwks = self.jwks();
        let routes = axum::Router::new().route(
            "/jwks",
            axum::routing::get(move || async move { axum::Json(jwks) }),
        );
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        tokio::spawn(async move { axum::serve(listener, routes).await });
        address
    }
}

/// Tokens between services in tests, signed in the name of `service`.
pub fn service_tokens(service: &'static str) -> ServiceTokens {
    plaza_kit::install_crypto();
    ServiceTokens::new(service, &INTERNAL_SECRET.into(), None).expect("the secret is long enough")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_takes_the_good_token_and_none_of_the_bad_ones() {
        let issuer = Issuer::new();
        let ada = Issuer::person("ada");
        let verifier = issuer.verifier();
        assert_eq!(verifier.verify(&issuer.token(&ada)).unwrap().sub, ada.id);
        for (what, token) in issuer.bad_tokens(&ada) {
            assert!(
                verifier.verify(&token).is_err(),
                "took a token that is {what}"
            );
        }
    }
}
