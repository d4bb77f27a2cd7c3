//! What something costs against the size of what it is done to.

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use crate::{
    documents,
    figure::{Figure, Number},
    graphql::{Endpoint, Request},
    reads::send,
    stack::Stack,
    times::Times,
    users::{self, Seeded},
};

/// Characters of a message.
const MESSAGE_CHARS: usize = 60;
/// Messages of a page.
const PAGE: u32 = 50;
/// Members of a room with a long history.
const READERS: u32 = 8;
/// From one page to the next (messages): far enough that no two are neighbours,
/// and a prime, so that none comes again soon.
const STRIDE: u64 = 7_919;

/// How much is asked at each point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// Requests before those that are timed.
    warm_up: usize,
    /// Requests that are timed, each time.
    requests: usize,
    pub(crate) repetitions: u32,
}

impl Effort {
    /// That of the table, or a small one that shows that everything works.
    pub(crate) const fn of(quick: bool, repetitions: u32) -> Self {
        let (warm_up, requests) = if quick { (2, 10) } else { (30, 300) };
        Self {
            warm_up,
            requests,
            repetitions,
        }
    }
}

/// A point of a curve.
#[derive(Debug)]
pub(crate) struct Point {
    /// Its place, in words.
    pub(crate) at: String,
    pub(crate) figures: Vec<(Figure, f64)>,
}

/// Times sends, one at a time, into a room of so many members that nobody
/// follows.
pub(crate) async fn sends(stack: &Stack, members: u32, effort: Effort) -> anyhow::Result<Point> {
    let seeded = users::seed(stack, members, 0, 1).await?;
    let (endpoint, token) = asker(stack, &seeded)?;
    let text = "x".repeat(MESSAGE_CHARS);
    let some = |of: &str, count: usize| {
        let ids = (0..count).map(|number| format!("{of}-{number}"));
        ids.map(|id| send(&seeded.room, &text, &id))
            .collect::<Vec<_>>()
    };
    endpoint
        .time(token, some("warm", effort.warm_up).into_iter())
        .await?;
    let mut figures = vec![(Figure::Seeding, seeded.took.as_secs_f64())];
    for repetition in 0..effort.repetitions {
        let requests = some(&repetition.to_string(), effort.requests).into_iter();
        let times = endpoint.time(token, requests).await?;
        figures.extend(quantiles(&times, Figure::SendP50, Figure::SendP99));
    }
    Ok(Point {
        at: format!("{} members", Number(members.into())),
        figures,
    })
}

/// Times pages in the middle of a history of so many messages.
pub(crate) async fn middles(stack: &Stack, messages: u64, effort: Effort) -> anyhow::Result<Point> {
    let seeded = users::seed(stack, READERS, messages, 1).await?;
    let (endpoint, token) = asker(stack, &seeded)?;
    let newest = Request {
        document: documents::NEWEST,
        variables: json!({ "roomId": seeded.room, "last": 1 }),
    };
    let data = endpoint.ask(token, &newest).await?;
    let last = &data["room"]["messages"]["edges"][0];
    let (cursor, seq) = (last["cursor"].as_str(), last["node"]["seq"].as_u64());
    let (cursor, seq) = cursor.zip(seq).context("the history is empty")?;
    let pages = |first: usize, count: usize| {
        let page = |number: usize| {
            let place = middle(seq, number as u64);
            Some(Request {
                document: documents::OLDER,
                variables: json!({
                    "roomId": seeded.room, "last": PAGE, "before": cursor_at(cursor, seq, place)? }),
            })
        };
        (first..first + count)
            .map(page)
            .collect::<Option<Vec<_>>>()
            .context("cursors of messages have another form")
    };
    let warm_up = pages(0, effort.warm_up)?;
    if let Some(first) = warm_up.first() {
        let data = endpoint.ask(token, first).await?;
        let edges = data["room"]["messages"]["edges"].as_array();
        let there = edges.map_or(0, Vec::len);
        anyhow::ensure!(there == PAGE as usize, "a page has {there} messages");
    }
    endpoint.time(token, warm_up.into_iter()).await?;
    let mut figures = vec![(Figure::Seeding, seeded.took.as_secs_f64())];
    for repetition in 0..effort.repetitions as usize {
        let first = effort.warm_up + repetition * effort.requests;
        let requests = pages(first, effort.requests)?;
        let times = endpoint.time(token, requests.into_iter()).await?;
        figures.extend(quantiles(&times, Figure::MiddleP50, Figure::MiddleP99));
    }
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let number = Number(messages as f64);
    Ok(Point {
        at: format!("{number} messages"),
        figures,
    })
}

/// The last point of a curve by its first.
pub(crate) fn growth(points: &[Point], of: Figure) -> Option<f64> {
    let first = points.first()?.median(of)?;
    let last = points.last()?.median(of)?;
    Some(last / first)
}

impl Point {
    fn median(&self, of: Figure) -> Option<f64> {
        let figures = self.figures.iter();
        let values = figures.filter(|(figure, _)| *figure == of);
        let values = values.map(|(_, value)| *value).collect();
        Some(crate::figure::Measured::new(of, None, values)?.median)
    }
}

fn asker<'a>(stack: &Stack, seeded: &'a Seeded) -> anyhow::Result<(Endpoint, &'a str)> {
    let token = seeded.tokens.first().context("nobody was seeded")?;
    Ok((Endpoint::new(stack.url())?, token))
}

fn quantiles(times: &Times, p50: Figure, p99: Figure) -> [(Figure, f64); 2] {
    [(p50, times.p50_ms()), (p99, times.p99_ms())]
}

/// A place in the middle half of a history that ends at `last`; another for
/// each number, so that what is kept of one page says nothing of the next.
const fn middle(last: u64, number: u64) -> u64 {
    let half = last / 2;
    let within = if half == 0 {
        0
    } else {
        number.wrapping_mul(STRIDE) % half
    };
    last / 4 + within
}

/// The cursor of another place in the same history. A client has no use for
/// this, and goes page by page; to get to the middle of ten million messages
/// takes too long that way.
fn cursor_at(known: &str, seq: u64, place: u64) -> Option<String> {
    let mut bytes = URL_SAFE_NO_PAD.decode(known).ok()?;
    let at = bytes.len().checked_sub(8)?;
    if bytes[at..] != seq.to_be_bytes() {
        return None;
    }
    bytes[at..].copy_from_slice(&place.to_be_bytes());
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_cursor_of_another_place_is_of_the_same_kind() {
        let form = |seq: u64| {
            let bytes: Vec<u8> = [b'm'].into_iter().chain(seq.to_be_bytes()).collect();
            URL_SAFE_NO_PAD.encode(bytes)
        };
        assert_eq!(cursor_at(&form(1_000), 1_000, 7), Some(form(7)));
        assert_eq!(cursor_at(&form(1_000), 999, 7), None);
        assert_eq!(cursor_at("x", 1, 7), None);
    }

    #[test]
    fn pages_are_of_the_middle_half_and_differ() {
        let places: BTreeSet<u64> = (0..400).map(|number| middle(1_000, number)).collect();
        assert_eq!(places.len(), 400);
        assert!(places.iter().all(|place| (250..750).contains(place)));
        assert_eq!(middle(0, 7), 0);
    }

    #[test]
    fn a_curve_grows_from_its_first_point_to_its_last() {
        let point = |ms: [f64; 3]| Point {
            at: String::new(),
            figures: ms.map(|ms| (Figure::SendP50, ms)).into(),
        };
        let points = [
            point([2.0, 1.0, 9.0]),
            point([50.0, 50.0, 50.0]),
            point([3.0, 3.0, 3.0]),
        ];
        assert_eq!(growth(&points, Figure::SendP50), Some(1.5));
        assert_eq!(growth(&[], Figure::SendP50), None);
        assert_eq!(growth(&points, Figure::SendP99), None);
    }
}
