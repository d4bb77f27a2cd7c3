//! A Redis behind TLS for tests.

use plaza_local::{create_folder, free_port, write_private};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::{
    OwnRedis,
    server::{chain, home},
};

/// A Redis that speaks TLS, with a certificate for 127.0.0.1.
#[derive(Debug)]
pub struct TlsRedis {
    /// URL with password, over TLS.
    pub url: String,
    /// Who signed its certificate, PEM.
    pub authority: String,
    _server: OwnRedis,
}

/// A Redis of a test's own behind TLS, and an authority that nobody else knows.
pub async fn tls_redis() -> TlsRedis {
    let (authority, certificate, key) = certificates().expect("certificates");
    let home = home();
    let folder = home.server_folder("certificates");
    let account = home.account.as_ref();
    create_folder(&folder, account).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        write_private(&path, text.as_bytes(), account)
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        path.display().to_string()
    };
    let port = free_port("Redis", None).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let directives = vec![
        format!("tls-port {port}"),
        format!("tls-cert-file {}", write("certificate.pem", &certificate)),
        format!("tls-key-file {}", write("key.pem", &key)),
        format!("tls-ca-cert-file {}", write("authority.pem", &authority)),
        "tls-auth-clients no".to_owned(),
    ];
    let server = OwnRedis::with(None, directives).await;
    TlsRedis {
        url: format!("rediss://:{}@127.0.0.1:{port}/0", server.password()),
        authority,
        _server: server,
    }
}

/// An authority, a certificate of it and the key to that, PEM each.
pub(crate) fn certificates() -> Result<(String, String, String), rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &authority)?;
    Ok((authority.pem(), certificate.pem(), key.serialize_pem()))
}
