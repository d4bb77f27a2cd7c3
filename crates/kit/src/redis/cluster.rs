//! Which node of a cluster has a key.
//!
//! Whoever needs a connection asks nodes that are known for the owner of the
//! key's slot. A node that loses a slot refuses its keys from then on, so a
//! connection is never wrong for longer than until its next command.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::select_ok;
use redis::{Client, ConnectionInfo, RedisResult, Value};

use super::{at, open, place, trouble};

/// Longest wait for a node's answer about the cluster.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// Nodes that are asked at once; the first answer counts.
const ASK_AT_ONCE: usize = 3;

/// Nodes that are remembered beside those of the URL.
const MAX_KNOWN: usize = 256;

#[derive(Debug)]
pub(super) struct Cluster {
    seeds: Vec<ConnectionInfo>,
    /// Nodes as the cluster named them last, those of the URL apart.
    known: Mutex<Vec<ConnectionInfo>>,
}

/// A range of slots and the nodes that have it, the owner first.
#[derive(Debug, PartialEq, Eq)]
struct Slots {
    from: u16,
    to: u16,
    nodes: Vec<(String, u16)>,
}

impl Cluster {
    pub(super) fn new(seeds: Vec<ConnectionInfo>) -> Self {
        Self {
            seeds,
            known: Mutex::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn seeds(&self) -> &[ConnectionInfo] {
        &self.seeds
    }

    /// The node that owns the key's slot.
    pub(super) async fn owner(&self, key: &str) -> RedisResult<Client> {
        let asked = self.candidates().into_iter().map(|node| {
            let asked = ask(node, key);
            Box::pin(async move {
                let answer = tokio::time::timeout(ANSWER_WITHIN, asked).await;
                answer.unwrap_or_else(|_| Err(trouble("a node of the cluster does not answer")))
            })
        });
        let ((slot, slots), _) = select_ok(asked).await?;
        let template = self.template()?;
        let owner = slots
            .iter()
            .find(|slots| (slots.from..=slots.to).contains(&slot))
            .and_then(|slots| slots.nodes.first())
            .map(|(host, port)| at(template, host, *port))
            .ok_or_else(|| trouble("no node of the cluster has the key's slot"))?;
        self.remember(template, &slots);
        Client::open(owner)
    }

    /// Some of the nodes, drawn at random: one that is away does not stand in
    /// the way for long.
    fn candidates(&self) -> Vec<ConnectionInfo> {
        let mut nodes = self.known().clone();
        nodes.extend(self.seeds.iter().cloned());
        fastrand::shuffle(&mut nodes);
        nodes.truncate(ASK_AT_ONCE);
        nodes
    }

    fn template(&self) -> RedisResult<&ConnectionInfo> {
        let none = || trouble("no node of the cluster is known");
        self.seeds.first().ok_or_else(none)
    }

    fn remember(&self, template: &ConnectionInfo, slots: &[Slots]) {
        let mut nodes: Vec<_> = slots.iter().flat_map(|slots| &slots.nodes).collect();
        nodes.sort_unstable();
        nodes.dedup();
        let is_seed = |node: &(String, u16)| {
            let of_seed = |seed| place(seed) == Some((node.0.as_str(), node.1));
            self.seeds.iter().any(of_seed)
        };
        let nodes = nodes.into_iter().filter(|node| !is_seed(node));
        let nodes = nodes.take(MAX_KNOWN);
        *self.known() = nodes
            .map(|(host, port)| at(template, host, *port))
            .collect();
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Vec<ConnectionInfo>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key's slot and who has which slots, by this node.
async fn ask(node: ConnectionInfo, key: &str) -> RedisResult<(u16, Vec<Slots>)> {
    let host = place(&node).map_or("", |(host, _)| host).to_owned();
    let mut connection = open(&Client::open(node)?, ANSWER_WITHIN).await?;
    let (slot, slots): (u16, Value) = redis::pipe()
        .cmd("CLUSTER")
        .arg("KEYSLOT")
        .arg(key)
        .cmd("CLUSTER")
        .arg("SLOTS")
        .query_async(&mut connection)
        .await?;
    let slots = slots.as_sequence().unwrap_or_default();
    let slots = slots.iter().filter_map(|slots| read(slots, &host));
    Ok((slot, slots.collect()))
}

/// An element of the answer to `CLUSTER SLOTS`: first and last slot, then the
/// nodes, each a list of host, port and more. A node that does not know its
/// own name is where it was asked.
fn read(slots: &Value, asked: &str) -> Option<Slots> {
    let number = |value: &Value| match value {
        Value::Int(number) => u16::try_from(*number).ok(),
        _ => None,
    };
    let [from, to, nodes @ ..] = slots.as_sequence()? else {
        return None;
    };
    let nodes = nodes.iter().filter_map(|node| {
        let [host, port, ..] = node.as_sequence()? else {
            return None;
        };
        let host = match host {
            Value::BulkString(host) => std::str::from_utf8(host).ok()?,
            Value::SimpleString(host) => host,
            _ => "",
        };
        let host = if host.is_empty() { asked } else { host };
        Some((host.to_owned(), number(port)?))
    });
    Some(Slots {
        from: number(from)?,
        to: number(to)?,
        nodes: nodes.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(host: Value, port: i64) -> Value {
        Value::Array(vec![
            host,
            Value::Int(port),
            Value::BulkString(b"id".to_vec()),
        ])
    }

    #[test]
    fn slots_are_read_with_their_owner_first() {
        let named = Value::BulkString(b"a".to_vec());
        let slots = Value::Array(vec![
            Value::Int(0),
            Value::Int(5460),
            node(named, 7000),
            node(Value::Nil, 7001),
        ]);
        let expected = Slots {
            from: 0,
            to: 5460,
            nodes: vec![("a".into(), 7000), ("asked".into(), 7001)],
        };
        assert_eq!(read(&slots, "asked"), Some(expected));
        assert_eq!(read(&Value::Nil, "asked"), None);
    }
}
