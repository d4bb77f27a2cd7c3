//! Reading Prometheus' text form, of which a few series are wanted.

use super::sample::PublisherPod;

/// How long the oldest event of a partition has waited (s), by partition.
const LAG: &str = "plaza_stream_oldest_age_seconds";
/// Events that Centrifugo has answered for.
const EVENTS: &str = "plaza_publisher_events_total";
/// Partitions that no publisher gets on with.
const UNATTENDED: &str = "plaza_publisher_unattended_partitions";
/// Connections of one Centrifugo.
const CONNECTIONS: &str = "centrifugo_node_num_clients";
/// More partitions than Plaza has: further series are not read.
const MOST_PARTITIONS: usize = 64;

/// What a publisher's page says.
pub(crate) fn publisher_pod(page: &str) -> PublisherPod {
    let mut pod = PublisherPod::default();
    for (name, labels, value) in series(page) {
        match name {
            LAG if pod.lag.len() < MOST_PARTITIONS => {
                pod.lag.insert(labels.to_owned(), value);
            }
            EVENTS => pod.events += value,
            UNATTENDED => pod.unattended = pod.unattended.max(value),
            _ => {}
        }
    }
    pod
}

/// Connections that a Centrifugo's page tells; `None`: it does not tell.
pub(crate) fn centrifugo_pod(page: &str) -> Option<u64> {
    let (_, _, value) = series(page).find(|(name, ..)| *name == CONNECTIONS)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number above zero; the cast saturates"
    )]
    (value >= 0.0).then_some(value as u64)
}

/// Name, labels and value of each line that has a finite one.
fn series(page: &str) -> impl Iterator<Item = (&str, &str, f64)> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            // Without a time at its end: neither of the two parts writes one.
            let (series, value) = line.trim().rsplit_once(' ')?;
            let value: f64 = value.parse().ok()?;
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            value.is_finite().then_some((name, labels, value))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_found_among_the_rest() {
        let page = "# TYPE plaza_stream_oldest_age_seconds gauge\n\
            plaza_stream_oldest_age_seconds{partition=\"0\"} 0.25\n\
            plaza_stream_oldest_age_seconds{partition=\"7\"} 12\n\
            plaza_stream_lag_entries{partition=\"7\"} 900\n\
            plaza_publisher_events_total 1.5e+03\n\
            plaza_publisher_unattended_partitions 2\n\
            plaza_publisher_publish_seconds_bucket{le=\"+Inf\"} 8\nnonsense\n";
        let pod = publisher_pod(page);
        assert_eq!(pod.lag.values().copied().collect::<Vec<_>>(), [0.25, 12.0]);
        assert!((pod.events - 1500.0).abs() < f64::EPSILON);
        assert!((pod.unattended - 2.0).abs() < f64::EPSILON);
        assert_eq!(publisher_pod("NaN NaN\n\n{} x"), PublisherPod::default());
    }

    #[test]
    fn connections_are_those_of_the_node() {
        let page = "# HELP centrifugo_node_num_clients Number of clients connected.\n\
            centrifugo_node_num_clients 20512\ncentrifugo_node_num_users 7\n";
        assert_eq!(centrifugo_pod(page), Some(20_512));
        assert_eq!(centrifugo_pod("centrifugo_node_num_users 7\n"), None);
        assert_eq!(centrifugo_pod("centrifugo_node_num_clients NaN\n"), None);
    }

    #[test]
    fn a_page_of_another_kind_is_bounded() {
        let lines: Vec<String> = (0..1_000)
            .map(|n| format!("{LAG}{{partition=\"{n}\"}} 1"))
            .collect();
        let page = lines.join("\n");
        assert_eq!(publisher_pod(&page).lag.len(), MOST_PARTITIONS);
    }
}
