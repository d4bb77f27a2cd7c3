//! Has the connections of ended sessions closed at Centrifugo: at once, and
//! again when no token that was given before can open one any more.
//!
//! Centrifugo can close all connections of a user, but not those of one
//! session: the user's other devices are told to come back, and do so by
//! themselves.

use std::time::Duration;

use chrono::{DateTime, Utc};
use plaza_centrifugo::{
    Client, Close, Command,
    endings::{self as worker, Endings, Names},
};
use plaza_kit::shutdown::Shutdown;
use sqlx::PgPool;

use crate::{
    app::App,
    storage::endings::{self, Ending},
};

const NAMES: Names = Names {
    task: "close connections",
    of: "the closing of connections",
    after_seconds: "plaza_connections_closed_after_seconds",
    failed_total: "plaza_connections_not_closed_total",
    oldest_seconds: "plaza_connections_not_closed_oldest_seconds",
};

/// Works off what is due until the end.
pub(crate) fn close_connections(app: &App, centrifugo: Client, shutdown: &Shutdown) {
    let rows = Rows(app.pool.clone());
    worker::work_off(rows, centrifugo, app.ended.clone(), NAMES, shutdown);
}

struct Rows(PgPool);

impl Endings for Rows {
    type Ending = Ending;
    type Error = sqlx::Error;

    async fn take(&self, lease: Duration) -> sqlx::Result<Vec<Ending>> {
        endings::take(&self.0, lease).await
    }

    async fn answered(&self, endings: &[Ending]) -> sqlx::Result<()> {
        endings::answered(&self.0, endings).await
    }

    async fn unanswered(&self, endings: &[Ending], wait: Duration) -> sqlx::Result<()> {
        endings::unanswered(&self.0, endings, wait).await
    }
}

impl worker::Ending for Ending {
    fn commands(&self) -> Vec<Command<'static>> {
        let disconnect = if self.disabled {
            Close::FOR_GOOD
        } else {
            Close::COME_BACK
        };
        vec![Command::Disconnect {
            user: self.user,
            disconnect,
        }]
    }

    fn ended_at(&self) -> DateTime<Utc> {
        self.ended_at
    }

    fn was_told(&self) -> bool {
        self.told
    }
}
