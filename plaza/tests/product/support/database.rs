use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Plaza;

/// Rows that come and go by themselves, whoever asks.
const MOVING: [&str; 8] = [
    "online",
    "online_turn",
    "outbox",
    "pulse",
    "relay",
    "_sqlx_migrations",
    "revocation_feed",
    "signing_keys",
];

impl Plaza {
    /// A connection to the database of one service.
    pub(crate) async fn database(&self, service: &str) -> PgConnection {
        let url = self.secret(&format!("{service}-database-url"));
        PgConnection::connect(&url)
            .await
            .expect("the database answers")
    }

    /// What is stored: a hash of each table's rows, by `service.table`.
    pub(crate) async fn stored(&self) -> BTreeMap<String, String> {
        let mut stored = BTreeMap::new();
        for service in ["auth", "rooms", "messages"] {
            let mut database = self.database(service).await;
            let tables: Vec<String> = sqlx::query_scalar(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL($1)",
            )
            .bind(MOVING.map(str::to_owned).as_slice())
            .fetch_all(&mut database)
            .await
            .expect("a list of tables");
            assert!(!tables.is_empty(), "{service} has no tables");
            for table in tables {
                let hash: String = sqlx::query_scalar(AssertSqlSafe(format!(
                    r#"SELECT count(*) || ' rows, ' || coalesce(md5(string_agg(row::text, ',' ORDER BY row::text)), '') FROM "{table}" row"#
                )))
                .fetch_one(&mut database)
                .await
                .expect("a hash of the table");
                stored.insert(format!("{service}.{table}"), hash);
            }
        }
        stored
    }
}
