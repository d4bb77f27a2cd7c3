//! Folding: events of one destination that wait together go out as one
//! publication. Pure: no I/O.
//!
//! What one read brings is what waits: an idle system reads each event alone,
//! and so publishes it alone and at once. A fold stands where its first event
//! stands, so it overtakes only what goes elsewhere; what is for one person
//! alone is never put in front of what that person gets with others, and
//! nothing later in front of the word that somebody came or went.

use std::{collections::HashMap, sync::Arc};

use plaza_centrifugo::Channel;
use plaza_types::UserId;
use serde_json::value::RawValue;

use super::publication::{Content, Draft, Publication, Recipients, What, data};

/// Bounds of one publication.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoldLimits {
    /// Events.
    pub(super) events: usize,
    /// Its size in bytes; a larger event goes alone.
    pub(super) bytes: usize,
}

impl FoldLimits {
    /// Each event in a publication of its own.
    pub(super) const ALONE: Self = Self {
        events: 1,
        bytes: 0,
    };
}

impl Default for FoldLimits {
    fn default() -> Self {
        Self {
            events: 50,
            bytes: 16 << 10,
        }
    }
}

/// Bytes of a publication around its events.
const FRAME: usize = r#"{"v":1,"events":[]}"#.len();

/// Where events go; two lists of channels are the same only when they are the
/// same list, as a room's is until its members change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Destination {
    One(Channel),
    Many(*const Vec<Channel>),
}

impl From<&Recipients> for Destination {
    fn from(to: &Recipients) -> Self {
        match to {
            Recipients::One(channel) => Self::One(*channel),
            Recipients::Many(channels) => Self::Many(Arc::as_ptr(channels)),
        }
    }
}

/// Folds what waits together, in its order. Who is made to leave a channel
/// leaves together, behind what comes earlier there and before what is later.
pub(super) fn fold(drafts: Vec<Draft>, limits: FoldLimits) -> serde_json::Result<Vec<Publication>> {
    let mut folds: Vec<Fold> = Vec::new();
    // Folds that take more, by destination.
    let mut open: HashMap<Destination, usize> = HashMap::new();
    // Removals that take more, by channel.
    let mut leaving: HashMap<Channel, usize> = HashMap::new();
    for draft in drafts {
        if let (Content::Removal(_), Recipients::One(channel)) = (&draft.what, &draft.to) {
            open.retain(|_, place| !reaches(&folds, *place, channel));
            let place = *leaving.entry(*channel).or_insert(folds.len());
            match folds.get_mut(place) {
                Some(fold) => fold.add(draft),
                None => folds.push(Fold::new(draft)),
            }
            continue;
        }
        match &draft.to {
            Recipients::Many(channels) => {
                leaving.retain(|channel, _| channels.binary_search(channel).is_err());
                open.retain(|destination, _| match destination {
                    Destination::One(channel) => channels.binary_search(channel).is_err(),
                    Destination::Many(_) => true,
                });
            }
            Recipients::One(channel) => {
                leaving.remove(channel);
                if draft.divides {
                    open.retain(|destination, place| {
                        *destination == Destination::One(*channel)
                            || !reaches(&folds, *place, channel)
                    });
                }
            }
        }
        let destination = Destination::from(&draft.to);
        let place = open.get(&destination).copied();
        match place.and_then(|place| folds.get_mut(place)) {
            Some(fold) if fold.takes(&draft, limits) => fold.add(draft),
            _ => {
                open.insert(destination, folds.len());
                folds.push(Fold::new(draft));
            }
        }
    }
    folds.into_iter().map(Fold::finish).collect()
}

/// Whether the fold at this place goes to the channel.
fn reaches(folds: &[Fold], place: usize, channel: &Channel) -> bool {
    folds.get(place).is_some_and(|fold| fold.reaches(channel))
}

struct Fold {
    drafts: Vec<Draft>,
    bytes: usize,
}

impl Fold {
    fn new(draft: Draft) -> Self {
        Self {
            bytes: FRAME + size(&draft),
            drafts: vec![draft],
        }
    }

    fn reaches(&self, channel: &Channel) -> bool {
        let first = self.drafts.first();
        first.is_some_and(|draft| match &draft.to {
            Recipients::One(own) => own == channel,
            Recipients::Many(channels) => channels.binary_search(channel).is_ok(),
        })
    }

    fn takes(&self, draft: &Draft, limits: FoldLimits) -> bool {
        self.drafts.len() < limits.events && self.bytes + 1 + size(draft) <= limits.bytes
    }

    fn add(&mut self, draft: Draft) {
        self.bytes += 1 + size(&draft);
        self.drafts.push(draft);
    }

    fn finish(self) -> serde_json::Result<Publication> {
        let to = self.drafts.first().map(|draft| draft.to.clone());
        let users: Vec<UserId> = self.drafts.iter().filter_map(removed).collect();
        let what = if users.is_empty() {
            let events: Vec<&RawValue> = self.drafts.iter().filter_map(event).collect();
            What::Data(data(&events)?)
        } else {
            What::Removals(users)
        };
        Ok(Publication {
            to: to.unwrap_or_else(|| Recipients::Many(Arc::default())),
            what,
            of: self.drafts.into_iter().map(|draft| draft.of).collect(),
        })
    }
}

fn event(draft: &Draft) -> Option<&RawValue> {
    match &draft.what {
        Content::Event(event) => Some(event),
        Content::Removal(_) => None,
    }
}

fn removed(draft: &Draft) -> Option<UserId> {
    match &draft.what {
        Content::Event(_) => None,
        Content::Removal(user) => Some(*user),
    }
}

fn size(draft: &Draft) -> usize {
    event(draft).map_or(0, |event| event.get().len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publisher::publication::Origin;
    use plaza_types::{Generation, RoomId};
    use proptest::prelude::*;
    use serde_json::{Value, json, value::to_raw_value};

    fn draft(to: Recipients, place: usize, size: usize) -> Draft {
        Draft {
            to,
            what: Content::Event(
                to_raw_value(&json!({ "place": place, "text": "x".repeat(size) })).unwrap(),
            ),
            of: Origin {
                place,
                at_ms: 0,
                traceparent: None,
            },
            divides: false,
        }
    }

    fn text(publication: &Publication) -> &str {
        match &publication.what {
            What::Data(data) => data.get(),
            What::Removals(_) => panic!("nobody was made to leave"),
        }
    }

    fn places(publication: &Publication) -> Vec<usize> {
        publication.of.iter().map(|origin| origin.place).collect()
    }

    fn many(channels: &[Channel]) -> Recipients {
        let mut channels = channels.to_vec();
        channels.sort_unstable();
        Recipients::Many(Arc::new(channels))
    }

    fn users<const COUNT: usize>() -> [Channel; COUNT] {
        std::array::from_fn(|_| Channel::Personal(UserId::new()))
    }

    #[test]
    fn one_event_is_published_as_it_is() {
        let [ada] = users();
        let folded = fold(vec![draft(many(&[ada]), 0, 3)], FoldLimits::default()).unwrap();
        assert_eq!(
            text(&folded[0]),
            r#"{"v":1,"events":[{"place":0,"text":"xxx"}]}"#
        );
    }

    #[test]
    fn rooms_are_folded_side_by_side() {
        let [ada, bob] = users();
        let (one, other) = (many(&[ada]), many(&[bob]));
        let drafts = (0..6).map(|place| {
            let to = if place % 2 == 0 { &one } else { &other };
            draft(to.clone(), place, 1)
        });
        let folded = fold(drafts.collect(), FoldLimits::default()).unwrap();
        assert_eq!(
            folded.iter().map(places).collect::<Vec<_>>(),
            [vec![0, 2, 4], vec![1, 3, 5]]
        );
    }

    #[test]
    fn who_left_is_told_behind_the_messages_before() {
        let [ada] = users();
        let (own, room) = (Recipients::One(ada), many(&[ada]));
        let drafts = vec![
            draft(own.clone(), 0, 1),
            draft(own.clone(), 1, 1),
            draft(room, 2, 1),
            draft(own, 3, 1),
        ];
        let folded = fold(drafts, FoldLimits::default()).unwrap();
        assert_eq!(
            folded.iter().map(places).collect::<Vec<_>>(),
            [vec![0, 1], vec![2], vec![3]]
        );
    }

    #[test]
    fn a_newcomer_is_told_before_what_comes_later_to_the_same_members() {
        let [ada, bob] = users();
        let room = many(&[ada, bob]);
        let joined = Draft {
            divides: true,
            ..draft(Recipients::One(bob), 1, 1)
        };
        let drafts = vec![
            draft(room.clone(), 0, 1),
            joined,
            draft(room.clone(), 2, 1),
            draft(room, 3, 1),
        ];
        let folded = fold(drafts, FoldLimits::default()).unwrap();
        assert_eq!(
            folded.iter().map(places).collect::<Vec<_>>(),
            [vec![0], vec![1], vec![2, 3]]
        );
    }

    #[test]
    fn who_leaves_a_channel_leaves_with_others_between_what_comes_before_and_behind() {
        let room = Channel::Room(RoomId::new(), Generation::ZERO.next());
        let one = Recipients::One(room);
        let leaving = [UserId::new(), UserId::new(), UserId::new()];
        let removal = |user, place| Draft {
            what: Content::Removal(user),
            ..draft(one.clone(), place, 1)
        };
        let drafts = vec![
            draft(one.clone(), 0, 1),
            removal(leaving[0], 1),
            removal(leaving[1], 2),
            draft(one.clone(), 3, 1),
            draft(one.clone(), 4, 1),
            removal(leaving[2], 5),
        ];
        let folded = fold(drafts, FoldLimits::default()).unwrap();
        assert_eq!(
            folded.iter().map(places).collect::<Vec<_>>(),
            [vec![0], vec![1, 2], vec![3, 4], vec![5]]
        );
        assert!(matches!(&folded[1].what, What::Removals(users) if users[..] == leaving[..2]));
    }

    #[test]
    fn other_members_are_another_destination() {
        let [ada] = users();
        let drafts = vec![draft(many(&[ada]), 0, 1), draft(many(&[ada]), 1, 1)];
        assert_eq!(fold(drafts, FoldLimits::default()).unwrap().len(), 2);
    }

    #[test]
    fn a_large_event_goes_alone() {
        let [ada] = users();
        let to = many(&[ada]);
        let drafts = [1, 20_000, 1, 1]
            .iter()
            .enumerate()
            .map(|(place, size)| draft(to.clone(), place, *size));
        let folded = fold(drafts.collect(), FoldLimits::default()).unwrap();
        assert_eq!(
            folded.iter().map(places).collect::<Vec<_>>(),
            [vec![0], vec![1], vec![2, 3]]
        );
    }

    proptest! {
        /// Whatever waits together: nothing is lost or doubled, each
        /// destination keeps its order, the bounds hold, and nothing for one
        /// person alone overtakes what the person gets with others.
        #[test]
        fn folds_keep_order_and_bounds(
            to in prop::collection::vec((0_usize..7, 0_usize..2_000), 0..120),
            events in 1_usize..60,
            bytes in 0_usize..20_000,
        ) {
            let people: [Channel; 3] = users();
            let destinations: Vec<Recipients> = people
                .iter()
                .map(|person| Recipients::One(*person))
                .chain([many(&people), many(&people[..2]), many(&people[1..]), many(&[])])
                .collect();
            let drafts: Vec<Draft> = to
                .iter()
                .enumerate()
                .map(|(place, (to, size))| draft(destinations[*to].clone(), place, *size))
                .collect();
            let limits = FoldLimits { events, bytes };
            let folded = fold(drafts, limits).unwrap();

            let mut all: Vec<usize> = folded.iter().flat_map(places).collect();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..to.len()), "lost or doubled");
            for publication in &folded {
                let places = places(publication);
                prop_assert!(places.len() <= events);
                prop_assert!(places.len() == 1 || text(publication).len() <= bytes);
                let data: Value = serde_json::from_str(text(publication)).unwrap();
                let carried = data["events"].as_array().unwrap().iter();
                let carried = carried.map(|event| event["place"].as_u64().unwrap());
                prop_assert!(carried.eq(places.iter().map(|place| *place as u64)));
                for place in places {
                    let expected = Destination::from(&destinations[to[place].0]);
                    prop_assert_eq!(Destination::from(&publication.to), expected);
                }
            }
            for (number, destination) in destinations.iter().enumerate() {
                let sent = folded.iter().flat_map(places).filter(|place| to[*place].0 == number);
                prop_assert!(sent.is_sorted(), "{destination:?} is out of order");
            }
            for person in people {
                let to_person = |publication: &&Publication| publication.to.channels().contains(&person);
                let got: Vec<usize> = folded.iter().filter(to_person).flat_map(places).collect();
                let is_alone = |place: usize| matches!(destinations[to[place].0], Recipients::One(_));
                for (at, place) in got.iter().enumerate().filter(|(_, place)| is_alone(**place)) {
                    let later = &got[at..];
                    let overtaken = later.iter().find(|other| **other < *place && !is_alone(**other));
                    prop_assert_eq!(overtaken, None);
                }
            }
        }
    }
}
