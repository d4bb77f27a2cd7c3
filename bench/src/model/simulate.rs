//! The simulation: discrete events, with processors that take tasks in order.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    rc::Rc,
};

use super::Costs;

/// Subscribers that one task writes to.
const CHUNK: u32 = 50;
/// Most messages of a group, as messages has it.
const GROUP: usize = 256;
/// A delivery that takes longer than this stands for a queue that grows (s).
const LONGEST: f64 = 2.0;

/// What is simulated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) members: u32,
    /// Messages a second, evenly.
    pub(super) rate: f64,
    /// How long (s).
    pub(super) seconds: f64,
    pub(super) cores: usize,
    /// Deliveries a second after which a publication waits for company.
    pub(super) pace: f64,
    /// But no longer than this (s).
    pub(super) longest_wait: f64,
    /// Most messages of a publication.
    pub(super) fold: usize,
}

/// What comes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Simulated {
    /// From when a message was due to a screen (s).
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// Processors that were busy, on average.
    pub(super) cpus: f64,
    /// Whether deliveries do not fall behind.
    pub(super) keeps_up: bool,
}

/// Messages, by when they were due (s).
type Messages = Rc<[f64]>;

/// What a processor does.
enum Task {
    Send(f64),
    Commit(Vec<f64>),
    Publish(Messages),
    Deliver(Messages, u32),
}

/// What happens at its time.
enum Event {
    Due(f64),
    Done(Task),
    /// These are in the stream.
    Arrived(Vec<f64>),
    /// The publisher looks again.
    Look,
}

struct Machine {
    room: Room,
    costs: Costs,
    now: f64,
    events: BinaryHeap<Reverse<(Time, u64)>>,
    happening: Vec<Option<Event>>,
    idle: usize,
    queue: VecDeque<Task>,
    busy: f64,
    /// Sends that wait for the next group.
    waiting: Vec<f64>,
    commits: bool,
    /// What the publisher has not taken yet.
    stream: VecDeque<f64>,
    publishes: bool,
    not_before: f64,
    /// Whether it will look again.
    looks: bool,
    /// How long deliveries took, and how many of them.
    taken: Vec<(f64, u32)>,
}

/// A time, in order.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time(f64);

impl Eq for Time {}

impl PartialOrd for Time {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Time {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// Simulates it to its end.
pub(super) fn run(room: Room, costs: Costs) -> Simulated {
    let mut machine = Machine {
        room,
        costs,
        now: 0.0,
        events: BinaryHeap::new(),
        happening: Vec::new(),
        idle: room.cores,
        queue: VecDeque::new(),
        busy: 0.0,
        waiting: Vec::new(),
        commits: false,
        stream: VecDeque::new(),
        publishes: false,
        not_before: 0.0,
        looks: false,
        taken: Vec::new(),
    };
    let mut due = 0.0;
    while due < room.seconds {
        machine.at(due, Event::Due(due));
        due += 1.0 / room.rate;
    }
    while machine.step() {}
    machine
        .taken
        .sort_unstable_by(|one, two| one.0.total_cmp(&two.0));
    let p99 = machine.quantile(0.99);
    Simulated {
        p50: machine.quantile(0.5),
        p99,
        cpus: machine.busy / machine.now.max(room.seconds),
        keeps_up: p99 <= LONGEST,
    }
}

impl Machine {
    fn at(&mut self, time: f64, event: Event) {
        self.events
            .push(Reverse((Time(time), self.happening.len() as u64)));
        self.happening.push(Some(event));
    }

    fn step(&mut self) -> bool {
        let Some(Reverse((Time(time), number))) = self.events.pop() else {
            return false;
        };
        self.now = time;
        let place = usize::try_from(number).unwrap_or(usize::MAX);
        match self.happening.get_mut(place).and_then(Option::take) {
            Some(Event::Due(due)) => self.queue.push_back(Task::Send(due)),
            Some(Event::Done(task)) => {
                self.idle += 1;
                self.done(task);
            }
            Some(Event::Arrived(messages)) => self.stream.extend(messages),
            Some(Event::Look) => self.looks = false,
            None => {}
        }
        self.commit();
        self.publish();
        self.work();
        true
    }

    /// Gives tasks to processors that have none.
    fn work(&mut self) {
        while self.idle > 0
            && let Some(task) = self.queue.pop_front()
        {
            self.idle -= 1;
            let cost = self.cost(&task);
            self.busy += cost;
            self.at(self.now + cost, Event::Done(task));
        }
    }

    fn cost(&self, task: &Task) -> f64 {
        match task {
            Task::Send(_) => self.costs.send,
            Task::Commit(_) => self.costs.group,
            Task::Publish(_) => self.costs.publication,
            Task::Deliver(messages, subscribers) => {
                #[expect(clippy::cast_precision_loss, reason = "a bounded count")]
                let further = messages.len().saturating_sub(1) as f64;
                f64::from(*subscribers) * further.mul_add(self.costs.folded, self.costs.delivery)
            }
        }
    }

    fn done(&mut self, task: Task) {
        match task {
            Task::Send(due) => self.waiting.push(due),
            Task::Commit(messages) => {
                self.commits = false;
                self.at(self.now + self.costs.hop, Event::Arrived(messages));
            }
            Task::Publish(messages) => {
                self.publishes = false;
                let mut left = self.room.members;
                while left > 0 {
                    let chunk = left.min(CHUNK);
                    self.queue.push_back(Task::Deliver(messages.clone(), chunk));
                    left -= chunk;
                }
            }
            Task::Deliver(messages, subscribers) => {
                let taken = messages.iter().map(|due| (self.now - due, subscribers));
                self.taken.extend(taken);
            }
        }
    }

    /// One group is committed at a time.
    fn commit(&mut self) {
        if self.commits || self.waiting.is_empty() {
            return;
        }
        self.commits = true;
        let rest = self.waiting.split_off(self.waiting.len().min(GROUP));
        let group = std::mem::replace(&mut self.waiting, rest);
        self.queue.push_back(Task::Commit(group));
    }

    /// One publication is sent at a time, and the next when the pace allows.
    fn publish(&mut self) {
        if self.publishes || self.stream.is_empty() {
            return;
        }
        if self.now < self.not_before {
            if !self.looks {
                self.looks = true;
                self.at(self.not_before, Event::Look);
            }
            return;
        }
        self.publishes = true;
        let wait = f64::from(self.room.members) / self.room.pace;
        self.not_before = self.now + wait.min(self.room.longest_wait);
        let count = self.stream.len().min(self.room.fold);
        let messages: Messages = self.stream.drain(..count).collect();
        self.queue.push_back(Task::Publish(messages));
    }

    fn quantile(&self, quantile: f64) -> f64 {
        let all: f64 = self.taken.iter().map(|(_, count)| f64::from(*count)).sum();
        let mut seen = 0.0;
        for (time, count) in &self.taken {
            seen += f64::from(*count);
            if seen >= all * quantile {
                return *time;
            }
        }
        0.0
    }
}
