//! The order of sending: which publications may go out together. Pure: no I/O.
//!
//! A channel gets its publications one after the other: the next one goes out
//! when the one before was answered. Different channels do not wait for each
//! other. Who is made to leave a channel stands in the same order: until that
//! was answered nothing goes to the channel.

use std::collections::HashMap;

use plaza_centrifugo::Channel;

use super::publication::{Origin, Publication, What};

/// Bounds of one request to Centrifugo.
#[derive(Debug, Clone, Copy)]
pub(super) struct BatchLimits {
    /// Channels in one broadcast.
    pub(super) channels_per_command: usize,
    /// Channels in all commands together.
    pub(super) channels_per_batch: usize,
    /// Commands.
    pub(super) commands: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            channels_per_command: 5_000,
            channels_per_batch: 10_000,
            commands: 256,
        }
    }
}

/// One command of a batch: a publication to some of its channels, or one
/// removal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The publication's place in the window.
    pub(super) publication: usize,
    /// The channels, none of which is in another command of the batch; except
    /// that several people may leave one channel at once.
    pub(super) channels: Vec<Channel>,
    /// Their places in the publication.
    places: Vec<usize>,
}

impl Step {
    /// Whose place among the removals it is.
    pub(super) fn removal(&self) -> usize {
        self.places.first().copied().unwrap_or_default()
    }
}

/// Publications on their way, until each was answered in each of its channels.
#[derive(Debug)]
pub(super) struct Window {
    publications: Vec<Pending>,
    channels: HashMap<Channel, Progress>,
    /// Publications before this one are answered everywhere.
    first: usize,
    untouched: bool,
}

#[derive(Debug)]
struct Pending {
    publication: Publication,
    /// For each channel, or each removal, the number of this publication among
    /// those of the channel; none once it was answered.
    turns: Vec<Option<u32>>,
    left: usize,
}

#[derive(Debug, Default)]
struct Progress {
    publications: u32,
    answered: u32,
    held: bool,
}

impl Window {
    pub(super) fn new(publications: Vec<Publication>) -> Self {
        let mut channels: HashMap<Channel, Progress> = HashMap::new();
        let publications = publications.into_iter().map(|publication| {
            let turns = publication.to.channels().iter().map(|channel| {
                let progress = channels.entry(*channel).or_default();
                progress.publications += 1;
                Some(progress.publications - 1)
            });
            let mut turns: Vec<_> = turns.collect();
            if let (What::Removals(users), Some(turn)) = (&publication.what, turns.first()) {
                turns = vec![*turn; users.len()];
            }
            Pending {
                left: turns.len(),
                turns,
                publication,
            }
        });
        let mut window = Self {
            publications: publications.collect(),
            channels,
            first: 0,
            untouched: true,
        };
        window.pass_answered();
        window
    }

    fn pass_answered(&mut self) {
        while self
            .publications
            .get(self.first)
            .is_some_and(|pending| pending.left == 0)
        {
            self.first += 1;
        }
    }

    /// Whether everything was answered.
    pub(super) fn is_done(&self) -> bool {
        self.first == self.publications.len()
    }

    /// Whether no channel has answered for good yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.untouched
    }

    /// The first publication that was not answered everywhere.
    pub(super) fn first_open(&self) -> Option<&Publication> {
        Some(&self.publications.get(self.first)?.publication)
    }

    /// Whether the publication at this place was answered everywhere.
    pub(super) fn is_answered(&self, place: usize) -> bool {
        self.publications
            .get(place)
            .is_some_and(|pending| pending.left == 0)
    }

    /// The events that one channel of a step carries.
    pub(super) fn origins(&self, step: &Step) -> &[Origin] {
        let publication = &self.publications[step.publication].publication;
        match publication.what {
            What::Data(_) => &publication.of,
            What::Removals(_) => {
                let own = publication.of.get(step.removal());
                own.map_or(&[], std::slice::from_ref)
            }
        }
    }

    /// The publication at this place.
    pub(super) fn publication(&self, place: usize) -> &Publication {
        &self.publications[place].publication
    }

    /// What may go out now: of each channel that is not held the next
    /// publication. Nothing while every open channel is held.
    pub(super) fn ready(&self, limits: BatchLimits) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut room = limits.channels_per_batch;
        for (place, pending) in self.publications.iter().enumerate().skip(self.first) {
            if pending.left == 0 {
                continue;
            }
            if let (What::Removals(_), [channel]) =
                (&pending.publication.what, pending.publication.to.channels())
            {
                let waiting = pending.turns.iter().enumerate();
                for (at, _) in waiting.filter(|(_, turn)| self.is_next(channel, **turn)) {
                    if room == 0 || steps.len() == limits.commands {
                        return steps;
                    }
                    room -= 1;
                    steps.push(Step {
                        publication: place,
                        channels: vec![*channel],
                        places: vec![at],
                    });
                }
                continue;
            }
            let mut ready = pending
                .turns
                .iter()
                .zip(pending.publication.to.channels())
                .enumerate()
                .filter(|(_, (turn, channel))| self.is_next(channel, **turn))
                .map(|(at, (_, channel))| (at, *channel))
                .peekable();
            while ready.peek().is_some() {
                let most = limits.channels_per_command.min(room);
                if most == 0 || steps.len() == limits.commands {
                    return steps;
                }
                let (places, channels): (Vec<_>, Vec<_>) = ready.by_ref().take(most).unzip();
                room -= channels.len();
                steps.push(Step {
                    publication: place,
                    channels,
                    places,
                });
            }
        }
        steps
    }

    fn is_next(&self, channel: &Channel, turn: Option<u32>) -> bool {
        let Some(progress) = self.channels.get(channel) else {
            return false;
        };
        turn == Some(progress.answered) && !progress.held
    }

    /// One channel of a step was answered for good. Answers whether its
    /// publication is now answered everywhere.
    pub(super) fn answered(&mut self, step: &Step, at: usize) -> bool {
        let pending = &mut self.publications[step.publication];
        if pending.turns[step.places[at]].take().is_none() {
            return false;
        }
        self.untouched = false;
        pending.left -= 1;
        let complete = pending.left == 0;
        // All who leave a channel have one turn in it.
        let is_turn_over = complete || matches!(pending.publication.what, What::Data(_));
        if let Some(progress) = self.channels.get_mut(&step.channels[at])
            && is_turn_over
        {
            progress.answered += 1;
        }
        self.pass_answered();
        complete
    }

    /// One channel of a step has to wait: nothing goes to it until
    /// [`release`](Self::release), and then the same again.
    pub(super) fn hold(&mut self, step: &Step, at: usize) {
        if let Some(progress) = self.channels.get_mut(&step.channels[at]) {
            progress.held = true;
        }
    }

    /// Ends the waiting of all channels.
    pub(super) fn release(&mut self) {
        for progress in self.channels.values_mut() {
            progress.held = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::publication::{Recipients, data};
    use plaza_types::UserId;
    use proptest::prelude::*;
    use std::{collections::HashSet, sync::Arc};

    fn window(publications: &[Vec<Channel>]) -> Window {
        let publications = publications.iter().map(|channels| Publication {
            to: Recipients::Many(Arc::new(channels.clone())),
            what: What::Data(data(&[]).unwrap()),
            of: Vec::new(),
        });
        Window::new(publications.collect())
    }

    fn users(count: usize) -> Vec<Channel> {
        (0..count)
            .map(|_| Channel::Personal(UserId::new()))
            .collect()
    }

    fn limits(commands: usize, channels: usize) -> BatchLimits {
        BatchLimits {
            channels_per_command: channels,
            channels_per_batch: channels * 2,
            commands,
        }
    }

    fn answer_all(window: &mut Window, steps: &[Step]) {
        for step in steps {
            for at in 0..step.channels.len() {
                window.answered(step, at);
            }
        }
    }

    #[test]
    fn different_channels_go_together_and_the_same_one_after_the_other() {
        let [a, b, c] = users(3).try_into().unwrap();
        let mut window = window(&[vec![a, b], vec![b, c], vec![c]]);
        let steps = window.ready(BatchLimits::default());
        let sent = steps
            .iter()
            .map(|step| (step.publication, step.channels.clone()));
        assert_eq!(sent.collect::<Vec<_>>(), [(0, vec![a, b]), (1, vec![c])]);
        answer_all(&mut window, &steps);
        let steps = window.ready(BatchLimits::default());
        let sent = steps
            .iter()
            .map(|step| (step.publication, step.channels.clone()));
        assert_eq!(sent.collect::<Vec<_>>(), [(1, vec![b]), (2, vec![c])]);
        answer_all(&mut window, &steps);
        assert!(window.is_done());
    }

    #[test]
    fn a_held_channel_holds_up_no_other() {
        let [a, b] = users(2).try_into().unwrap();
        let mut window = window(&[vec![a, b], vec![a, b]]);
        let steps = window.ready(BatchLimits::default());
        window.hold(&steps[0], 0);
        assert!(!window.answered(&steps[0], 1));
        let steps = window.ready(BatchLimits::default());
        assert_eq!(steps[0].publication, 1);
        assert_eq!(steps[0].channels, [b]);
        window.answered(&steps[0], 0);
        assert_eq!(
            window.ready(BatchLimits::default()),
            [],
            "all that is open is held"
        );
        assert!(!window.is_done());
        window.release();
        assert_eq!(window.ready(BatchLimits::default())[0].publication, 0);
    }

    #[test]
    fn a_large_room_goes_out_in_several_commands() {
        let mut window = window(&[users(25)]);
        let steps = window.ready(limits(10, 10));
        let sizes: Vec<_> = steps.iter().map(|step| step.channels.len()).collect();
        assert_eq!(sizes, [10, 10]);
        answer_all(&mut window, &steps);
        let steps = window.ready(limits(10, 10));
        assert_eq!(steps[0].channels.len(), 5);
        assert!(
            (0..5)
                .map(|at| window.answered(&steps[0], at))
                .eq([false, false, false, false, true])
        );
        assert!(window.is_done());
    }

    #[test]
    fn until_all_have_left_nothing_goes_to_the_channel() {
        let channel = Channel::Room(plaza_types::RoomId::new(), plaza_types::Generation::ZERO);
        let leaving = Publication {
            to: Recipients::One(channel),
            what: What::Removals(vec![UserId::new(), UserId::new(), UserId::new()]),
            of: Vec::new(),
        };
        let message = Publication {
            to: Recipients::One(channel),
            what: What::Data(data(&[]).unwrap()),
            of: Vec::new(),
        };
        let mut window = Window::new(vec![message.clone(), leaving, message]);
        let first = window.ready(BatchLimits::default());
        assert_eq!((first.len(), first[0].publication), (1, 0));
        answer_all(&mut window, &first);

        let steps = window.ready(BatchLimits::default());
        assert_eq!(
            steps.iter().map(Step::removal).collect::<Vec<_>>(),
            [0, 1, 2]
        );
        assert!(!window.answered(&steps[0], 0));
        window.hold(&steps[1], 0);
        assert!(!window.answered(&steps[2], 0));
        assert_eq!(
            window.ready(BatchLimits::default()),
            [],
            "one is still there"
        );
        window.release();
        let again = window.ready(BatchLimits::default());
        assert_eq!(again.iter().map(Step::removal).collect::<Vec<_>>(), [1]);
        assert!(window.answered(&again[0], 0));
        assert_eq!(window.ready(BatchLimits::default())[0].publication, 2);
    }

    #[test]
    fn what_goes_to_nobody_is_done() {
        assert!(window(&[vec![], vec![]]).is_done());
        assert!(window(&[]).is_done());
    }

    proptest! {
        /// Whatever fails, and however often: each channel gets each of its
        /// publications, in order, and a batch has a channel only once.
        #[test]
        fn each_channel_gets_its_publications_in_order(
            rooms in prop::collection::vec(prop::collection::btree_set(0_usize..6, 0..6), 1..20),
            fates in prop::collection::vec(any::<bool>(), 0..60),
            commands in 1_usize..4,
            channels in 1_usize..4,
        ) {
            let users = users(6);
            let rooms: Vec<Vec<Channel>> = rooms
                .iter()
                .map(|room| room.iter().map(|user| users[*user]).collect())
                .collect();
            let mut window = window(&rooms);
            let mut fates = fates.into_iter();
            let mut got: HashMap<Channel, Vec<usize>> = HashMap::new();
            while !window.is_done() {
                let steps = window.ready(limits(commands, channels));
                let mut batch = HashSet::new();
                prop_assert!(steps.len() <= commands);
                for step in &steps {
                    prop_assert!((1..=channels).contains(&step.channels.len()));
                    for (at, channel) in step.channels.iter().enumerate() {
                        prop_assert!(batch.insert(*channel), "twice in a batch");
                        if fates.next() == Some(false) {
                            window.hold(step, at);
                        } else {
                            got.entry(*channel).or_default().push(step.publication);
                            window.answered(step, at);
                        }
                    }
                }
                if steps.is_empty() {
                    window.release();
                }
            }
            for user in users {
                let all = (0..rooms.len()).filter(|place| rooms[*place].contains(&user));
                let got = got.remove(&user).unwrap_or_default();
                prop_assert!(all.eq(got));
            }
        }
    }
}
