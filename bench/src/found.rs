//! What is read of a report of the load tester.

use serde_json::Value;

use crate::figure::Figure;

/// Whether every delivery is accounted for.
const HELD: &str = "/held";
/// Where the figures are that stand in the report as they are.
const PLACES: [(Figure, &str); 9] = [
    (Figure::Sends, "/sends/acceptedPerS"),
    (Figure::Deliveries, "/deliveries/perS"),
    (Figure::DeliveryP50, "/deliveries/latency/p50_ms"),
    (Figure::DeliveryP99, "/deliveries/latency/p99_ms"),
    (Figure::AnswerP50, "/sends/answer/p50_ms"),
    (Figure::AnswerP99, "/sends/answer/p99_ms"),
    (Figure::LagP99, "/sends/lag/p99_ms"),
    (Figure::Joins, "/connections/allFollowAfterS"),
    (Figure::Failed, "/troubles/failedSends"),
];
/// How often somebody had to come back, and came back with nothing missing.
const BACK: [&str; 2] = ["/troubles/expectedBack", "/troubles/backWhole/count"];
/// The longest that it took (ms).
const LONGEST_BACK: &str = "/troubles/backWhole/max_ms";
/// Answers to sends, in the trouble and before it (ms).
const ANSWERS: [&str; 2] = [
    "/troubles/answerInTrouble/p99_ms",
    "/troubles/answerInCalm/p99_ms",
];

/// What a run found.
#[derive(Debug, PartialEq)]
pub(crate) struct Found {
    /// Whether every delivery is accounted for.
    pub(crate) held: bool,
    pub(crate) figures: Vec<(Figure, f64)>,
}

impl Found {
    /// Reads a report. What it does not have is left out; a report that does
    /// not say that it held did not hold.
    pub(crate) fn read(report: &Value) -> Self {
        let number = |place: &str| report.pointer(place).and_then(Value::as_f64);
        let mut figures: Vec<_> = PLACES
            .iter()
            .filter_map(|(figure, place)| Some((*figure, number(place)?)))
            .collect();
        // Where somebody did not come back there is no longest time.
        if let [Some(expected), Some(came)] = BACK.map(number)
            && expected > 0.0
            && came >= expected
            && let Some(longest) = number(LONGEST_BACK)
        {
            figures.push((Figure::Back, longest / 1_000.0));
        }
        if let [Some(in_trouble), Some(before)] = ANSWERS.map(number)
            && before > 0.0
        {
            figures.push((Figure::Slower, in_trouble / before));
        }
        Self {
            held: report.pointer(HELD) == Some(&Value::Bool(true)),
            figures,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_is_read() {
        let report = json!({
            "held": true,
            "sends": { "acceptedPerS": 50.0 },
            "deliveries": { "latency": { "p50_ms": 4.5 } },
            "connections": { "allFollowAfterS": 12.5 },
        });
        let found = Found::read(&report);
        assert!(found.held);
        assert_eq!(
            found.figures,
            [
                (Figure::Sends, 50.0),
                (Figure::DeliveryP50, 4.5),
                (Figure::Joins, 12.5)
            ]
        );
        let nothing = Found {
            held: false,
            figures: Vec::new(),
        };
        assert_eq!(Found::read(&json!({})), nothing);
        assert!(!Found::read(&json!({ "held": false })).held);
    }

    #[test]
    fn trouble_is_over_when_everybody_is_back() {
        let read = |came: u32| {
            let report = json!({ "held": true, "troubles": {
                "expectedBack": 20, "backWhole": { "count": came, "max_ms": 4_000.0 },
                "answerInCalm": { "p99_ms": 10.0 }, "answerInTrouble": { "p99_ms": 15.0 },
                "failedSends": 3 } });
            Found::read(&report).figures
        };
        let others = [(Figure::Failed, 3.0), (Figure::Slower, 1.5)];
        assert_eq!(read(19), others);
        let [failed, slower] = others;
        assert_eq!(read(20), [failed, (Figure::Back, 4.0), slower]);
    }
}
