//! The rows of the table: what is done for each, what has to be reached, and
//! what others reach.

use crate::figure::{Bound, Figure};

/// A row.
#[derive(Debug)]
pub(crate) struct Row {
    /// Which, on the command line.
    pub(crate) name: &'static str,
    /// What is done, in words.
    pub(crate) title: &'static str,
    pub(crate) work: Work,
    /// How often; each repetition has the same Plaza.
    pub(crate) repetitions: u32,
    pub(crate) wanted: &'static [(Figure, Bound)],
    pub(crate) others: Others,
}

/// What others reach with the same on two cores; empty: not known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Others {
    /// The tutorial's server in Django.
    pub(crate) django: &'static str,
    /// Tinode 0.25 with PostgreSQL.
    pub(crate) tinode: &'static str,
    /// Centrifugo alone, published to directly.
    pub(crate) centrifugo: &'static str,
}

/// What is done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    Load(Load),
    /// Memory of an idle Plaza.
    Memory {
        standalone: bool,
    },
    /// Requests of many at once, without writes.
    Reads,
    /// Sends one at a time into rooms of so many members that nobody follows.
    SendCurve(&'static [u32]),
    /// Pages in the middle of histories of so many messages.
    HistoryCurve(&'static [u64]),
}

/// A run of the load tester.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) scenario: &'static str,
    /// Who follows the room, each with a connection.
    pub(crate) members: u32,
    pub(crate) pace: Pace,
    /// Connections are opened over this time (s).
    pub(crate) ramp_s: u32,
    pub(crate) warm_up_s: u32,
    /// What is due in this time is measured (s); none: as the scenario has it,
    /// whose faults come at their times.
    pub(crate) duration_s: Option<u32>,
    /// Centrifugo nodes, at least.
    pub(crate) nodes: u32,
}

/// How it is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Pace {
    /// So many a second, however slow the answers are.
    Rate(f64),
    /// So many senders, each again when it was answered.
    ClosedLoop(u32),
}

/// Behind this, what is sent does not arrive as fast as it is accepted.
const KEEPS_UP: (Figure, Bound) = (Figure::DeliveryP99, Bound::AtMost(2_000.0));

const UNKNOWN: Others = Others {
    django: "",
    tinode: "",
    centrifugo: "",
};

const LATENCY: Load = Load {
    scenario: "room",
    members: 100,
    pace: Pace::Rate(1.0),
    ramp_s: 5,
    warm_up_s: 5,
    duration_s: Some(20),
    nodes: 1,
};

const OF_100: Others = Others {
    django: "62 sends/s, p50 124 ms",
    tinode: "584/s; at 200/s p50 1.6 ms, p99 5.7 ms",
    centrifugo: "1,515/s, p50 3 ms",
};

const OF_1000: Others = Others {
    django: "22/s, p50 159 ms, p99 224 ms",
    tinode: "88/s; at 50/s p50 8.6 ms, p99 38 ms",
    centrifugo: "218/s; 804/s folded by ten",
};

const OF_10000: Others = Others {
    django: "2.7/s, p50 216 ms, p99 471 ms",
    tinode: "5.9/s; at 3/s p50 96 ms, p99 212 ms",
    centrifugo: "3/s: p50 80 ms, p99 241 ms; 60/s folded by ten",
};

/// All rows, in the order of the table.
pub(crate) static ROWS: [Row; 18] = [
    Row {
        name: "room-100",
        title: "100 members, 200 sends/s",
        work: Work::Load(Load {
            pace: Pace::Rate(200.0),
            ..LATENCY
        }),
        repetitions: 3,
        wanted: &[
            (Figure::DeliveryP50, Bound::AtMost(6.0)),
            (Figure::DeliveryP99, Bound::AtMost(25.0)),
        ],
        others: OF_100,
    },
    Row {
        name: "room-100-senders-8",
        title: "100 members, 8 senders that wait for each answer",
        work: Work::Load(Load {
            pace: Pace::ClosedLoop(8),
            ..LATENCY
        }),
        repetitions: 3,
        wanted: &[(Figure::Sends, Bound::AtLeast(1_000.0)), KEEPS_UP],
        others: OF_100,
    },
    Row {
        name: "room-100-senders-64",
        title: "100 members, 64 senders that wait for each answer",
        work: Work::Load(Load {
            pace: Pace::ClosedLoop(64),
            ..LATENCY
        }),
        repetitions: 3,
        wanted: &[(Figure::Sends, Bound::AtLeast(2_000.0)), KEEPS_UP],
        others: OF_100,
    },
    Row {
        name: "room-1000",
        title: "1,000 members, 50 sends/s",
        work: Work::Load(Load {
            members: 1_000,
            pace: Pace::Rate(50.0),
            ..LATENCY
        }),
        repetitions: 3,
        wanted: &[
            (Figure::DeliveryP50, Bound::AtMost(15.0)),
            (Figure::DeliveryP99, Bound::AtMost(60.0)),
        ],
        others: OF_1000,
    },
    Row {
        name: "room-1000-full",
        title: "1,000 members, 600 sends/s",
        work: Work::Load(Load {
            members: 1_000,
            pace: Pace::Rate(600.0),
            ..LATENCY
        }),
        repetitions: 3,
        wanted: &[
            (Figure::Sends, Bound::AtLeast(600.0)),
            (Figure::Deliveries, Bound::AtLeast(600_000.0)),
            KEEPS_UP,
        ],
        others: OF_1000,
    },
    Row {
        name: "room-10000",
        title: "10,000 members, 3 sends/s",
        work: Work::Load(Load {
            members: 10_000,
            pace: Pace::Rate(3.0),
            ramp_s: 15,
            duration_s: Some(30),
            ..LATENCY
        }),
        repetitions: 3,
        wanted: &[(Figure::DeliveryP99, Bound::AtMost(250.0))],
        others: OF_10000,
    },
    Row {
        name: "room-10000-full",
        title: "10,000 members, 40 sends/s for a minute",
        work: Work::Load(Load {
            members: 10_000,
            pace: Pace::Rate(40.0),
            ramp_s: 15,
            duration_s: Some(60),
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[
            (Figure::Sends, Bound::AtLeast(40.0)),
            KEEPS_UP,
            (Figure::BacklogOldest, Bound::AtMost(5.0)),
        ],
        others: OF_10000,
    },
    Row {
        name: "two-100-senders-64",
        title: "100 members, 64 senders that wait, two of every part",
        work: Work::Load(Load {
            pace: Pace::ClosedLoop(64),
            nodes: 2,
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[(Figure::Sends, Bound::AtLeast(2_000.0)), KEEPS_UP],
        others: UNKNOWN,
    },
    Row {
        name: "two-1000-full",
        title: "1,000 members, 600 sends/s, two of every part",
        work: Work::Load(Load {
            members: 1_000,
            pace: Pace::Rate(600.0),
            nodes: 2,
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[
            (Figure::Sends, Bound::AtLeast(600.0)),
            (Figure::Deliveries, Bound::AtLeast(600_000.0)),
            KEEPS_UP,
        ],
        others: UNKNOWN,
    },
    Row {
        name: "room-30000",
        title: "30,000 members on two Centrifugo nodes, 2 sends/s",
        work: Work::Load(Load {
            members: 30_000,
            pace: Pace::Rate(2.0),
            ramp_s: 10,
            warm_up_s: 10,
            duration_s: Some(30),
            nodes: 2,
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[
            (Figure::Joins, Bound::AtMost(15.0)),
            (Figure::Sends, Bound::AtLeast(2.0)),
            (Figure::DeliveryP99, Bound::AtMost(1_500.0)),
        ],
        others: Others {
            django: "its broadcast would need 1 s of Redis a message",
            tinode: "not tried",
            centrifugo: "",
        },
    },
    Row {
        name: "storm",
        title: "20,000 connections dropped at once, 2 sends/s",
        work: Work::Load(Load {
            scenario: "storm",
            members: 20_000,
            pace: Pace::Rate(2.0),
            ramp_s: 40,
            duration_s: None,
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[
            (Figure::Back, Bound::AtMost(30.0)),
            (Figure::Failed, Bound::AtMost(0.0)),
            (Figure::Slower, Bound::AtMost(2.0)),
        ],
        others: UNKNOWN,
    },
    Row {
        name: "storm-history-lost",
        title: "the same, and their history is lost",
        work: Work::Load(Load {
            scenario: "storm-history-lost",
            members: 20_000,
            pace: Pace::Rate(2.0),
            ramp_s: 40,
            duration_s: None,
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[
            (Figure::Back, Bound::AtMost(60.0)),
            (Figure::Failed, Bound::AtMost(0.0)),
            (Figure::Slower, Bound::AtMost(2.0)),
        ],
        others: UNKNOWN,
    },
    Row {
        name: "blackout",
        title: "no real-time layer: 20,000 clients poll, 2 sends/s",
        work: Work::Load(Load {
            scenario: "blackout",
            members: 20_000,
            pace: Pace::Rate(2.0),
            ramp_s: 40,
            duration_s: None,
            ..LATENCY
        }),
        repetitions: 1,
        wanted: &[(Figure::Slower, Bound::AtMost(2.0))],
        others: UNKNOWN,
    },
    Row {
        name: "memory",
        title: "idle, separate processes",
        work: Work::Memory { standalone: false },
        repetitions: 3,
        wanted: &[(Figure::Memory, Bound::AtMost(120.0))],
        others: Others {
            django: "64 MB a worker",
            tinode: "46 MiB",
            centrifugo: "103 MB",
        },
    },
    Row {
        name: "memory-standalone",
        title: "idle, standalone",
        work: Work::Memory { standalone: true },
        repetitions: 3,
        wanted: &[(Figure::Memory, Bound::AtMost(60.0))],
        others: Others {
            django: "64 MB a worker",
            tinode: "46 MiB",
            centrifugo: "103 MB",
        },
    },
    Row {
        name: "reads",
        title: "reads by 8 clients at once",
        work: Work::Reads,
        repetitions: 3,
        wanted: &[
            (Figure::RoomsP50, Bound::AtMost(5.0)),
            (Figure::HistoryP50, Bound::AtMost(3.0)),
            (Figure::DiscoveryP50, Bound::AtMost(10.0)),
        ],
        others: Others {
            django: "p50 204, 101 and 75 ms",
            ..UNKNOWN
        },
    },
    Row {
        name: "send-curve",
        title: "one send against the size of the room",
        work: Work::SendCurve(&[50, 100, 1_000, 10_000, 100_000]),
        repetitions: 3,
        wanted: &[(Figure::Growth, Bound::AtMost(1.5))],
        others: UNKNOWN,
    },
    Row {
        name: "history-curve",
        title: "a page in the middle against the length of the history",
        work: Work::HistoryCurve(&[1_000, 10_000, 100_000, 1_000_000, 10_000_000]),
        repetitions: 3,
        wanted: &[(Figure::Growth, Bound::AtMost(1.5))],
        others: UNKNOWN,
    },
];

/// The row of a name.
pub(crate) fn find(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

impl Load {
    /// The same in seconds: it shows that everything works, and no figure.
    pub(crate) fn quick(self) -> Self {
        Self {
            members: self.members.min(60),
            pace: match self.pace {
                Pace::Rate(rate) => Pace::Rate(rate.min(20.0)),
                Pace::ClosedLoop(senders) => Pace::ClosedLoop(senders.min(4)),
            },
            ramp_s: 1,
            warm_up_s: 1,
            duration_s: self.duration_s.map(|_| 3),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_has_a_name_of_its_own_and_a_target() {
        let names: BTreeSet<_> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
        for row in &ROWS {
            assert_eq!(find(row.name).map(|row| row.title), Some(row.title));
            assert!(!row.wanted.is_empty(), "{}", row.name);
            assert!(row.repetitions > 0, "{}", row.name);
        }
        assert!(find("room-7").is_none());
    }
}
