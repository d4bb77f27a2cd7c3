//! Sends publications to Centrifugo and settles each by its answers.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use plaza_centrifugo::{CallError, Channel, Client, Command, Outcome};
use plaza_events::{Partition, stream::Lease};
use plaza_kit::{
    retry::{Backoff, Outage},
    shutdown::Shutdown,
    trace,
};
use tokio::time::Instant;
use tracing::Instrument;

use super::{
    Ended,
    plan::{BatchLimits, Step, Window},
    publication::{Publication, Recipients, What, data},
    touched::{Alarm, Touched},
};

const FIRST_DELAY: Duration = Duration::from_millis(50);
const LONGEST_DELAY: Duration = Duration::from_secs(2);

/// Channels of one partition that are made to notice a loss, at most.
const MAX_TOUCHED: usize = 20_000;

/// A channel's error that comes with an answer.
#[derive(Debug, thiserror::Error)]
#[error("Centrifugo answered with code {0}")]
struct Refused(u32);

/// The way of one partition to Centrifugo.
#[derive(Debug)]
pub(super) struct Sender {
    partition: Partition,
    client: Client,
    outage: Outage,
    backoff: Backoff,
    limits: BatchLimits,
    touched: Touched,
    refused: Vec<Refusal>,
}

/// A publication that a channel will never take.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The place of its event among what was read together; none for a word on
    /// where a room stands.
    pub(super) place: Option<usize>,
    pub(super) channel: Channel,
    /// Centrifugo's error code and wording.
    pub(super) code: u32,
    pub(super) message: String,
}

impl Sender {
    pub(super) fn new(partition: Partition, client: Client, outage: Outage, alarm: Alarm) -> Self {
        Self {
            partition,
            client,
            outage,
            backoff: Backoff::new(FIRST_DELAY, LONGEST_DELAY),
            limits: BatchLimits::default(),
            touched: Touched::new(MAX_TOUCHED, alarm, Instant::now()),
            refused: Vec::new(),
        }
    }

    /// Sends a window, or comes back after a wait when Centrifugo is away: then
    /// the window should be made anew from what was not answered, since who
    /// may read may have changed meanwhile. Channels that fail while others
    /// are well are waited for in here: to begin anew would repeat to all of
    /// the others.
    pub(super) async fn send(
        &mut self,
        window: &mut Window,
        lease: &Lease,
        shutdown: &Shutdown,
    ) -> Result<Sent, Ended> {
        while !window.is_done() {
            // Who was paused may not be the owner any more; a request takes
            // less time than a lease stands.
            if !lease.is_held() {
                return Err(Ended::Lost);
            }
            let steps = window.ready(self.limits);
            if steps.is_empty() {
                self.wait(shutdown).await?;
                if window.is_untouched() {
                    return Ok(Sent::Away);
                }
                window.release();
            } else {
                match self.batch(window, &steps).await {
                    Answer::Settled => {}
                    Answer::Apart => return Ok(Sent::Apart),
                    Answer::None => {
                        self.wait(shutdown).await?;
                        return Ok(Sent::Away);
                    }
                }
            }
        }
        self.outage.answered();
        Ok(Sent::All)
    }

    async fn wait(&mut self, shutdown: &Shutdown) -> Result<(), Ended> {
        tokio::select! {
            () = tokio::time::sleep(self.backoff.delay()) => Ok(()),
            () = shutdown.finishing() => Err(Ended::Stopped),
        }
    }

    /// Takes what channels have refused since the last time.
    pub(super) fn take_refused(&mut self) -> Vec<Refusal> {
        std::mem::take(&mut self.refused)
    }

    /// Sends one batch.
    async fn batch(&mut self, window: &mut Window, steps: &[Step]) -> Answer {
        let began = Instant::now();
        for step in steps {
            if let What::Data(_) = window.publication(step.publication).what {
                for channel in &step.channels {
                    self.touched.touch(*channel, began);
                }
            }
        }
        let commands: Vec<_> = steps.iter().map(|step| command(window, step)).collect();
        let span = self.span(window, steps);
        let answer = self.client.batch(&commands).instrument(span).await;
        metrics::histogram!("plaza_publisher_publish_seconds").record(began.elapsed());
        match answer {
            Ok(outcomes) => {
                let mut tally = Tally::default();
                for (step, outcomes) in steps.iter().zip(outcomes) {
                    for (at, outcome) in outcomes.into_iter().enumerate() {
                        self.settle(window, step, at, outcome, &mut tally);
                    }
                }
                self.count(&tally);
                if tally.apart {
                    Answer::Apart
                } else {
                    Answer::Settled
                }
            }
            Err(error) => {
                self.failed(&error);
                Answer::None
            }
        }
    }

    fn settle(
        &mut self,
        window: &mut Window,
        step: &Step,
        at: usize,
        outcome: Outcome,
        tally: &mut Tally,
    ) {
        let channel = step.channels[at];
        match outcome {
            Outcome::Accepted(position) => {
                if let Some(position) = position {
                    self.touched
                        .accepted(channel, &position.epoch, Instant::now());
                }
                match window.publication(step.publication).what {
                    What::Data(_) => tally.deliveries += 1,
                    What::Removals(_) => tally.removals += 1,
                }
            }
            Outcome::Retry { code } => {
                tally.held.get_or_insert(code);
                tally.retries += 1;
                window.hold(step, at);
                return;
            }
            Outcome::Never { code, message } => {
                let origins = window.origins(step);
                if origins.len() > 1 {
                    // One of them is at fault: each is tried alone.
                    tally.apart = true;
                    window.hold(step, at);
                    return;
                }
                self.refused.push(Refusal {
                    place: origins.first().map(|origin| origin.place),
                    channel,
                    code,
                    message,
                });
            }
        }
        if window.answered(step, at) {
            tally.publications += 1;
            for origin in &window.publication(step.publication).of {
                tally.events += 1;
                let ms = Utc::now().timestamp_millis() - origin.at_ms;
                let latency = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
                metrics::histogram!("plaza_commit_to_publish_seconds").record(latency);
            }
        }
    }

    fn count(&mut self, tally: &Tally) {
        metrics::counter!("plaza_publisher_publications_total").increment(tally.publications);
        metrics::counter!("plaza_publisher_events_total").increment(tally.events);
        metrics::counter!("plaza_publisher_deliveries_total").increment(tally.deliveries);
        metrics::counter!("plaza_publisher_removals_total").increment(tally.removals);
        if tally.deliveries + tally.removals > 0 {
            self.backoff.reset();
        }
        if let Some(code) = tally.held {
            metrics::counter!("plaza_publisher_retries_total", "of" => "centrifugo")
                .increment(tally.retries);
            self.touched.failed(Instant::now());
            self.outage.failed(&Refused(code));
        }
    }

    fn failed(&mut self, error: &CallError) {
        metrics::counter!("plaza_publisher_retries_total", "of" => "centrifugo").increment(1);
        self.touched.failed(Instant::now());
        self.outage.failed(error);
    }

    /// One span for a batch, linked to the trace of each of its events.
    fn span(&self, window: &Window, steps: &[Step]) -> tracing::Span {
        let span = tracing::info_span!(
            "publish",
            partition = self.partition.number(),
            commands = steps.len(),
            channels = steps.iter().map(|step| step.channels.len()).sum::<usize>()
        );
        for step in steps {
            let origins = window.publication(step.publication).of.iter();
            for traceparent in origins.filter_map(|origin| origin.traceparent.as_deref()) {
                trace::link(&span, traceparent);
            }
        }
        span
    }

    /// When [`reveal_gaps`](Self::reveal_gaps) should be called; none while
    /// nothing has failed, in other partitions neither.
    pub(super) fn gaps_due(&mut self) -> Option<Instant> {
        self.touched.listen(Instant::now());
        self.touched.due()
    }

    /// After trouble: the channels that may have lost a publication, which ends
    /// the trouble.
    pub(super) fn take_touched(&mut self) -> Vec<Channel> {
        self.touched.take(Instant::now())
    }

    /// Sends a publication without events to each of these channels, so that
    /// their clients notice what they lack.
    pub(super) async fn reveal_gaps(
        &mut self,
        channels: Vec<Channel>,
        lease: &Lease,
        shutdown: &Shutdown,
    ) -> Result<(), Ended> {
        let Ok(data) = data(&[]) else { return Ok(()) };
        metrics::counter!("plaza_publisher_gap_checks_total").increment(channels.len() as u64);
        let publication = Publication {
            to: Recipients::Many(Arc::new(channels)),
            what: What::Data(data),
            of: Vec::new(),
        };
        let mut window = Window::new(vec![publication]);
        while self.send(&mut window, lease, shutdown).await? == Sent::Away {
            window.release();
        }
        Ok(())
    }
}

/// How far a window came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// To its end.
    All,
    /// To where Centrifugo gave no answer.
    Away,
    /// To where it refused several events in one publication.
    Apart,
}

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Every channel has its outcome.
    Settled,
    /// Several events in one publication were refused.
    Apart,
    /// None, or one to the call as a whole.
    None,
}

/// What the answer to a batch amounts to.
#[derive(Debug, Default)]
struct Tally {
    publications: u64,
    events: u64,
    apart: bool,
    deliveries: u64,
    removals: u64,
    retries: u64,
    /// The code of a channel that has to wait.
    held: Option<u32>,
}

fn command<'a>(window: &'a Window, step: &'a Step) -> Command<'a> {
    match (
        &window.publication(step.publication).what,
        step.channels.as_slice(),
    ) {
        (What::Data(data), [channel]) => Command::Publish {
            channel: *channel,
            data,
        },
        (What::Data(data), channels) => Command::Broadcast { channels, data },
        (What::Removals(users), channels) => Command::Unsubscribe {
            user: users[step.removal()],
            channel: channels[0],
        },
    }
}
