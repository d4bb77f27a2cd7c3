//! The service as a process runs it.

use std::time::Duration;

use plaza_kit::{db, health::Readiness, http::edge, serve::serve, shutdown::Shutdown};

use crate::{
    api::router,
    app::App,
    config::{AuthArgs, DATABASE_URL, Policy},
    guesses::Guesses,
    tasks,
};

/// Runs auth until `shutdown` begins and all is drained. Fails before anything
/// is started when a setting is wrong.
pub async fn run(args: AuthArgs, shutdown: Shutdown) -> anyhow::Result<()> {
    let centrifugo = args.centrifugo()?;
    let pool = db::pool(DATABASE_URL, &args.database_url()?, &args.pool)?;
    let passwords = args.passwords.passwords()?;
    let app = App::new(
        pool.clone(),
        Policy::from_args(&args),
        passwords,
        Guesses::new(&args.guesses),
        args.refresh_key()?,
        args.service_tokens()?,
    );

    let readiness = Readiness::new(&shutdown, &["database", "keys", "revocations"]);
    db::watch(pool.clone(), readiness.clone(), &shutdown);
    refuse_unmigrated(pool.clone(), &shutdown);
    tasks::follow_keys(pool.clone(), app.keys.clone(), readiness.clone(), &shutdown);
    tasks::follow_revocations(&app, readiness.clone(), &shutdown);
    tasks::clean_up(pool, app.policy.connection_lifetime, &shutdown);
    if let Some(centrifugo) = centrifugo {
        tasks::close_connections(&app, centrifugo, &shutdown);
    }

    let routes = edge(
        router(app),
        Duration::from_millis(args.listen.request_timeout_ms),
        args.listen.max_body_bytes,
    );
    serve(
        "auth",
        Some((args.listen.listen, routes)),
        args.ops.ops_listen,
        args.ops.drain(),
        &readiness,
        &shutdown,
    )
    .await
}

/// Ends the process when the database is there but was never migrated.
fn refuse_unmigrated(pool: sqlx::PgPool, shutdown: &Shutdown) {
    let stop = shutdown.clone();
    shutdown.spawn("installation", async move {
        match db::epoch(&pool, &stop).await {
            Err(db::EpochError::Database(_)) if stop.is_stopping() => Ok(()),
            found => found.map(drop),
        }
    });
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use plaza_clients::{
        As,
        auth::{AuthClient, Register},
    };
    use plaza_kit::feed::FeedQuery;
    use plaza_testkit::{
        INTERNAL_SECRET, empty_database, eventually, free_address, service_tokens,
    };

    use super::*;
    use crate::testing::{Installation, PASSWORD, REFRESH_SECRET};

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: AuthArgs,
    }

    fn args(database: &str) -> AuthArgs {
        let (listen, ops) = (free_address().to_string(), free_address().to_string());
        Line::parse_from([
            "auth",
            "--listen",
            &listen,
            "--ops-listen",
            &ops,
            "--auth-database-url",
            database,
            "--internal-secret",
            INTERNAL_SECRET,
            "--auth-refresh-key",
            REFRESH_SECRET,
            "--password-memory-kib",
            "64",
            "--realtime-enabled",
            "false",
        ])
        .args
    }

    #[tokio::test]
    async fn it_serves_every_call_of_its_client_and_stops_when_told() {
        let installation = Installation::without_keys().await;
        let args = args(&installation.url);
        let client = AuthClient::new(&format!("http://{}", args.listen.listen)).unwrap();
        let shutdown = Shutdown::new();
        let service = tokio::spawn(run(args, shutdown.clone()));
        let jwks = eventually(Duration::from_secs(20), async || client.jwks().await).await;
        assert_eq!(jwks.keys.len(), 2);

        let input = Register {
            username: "ada".into(),
            password: PASSWORD.into(),
            display_name: Some("Ada".into()),
            device: None,
        };
        let grant = client.register(&input).await.unwrap();
        let ada = As::User(&grant.access_token);
        assert_eq!(client.me(ada).await.unwrap(), grant.user);
        assert_eq!(
            client.users(ada, vec![grant.user.id]).await.unwrap().len(),
            1
        );
        assert_eq!(
            client.connection_token(ada).await.unwrap().channels.len(),
            1
        );
        let sessions = client.sessions(ada).await.unwrap();
        assert_eq!((sessions.len(), sessions[0].current), (1, true));
        let nobodys = client.revoke_session(ada, plaza_types::SessionId::new());
        assert_eq!(
            nobodys.await.unwrap_err().code(),
            Some(plaza_types::Code::NotFound)
        );
        let refresh = plaza_clients::auth::RefreshToken {
            refresh_token: Some(grant.refresh_token.clone()),
        };
        client.refresh(&refresh).await.unwrap();
        client.logout(ada, &refresh).await.unwrap();
        let tokens = service_tokens("rooms");
        let feed = client.revocations(As::Service(&tokens), FeedQuery::default());
        assert_eq!(feed.await.unwrap().entries.len(), 1);

        shutdown.begin();
        service.await.unwrap().unwrap();
        assert!(client.jwks().await.is_err());
    }

    #[tokio::test]
    async fn a_database_without_its_tables_ends_it_with_what_to_do() {
        let database = empty_database().await;
        let error = run(args(&database.url), Shutdown::new()).await.unwrap_err();
        assert!(format!("{error:#}").contains("plaza migrate"), "{error:#}");
    }
}
