//! How many events wait between the databases and Centrifugo, and how long, as
//! the services' own metrics tell it.

use std::time::Duration;

use plaza_kit::http_client::Peer;
use reqwest::Method;
use tokio::{sync::watch, task::JoinHandle};

use crate::{figure::Figure, stack::Stack};

/// How often it is looked; the services measure themselves every few seconds.
const EVERY: Duration = Duration::from_secs(1);
/// Longest wait for one answer.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Parts that say something of it, by the names of their ports.
const PORTS: [&str; 3] = [
    "rooms-operations",
    "messages-operations",
    "publisher-operations",
];
/// How many events wait.
const ENTRIES: [&str; 2] = ["plaza_outbox_depth", "plaza_stream_lag_entries"];
/// How long the oldest has waited (s).
const AGES: [&str; 2] = [
    "plaza_outbox_oldest_age_seconds",
    "plaza_stream_oldest_age_seconds",
];

/// The most that was seen.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Backlog {
    /// Events in outboxes and streams together.
    entries: f64,
    /// The longest that one had waited (s).
    oldest_s: f64,
}

/// Looks until it is asked what it saw.
pub(crate) struct Sampler {
    stop: watch::Sender<bool>,
    task: JoinHandle<Backlog>,
}

impl Sampler {
    /// Begins with the parts of a Plaza of separate processes.
    pub(crate) fn begin(stack: &Stack) -> anyhow::Result<Self> {
        let peers = PORTS
            .iter()
            .filter_map(|name| stack.up.port(name))
            .map(|port| Peer::new(&format!("http://127.0.0.1:{port}"), TIMEOUT))
            .collect::<Result<Vec<_>, _>>()?;
        let (stop, mut stopped) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut most = Backlog::default();
            loop {
                let now = look(&peers).await;
                most.entries = most.entries.max(now.entries);
                most.oldest_s = most.oldest_s.max(now.oldest_s);
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stopped.changed() => return most,
                }
            }
        });
        Ok(Self { stop, task })
    }

    /// Ends; the most that was seen.
    pub(crate) async fn end(self) -> anyhow::Result<[(Figure, f64); 2]> {
        self.stop.send_replace(true);
        let most = self.task.await?;
        Ok([
            (Figure::BacklogMost, most.entries),
            (Figure::BacklogOldest, most.oldest_s),
        ])
    }
}

/// One look; a part that does not answer is left out.
async fn look(peers: &[Peer]) -> Backlog {
    let mut now = Backlog::default();
    for peer in peers {
        let answer = peer.request(Method::GET, "/metrics").send().await;
        if let Ok(answer) = answer
            && let Ok(text) = answer.text().await
        {
            let told = Backlog::read(&text);
            now.entries += told.entries;
            now.oldest_s = now.oldest_s.max(told.oldest_s);
        }
    }
    now
}

impl Backlog {
    /// Reads one page of metrics (Prometheus's text form).
    fn read(text: &str) -> Self {
        let mut backlog = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else {
                continue;
            };
            let name = series.split('{').next().unwrap_or(series);
            let Ok(value) = value.parse::<f64>() else {
                continue;
            };
            if ENTRIES.contains(&name) {
                backlog.entries += value;
            } else if AGES.contains(&name) {
                backlog.oldest_s = backlog.oldest_s.max(value);
            }
        }
        backlog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_add_up_and_the_oldest_age_counts() {
        let text = "# HELP plaza_outbox_depth x\n# TYPE plaza_outbox_depth gauge\n\
            plaza_outbox_depth{service=\"messages\"} 3\n\
            plaza_stream_lag_entries{partition=\"0\"} 4\n\
            plaza_stream_lag_entries{partition=\"1\"} 5\n\
            plaza_stream_oldest_age_seconds{partition=\"0\"} 0.25\n\
            plaza_outbox_oldest_age_seconds{service=\"messages\"} 1.5\n\
            plaza_dead_letters 7\nnonsense\n";
        let backlog = Backlog {
            entries: 12.0,
            oldest_s: 1.5,
        };
        assert_eq!(Backlog::read(text), backlog);
        assert_eq!(Backlog::read(""), Backlog::default());
    }
}
