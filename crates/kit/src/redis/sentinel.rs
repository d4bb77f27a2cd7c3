//! Whom sentinels name as the primary.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use redis::{Client, ConnectionInfo, RedisResult};

use super::{at, open, trouble};

/// Longest wait for a sentinel's answer.
const ANSWER_WITHIN: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) struct Sentinel {
    sentinels: Vec<ConnectionInfo>,
    /// The name that the sentinels know the primary by.
    name: String,
    /// How to speak to it, but for its address.
    template: ConnectionInfo,
    last: Mutex<Option<(String, u16)>>,
    generation: AtomicU64,
}

impl Sentinel {
    pub(super) fn new(
        sentinels: Vec<ConnectionInfo>,
        name: String,
        template: ConnectionInfo,
    ) -> Self {
        Self {
            sentinels,
            name,
            template,
            last: Mutex::default(),
            generation: AtomicU64::new(0),
        }
    }

    #[cfg(test)]
    pub(super) fn sentinels(&self) -> &[ConnectionInfo] {
        &self.sentinels
    }

    #[cfg(test)]
    pub(super) fn template(&self) -> &ConnectionInfo {
        &self.template
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Who is the primary by what the sentinel says that knows of the latest
    /// failover: one that was cut off may still name who was it before.
    pub(super) async fn primary(&self) -> RedisResult<Client> {
        let asked = self.sentinels.iter().map(|sentinel| async {
            let asked = ask(sentinel, &self.name);
            let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
            answer.unwrap_or_else(|_| Err(trouble("a sentinel does not answer")))
        });
        let mut error = trouble("no sentinel is known");
        let mut named = Vec::new();
        for answer in join_all(asked).await {
            match answer {
                Ok(answer) => named.push(answer),
                Err(failed) => error = failed,
            }
        }
        let newest = named.into_iter().max_by_key(|(epoch, ..)| *epoch);
        let (_, host, port) = newest.ok_or(error)?;
        self.note(&host, port);
        Client::open(at(&self.template, &host, port))
    }

    fn note(&self, host: &str, port: u16) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |(of, at): &(String, u16)| of == host && *at == port;
        if last.as_ref().is_some_and(is_same) {
            return;
        }
        if last.is_some() {
            self.generation.fetch_add(1, Ordering::AcqRel);
            tracing::info!(host, port, "the sentinels name another primary");
        }
        *last = Some((host.to_owned(), port));
    }
}

/// The number of the failover that this sentinel knows of as the last, and the
/// primary since then.
async fn ask(sentinel: &ConnectionInfo, name: &str) -> RedisResult<(u64, String, u16)> {
    let client = Client::open(sentinel.clone())?;
    let mut connection = open(&client, ANSWER_WITHIN).await?;
    let mut ask = redis::cmd("SENTINEL");
    ask.arg("MASTER").arg(name);
    let fields: HashMap<String, String> = ask.query_async(&mut connection).await?;
    let number = |name: &str| fields.get(name).and_then(|text| text.parse().ok());
    let (epoch, port) = (number("config-epoch"), number("port"));
    let port = port.and_then(|port| u16::try_from(port).ok());
    match (epoch, fields.get("ip"), port) {
        (Some(epoch), Some(host), Some(port)) => Ok((epoch, host.clone(), port)),
        _ => Err(trouble("a sentinel does not say where the primary is")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicU16};

    use redis::{Client, IntoConnectionInfo as _};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;
    use crate::redis::place;

    /// A sentinel that names this port, of the failover with this number, until
    /// it is told otherwise; 0: it says nothing.
    #[derive(Clone)]
    struct Fake {
        epoch: u64,
        port: Arc<AtomicU16>,
    }

    impl Fake {
        fn new(epoch: u64, port: u16) -> Self {
            let port = Arc::new(port.into());
            Self { epoch, port }
        }

        async fn serve(&self) -> ConnectionInfo {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let fake = self.clone();
            tokio::spawn(async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let fake = fake.clone();
                    tokio::spawn(async move {
                        let mut read = vec![0; 4096];
                        while let Ok(count @ 1..) = stream.read(&mut read).await {
                            let text = String::from_utf8_lossy(&read[..count]);
                            let answer = fake.answer(&text);
                            stream.write_all(answer.as_bytes()).await.unwrap();
                        }
                    });
                }
            });
            format!("redis://{address}").into_connection_info().unwrap()
        }

        /// One to each command, of which each begins with its number of words.
        fn answer(&self, text: &str) -> String {
            let port = self.port.load(Ordering::Relaxed);
            if port == 0 {
                return String::new();
            }
            let commands = text.split('*').skip(1);
            let answers = commands.map(|command| {
                if !command.contains("SENTINEL") {
                    return "+OK\r\n".to_owned();
                }
                let (epoch, port) = (self.epoch.to_string(), port.to_string());
                let words = ["ip", "10.0.0.1", "port", &port, "config-epoch", &epoch];
                let words = words.map(|word| format!("${}\r\n{word}\r\n", word.len()));
                format!("*6\r\n{}", words.concat())
            });
            answers.collect()
        }
    }

    async fn asking(fakes: &[Fake]) -> Sentinel {
        let mut sentinels = Vec::new();
        for fake in fakes {
            sentinels.push(fake.serve().await);
        }
        let template = "redis://primary".into_connection_info().unwrap();
        Sentinel::new(sentinels, "plaza".to_owned(), template)
    }

    fn port(client: &Client) -> Option<u16> {
        place(client.get_connection_info()).map(|(_, port)| port)
    }

    #[tokio::test]
    async fn the_sentinel_that_knows_of_the_latest_failover_is_believed() {
        let fakes = [Fake::new(1, 7001), Fake::new(2, 7002), Fake::new(1, 7001)];
        let sentinel = asking(&fakes).await;
        assert_eq!(port(&sentinel.primary().await.unwrap()), Some(7002));
        assert_eq!(sentinel.generation(), 0);
        fakes[1].port.store(7003, Ordering::Relaxed);
        assert_eq!(port(&sentinel.primary().await.unwrap()), Some(7003));
        assert_eq!(sentinel.generation(), 1);
    }

    #[tokio::test]
    async fn one_that_says_nothing_stands_in_nobody_s_way() {
        let fakes = [Fake::new(9, 0), Fake::new(1, 7001)];
        let sentinel = asking(&fakes).await;
        assert_eq!(port(&sentinel.primary().await.unwrap()), Some(7001));
        let silent = asking(&fakes[..1]).await;
        let error = silent.primary().await.unwrap_err();
        assert!(error.to_string().contains("does not answer"), "{error}");
    }
}
