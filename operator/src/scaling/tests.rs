//! The rules over time, against models of the two parts.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use proptest::prelude::*;

use super::{sample::PublisherPod, *};
use crate::component::Component;

const BOUNDS: Bounds = Bounds {
    least: 2,
    most: 8,
    down: None,
};
const LAG: Rule = Rule::Lag(Duration::from_secs(5));
const CONNECTIONS: Rule = Rule::Connections(20_000);

/// A look in which so many of 16 partitions are behind, with so many events
/// since the beginning and so many publishers.
fn publishers(at: Instant, pods: i32, behind: usize, events: f64) -> Sample {
    let lag = (0..16).map(|partition| {
        let seconds = if partition < behind { 30.0 } else { 0.5 };
        (partition.to_string(), seconds)
    });
    let pod = PublisherPod {
        lag: lag.collect(),
        events: events / f64::from(pods.max(1)),
        unattended: 0.0,
    };
    let pods_told = (0..pods).map(|n| (format!("publisher-{n}"), pod.clone()));
    Sample {
        at,
        publisher: Told {
            ready: pods,
            pods: pods_told.collect(),
        },
        centrifugo: Told::default(),
    }
}

/// A look at so many Centrifugos with so many connections together.
fn centrifugos(at: Instant, pods: i32, connections: u64) -> Sample {
    let each = connections / u64::try_from(pods.max(1)).unwrap();
    let rest = connections - each * u64::try_from(pods.max(1)).unwrap();
    let told = (0..pods).map(|n| {
        let own = if n == 0 { each + rest } else { each };
        (format!("centrifugo-{n}"), own)
    });
    Sample {
        at,
        publisher: Told::default(),
        centrifugo: Told {
            ready: pods,
            pods: told.collect(),
        },
    }
}

/// A part that is looked at every 15 s.
struct Run {
    scale: Scale,
    bounds: Bounds,
    rule: Rule,
    times: Times,
    now: Instant,
    before: Option<Sample>,
    events: f64,
    /// Seconds since the beginning, and the change.
    changes: Vec<(u64, Change)>,
    elapsed: u64,
}

impl Run {
    fn new(rule: Rule, bounds: Bounds, count: i32) -> Self {
        let component = match rule {
            Rule::Lag(_) => Component::Publisher,
            Rule::Connections(_) => Component::Centrifugo,
        };
        Self {
            scale: Scale::new(component, count),
            bounds,
            rule,
            times: Times::default(),
            now: Instant::now(),
            before: None,
            events: 0.0,
            changes: Vec::new(),
            elapsed: 0,
        }
    }

    /// Looks at this.
    fn look(&mut self, sample: Sample) {
        let change = self.scale.look(
            &sample,
            self.before.as_ref(),
            (self.bounds, self.rule),
            &self.times,
        );
        self.changes
            .extend(change.map(|change| (self.elapsed, change)));
        self.before = Some(sample);
        self.now += self.times.every;
        self.elapsed += self.times.every.as_secs();
    }

    /// Publishers with this to do, of whom each can do so much (events a
    /// second); what they cannot do leaves all partitions behind.
    fn publish(&mut self, load: f64, capacity: f64, looks: usize) {
        for _ in 0..looks {
            let pods = self.scale.count();
            let able = f64::from(pods) * capacity;
            self.events += load.min(able) * self.times.every.as_secs_f64();
            let behind = if load > able { 16 } else { 0 };
            self.look(publishers(self.now, pods, behind, self.events));
        }
    }

    fn connect(&mut self, connections: u64, looks: usize) {
        for _ in 0..looks {
            self.look(centrifugos(self.now, self.scale.count(), connections));
        }
    }

    fn counts(&self) -> Vec<i32> {
        self.changes.iter().map(|(_, change)| change.to).collect()
    }
}

/// Looks in so many minutes.
fn minutes(minutes: usize) -> usize {
    minutes * 4
}

#[test]
fn publishers_are_added_while_several_partitions_are_behind() {
    let mut run = Run::new(LAG, BOUNDS, 2);
    run.publish(350.0, 100.0, minutes(10));
    assert_eq!(run.counts(), [3, 4]);
    let (at, first) = &run.changes[0];
    assert!((30..=60).contains(at), "after {at} s");
    assert_eq!(
        first.why,
        "events of 16 partitions wait longer than 5 s, and several did for 30 s"
    );
    assert_eq!(run.scale.standing(), Standing::Within);
}

#[test]
fn one_partition_that_is_behind_is_not_helped_by_another_publisher() {
    let mut run = Run::new(LAG, BOUNDS, 2);
    for look in 0..100 {
        let sample = publishers(run.now, 2, 1, f64::from(look) * 100.0);
        run.look(sample);
    }
    assert!(run.changes.is_empty(), "{:?}", run.changes);
}

#[test]
fn where_nothing_is_published_more_publishers_would_wait_as_well() {
    let mut run = Run::new(LAG, BOUNDS, 2);
    for _ in 0..100 {
        let sample = publishers(run.now, 2, 16, 1_000.0);
        run.look(sample);
    }
    assert!(run.changes.is_empty(), "{:?}", run.changes);
}

#[test]
fn publishers_that_are_not_there_yet_are_waited_for() {
    let mut run = Run::new(LAG, BOUNDS, 3);
    for look in 0..100 {
        let sample = publishers(run.now, 2, 16, f64::from(look) * 100.0);
        run.look(sample);
    }
    assert!(run.changes.is_empty(), "{:?}", run.changes);
}

#[test]
fn publishers_go_one_at_a_time_when_there_is_less_to_do() {
    let mut run = Run::new(LAG, BOUNDS, 2);
    run.publish(550.0, 100.0, minutes(10));
    assert_eq!(run.scale.count(), 6);
    run.publish(50.0, 100.0, minutes(60));
    assert_eq!(run.counts(), [3, 4, 5, 6, 5, 4, 3, 2]);
    let ends: Vec<u64> = run.changes[4..].iter().map(|(at, _)| *at).collect();
    assert!(
        ends.windows(2).all(|pair| pair[1] - pair[0] >= 300),
        "{ends:?}"
    );
}

#[test]
fn what_too_few_publishers_could_not_carry_is_not_tried_again() {
    let mut run = Run::new(LAG, BOUNDS, 2);
    run.publish(350.0, 100.0, minutes(5 * 60));
    assert_eq!(run.counts(), [3, 4], "it stays for hours");
}

#[test]
fn beyond_the_bound_it_is_told() {
    let mut run = Run::new(
        LAG,
        Bounds {
            least: 1,
            most: 3,
            down: None,
        },
        2,
    );
    run.publish(900.0, 100.0, minutes(10));
    assert_eq!(run.counts(), [3]);
    assert_eq!(run.scale.standing(), Standing::AtMost);
    run.publish(250.0, 100.0, 1);
    assert_eq!(run.scale.standing(), Standing::Within);
}

#[test]
fn centrifugos_are_added_at_once_as_many_as_are_missing() {
    let mut run = Run::new(CONNECTIONS, BOUNDS, 2);
    run.connect(95_000, minutes(10));
    assert_eq!(run.counts(), [5]);
    assert_eq!(
        run.changes[0].1.why,
        "95000 connections are more than 20000 for each pod, for 30 s"
    );
}

#[test]
fn centrifugos_go_one_at_a_time_and_leave_room() {
    let mut run = Run::new(CONNECTIONS, BOUNDS, 5);
    run.connect(50_000, minutes(60));
    // Three would be enough, and fuller than is good.
    assert_eq!(run.counts(), [4]);
    run.connect(20_000, minutes(60));
    assert_eq!(run.counts(), [4, 3, 2]);
}

#[test]
fn how_soon_they_go_is_the_specs_to_say() {
    let down = Some(Duration::from_mins(1));
    let mut run = Run::new(CONNECTIONS, Bounds { down, ..BOUNDS }, 4);
    run.connect(20_000, minutes(10));
    assert_eq!(run.counts(), [3, 2]);
    let (first, change) = &run.changes[0];
    assert_eq!(*first, 60);
    assert!(change.why.contains("for 60 s"), "{}", change.why);
}

#[test]
fn connections_of_pods_that_cannot_be_read_are_not_taken_for_none() {
    let mut run = Run::new(CONNECTIONS, BOUNDS, 4);
    for _ in 0..100 {
        let mut sample = centrifugos(run.now, 4, 70_000);
        sample.centrifugo.pods.retain(|name, _| name.ends_with('0'));
        run.look(sample);
    }
    assert!(run.changes.is_empty(), "{:?}", run.changes);
    for _ in 0..100 {
        let mut sample = centrifugos(run.now, 4, 70_000);
        sample.centrifugo.pods.clear();
        run.look(sample);
    }
    assert!(run.changes.is_empty(), "{:?}", run.changes);
    assert_eq!(run.scale.standing(), Standing::Unreadable);
}

#[test]
fn other_bounds_count_at_once() {
    let mut run = Run::new(CONNECTIONS, BOUNDS, 8);
    run.bounds = Bounds {
        least: 1,
        most: 4,
        down: None,
    };
    run.connect(70_000, 1);
    assert_eq!(run.scale.count(), 4);
}

/// What a look may find, whatever the part does.
#[derive(Clone, Debug)]
struct Found {
    missing: i32,
    unread: usize,
    behind: usize,
    events: f64,
    connections: u64,
    pause: u64,
}

fn found() -> impl Strategy<Value = Found> {
    (
        -1..3_i32,
        0..3_usize,
        0..=16_usize,
        0.0..1e6_f64,
        prop_oneof![0..200_000_u64, Just(u64::MAX)],
        prop_oneof![9 => Just(15_u64), 1 => 0..600_u64],
    )
        .prop_map(
            |(missing, unread, behind, events, connections, pause)| Found {
                missing,
                unread,
                behind,
                events,
                connections,
                pause,
            },
        )
}

proptest! {
    #[test]
    fn the_number_is_always_within_its_bounds_and_falls_by_one(
        looks in prop::collection::vec(found(), 1..200),
        least in 1..6_i32,
        more in 0..10_i32,
        begun in 0..40_i32,
        on_lag: bool,
    ) {
        let bounds = Bounds { least, most: least + more, down: None };
        let rule = if on_lag { LAG } else { CONNECTIONS };
        let mut run = Run::new(rule, bounds, bounds.hold(begun));
        let start = run.now;
        let mut fell = None;
        for look in looks {
            let pods = (run.scale.count() - look.missing).max(0);
            let mut sample = publishers(run.now, pods, look.behind, look.events);
            sample.centrifugo = centrifugos(run.now, pods, look.connections).centrifugo;
            for _ in 0..look.unread {
                sample.publisher.pods.pop_last();
                sample.centrifugo.pods.pop_last();
            }
            let (before, at) = (run.scale.count(), run.now);
            run.look(sample);
            run.now = at + Duration::from_secs(look.pause);
            let count = run.scale.count();
            prop_assert!((bounds.least..=bounds.most).contains(&count), "{count}");
            prop_assert!(count >= before - 1, "from {before} to {count}");
            if count < before {
                let last: Instant = fell.replace(at).unwrap_or(start);
                prop_assert!(at - last >= run.times.down, "it fell too soon");
            }
        }
    }

    #[test]
    fn publishers_do_not_flap_when_the_load_does_not_change(
        load in 1.0..2_000.0_f64,
        capacity in 20.0..400.0_f64,
        begun in 2..=8_i32,
    ) {
        let mut run = Run::new(LAG, BOUNDS, begun);
        run.publish(load, capacity, minutes(90));
        let settled = run.changes.len();
        // Down to where it is too little, and back up: once.
        let turns = run.counts().windows(3).filter(|three| {
            (three[1] - three[0]).signum() != (three[2] - three[1]).signum()
        }).count();
        prop_assert!(turns <= 1, "{:?}", run.counts());
        run.publish(load, capacity, minutes(4 * 60));
        prop_assert_eq!(run.changes.len(), settled, "{:?}", run.changes);
    }

    #[test]
    fn centrifugos_do_not_flap_when_the_load_hardly_changes(
        load in 0..150_000_u64,
        swings in prop::collection::vec(0..=8_u64, 1..50),
        begun in 2..=8_i32,
    ) {
        let mut run = Run::new(CONNECTIONS, BOUNDS, begun);
        // Up to 8 percent more, at any time.
        for swing in swings.iter().cycle().take(minutes(8 * 60)) {
            run.connect(load + load * swing / 100, 1);
        }
        let turns = run.counts().windows(3).filter(|three| {
            (three[1] - three[0]).signum() != (three[2] - three[1]).signum()
        }).count();
        prop_assert!(turns <= 1, "{:?}", run.counts());
        let late = run.changes.iter().filter(|(at, _)| *at > 2 * 60 * 60).count();
        prop_assert_eq!(late, 0, "{:?}", run.changes);
    }
}

/// Looks at what flows.
fn flowing(looks: &[Sample]) -> Vec<Flowing> {
    let (mut flow, times) = (Flow::default(), Times::default());
    let mut before = None;
    looks
        .iter()
        .map(|sample| {
            flow.look(sample, before, &times);
            before = Some(sample);
            flow.flowing()
        })
        .collect()
}

fn every_15_s(events: &[f64]) -> Vec<Sample> {
    let start = Instant::now();
    let looks = (0_u32..).zip(events);
    looks
        .map(|(n, events)| publishers(start + Duration::from_secs(15) * n, 2, 0, *events))
        .collect()
}

#[test]
fn signs_of_life_show_that_it_flows_and_their_absence_that_it_does_not() {
    use Flowing::{Silent, Unknown, Yes};
    let looks = every_15_s(&[10.0, 13.0, 16.0, 16.0, 16.0, 16.0, 19.0]);
    assert_eq!(
        flowing(&looks),
        [Unknown, Yes, Yes, Yes, Silent, Silent, Yes]
    );
    // From the beginning on nothing.
    let looks = every_15_s(&[10.0, 10.0, 10.0, 10.0, 10.0]);
    assert_eq!(flowing(&looks)[..3], [Unknown, Unknown, Unknown]);
    assert_eq!(flowing(&looks)[3..], [Silent, Silent]);
}

#[test]
fn partitions_that_nobody_gets_on_with_are_told_though_others_flow() {
    let mut looks = every_15_s(&[10.0, 13.0, 16.0]);
    for pod in looks[2].publisher.pods.values_mut() {
        pod.unattended = 3.0;
    }
    assert_eq!(flowing(&looks)[2], Flowing::Unattended);
}

#[test]
fn silence_of_pods_that_cannot_be_read_says_nothing() {
    let mut looks = every_15_s(&[10.0; 8]);
    for sample in &mut looks {
        sample.publisher.pods.pop_last();
    }
    assert!(flowing(&looks).iter().all(|told| *told == Flowing::Unknown));
    for sample in &mut looks {
        sample.publisher.pods = BTreeMap::new();
    }
    assert!(flowing(&looks).iter().all(|told| *told == Flowing::Unknown));
}

#[test]
fn a_publisher_that_began_anew_counts_from_the_beginning() {
    let looks = every_15_s(&[1_000.0, 1_003.0, 2.0, 5.0]);
    assert!(
        flowing(&looks)[1..]
            .iter()
            .all(|told| *told == Flowing::Yes)
    );
}
