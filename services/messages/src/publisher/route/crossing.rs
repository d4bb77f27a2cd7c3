//! Another way of a room's events: whom it is told, and who reads it from
//! then on.

use std::sync::Arc;

use plaza_centrifugo::Channel;
use plaza_types::FanoutMode;

use super::{Asked, Question, Routed, Routing, Skipped};
use crate::publisher::{
    heads::Said,
    incoming::FanoutChange,
    publication::Recipients,
    rooms::{Applied, Room, Way},
};

impl Routing<'_> {
    pub(super) fn fanout(&mut self, change: &FanoutChange) -> Routed {
        let audience = match turn(change, self.known, self.asked) {
            Turned::Ask(question) => return Routed::Ask(question),
            Turned::Told(audience) => audience,
        };
        self.note(Said {
            version: Some(change.version),
            compares: true,
            ..Said::default()
        });
        if audience.is_empty() {
            return Routed::Skipped(Skipped::Old);
        }
        for channels in audience {
            let channels = Recipients::Many(channels);
            self.out.add_event(channels, &self.entry.event);
        }
        Routed::Added
    }
}

/// What became of a change of the way.
enum Turned {
    /// Rooms have to be asked first; nothing was applied.
    Ask(Question),
    /// These are to be told; nobody: a newer one stands.
    Told(Vec<Arc<Vec<Channel>>>),
}

/// Who came to the channel of a new generation ahead of this word of it: what
/// was said in the channel before is there to be asked for.
fn ahead(to: Way) -> Option<Arc<Vec<Channel>>> {
    (to.mode == FanoutMode::Room).then(|| Arc::new(vec![to.channel()]))
}

/// Lets a room go its new way.
fn turn(change: &FanoutChange, known: &mut Room, asked: Asked) -> Turned {
    let from = known.way();
    let to = Way {
        room: change.room,
        mode: change.mode,
        visibility: change.visibility,
        generation: change.generation,
    };
    let ask = |joined_by| {
        Turned::Ask(Question {
            room: change.room,
            joined_by,
        })
    };
    let applied = known.compare(change.version);
    let needs_members = from.mode == FanoutMode::Room && to.mode == FanoutMode::Personal;
    match applied {
        Applied::Gap if asked == Asked::Nothing => ask(None),
        Applied::New if needs_members && asked == Asked::Nothing => ask(None),
        Applied::New | Applied::Gap => {
            // Those who read it until now.
            let mut audience = match from.mode {
                FanoutMode::Personal => vec![known.members()],
                FanoutMode::Room => vec![Arc::new(from.channels())],
            };
            if from.mode == FanoutMode::Room {
                audience.extend(ahead(to));
            }
            known.turn(change.version, to);
            Turned::Told(audience)
        }
        // What is known is as new or newer, so that it does not say who read
        // the room before: everybody who may have.
        Applied::Known => match to.mode {
            FanoutMode::Personal if from == to => {
                Turned::Told(vec![Arc::new(to.channels()), known.members()])
            }
            FanoutMode::Personal => Turned::Told(Vec::new()),
            FanoutMode::Room => {
                let mut audience = Vec::new();
                if from == to {
                    if asked != Asked::EarlyMembers {
                        return ask(Some(change.time));
                    }
                    audience.push(known.take_early_members());
                }
                // Who reads along in the channels of the generation before
                // hears of it even when there was another one since.
                if let Some(before) = to.before() {
                    audience.push(Arc::new(before.channels()));
                    audience.extend(ahead(to));
                }
                Turned::Told(audience)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use plaza_centrifugo::Channel;
    use plaza_types::{FanoutMode, Generation, UserId};
    use serde_json::json;

    use crate::publisher::route::{
        Asked, Question, Routed, Skipped,
        testing::{Fixture, channels},
    };

    #[test]
    fn going_up_members_are_told_and_everything_later_goes_to_the_channel() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[ada, bob]);
        let fanout = fixture.fanout(2, FanoutMode::Room, 1);
        let (_, out) = fixture.route(Asked::Nothing, &fanout);
        assert_eq!(out, [(channels(&[ada, bob]), fanout.clone())]);
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, [fixture.way(FanoutMode::Room).channel()]);
    }

    #[test]
    fn whoever_begins_behind_a_crossing_asks_whom_to_tell() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[]);
        fixture.set(FanoutMode::Room, 7, &[]);
        let fanout = fixture.fanout(5, FanoutMode::Room, 1);
        let (routed, out) = fixture.route(Asked::Nothing, &fanout);
        let Routed::Ask(Question {
            joined_by: Some(time),
            ..
        }) = routed
        else {
            panic!("{routed:?}");
        };
        assert_eq!(json!(time), fanout["time"]);
        assert_eq!(out, []);
        fixture.set(FanoutMode::Room, 7, &[ada, bob]);
        let (_, out) = fixture.route(Asked::EarlyMembers, &fanout);
        assert_eq!(out, [(channels(&[ada, bob]), fanout)]);
    }

    #[test]
    fn going_down_rooms_are_asked_and_everybody_is_told() {
        let [ada, bob] = [UserId::new(), UserId::new()];
        let mut fixture = Fixture::new(1, &[]);
        let way = fixture.set(FanoutMode::Room, 1, &[]);
        let fanout = fixture.fanout(2, FanoutMode::Personal, 1);
        let ask = Routed::from(fixture.room);
        assert_eq!(fixture.route(Asked::Nothing, &fanout), (ask, vec![]));
        fixture.set(FanoutMode::Personal, 2, &[ada, bob]);
        let (_, out) = fixture.route(Asked::Readers, &fanout);
        assert_eq!(
            out,
            [
                (way.channels(), fanout.clone()),
                (channels(&[ada, bob]), fanout)
            ]
        );
    }

    #[test]
    fn of_a_change_of_visibility_the_channels_before_are_told() {
        let mut fixture = Fixture::new(1, &[]);
        let before = fixture.set(FanoutMode::Room, 1, &[]);
        let mut fanout = fixture.fanout(2, FanoutMode::Room, 2);
        fanout["visibility"] = json!("private");
        let generation = Generation::ZERO.next().next();
        let now = vec![Channel::Private(fixture.room, generation)];
        let told = [
            (before.channels(), fanout.clone()),
            (now.clone(), fanout.clone()),
        ];
        let (_, out) = fixture.route(Asked::Nothing, &fanout);
        assert_eq!(out, told);
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, now);
        // Told again by whoever knows the new state alone.
        let (_, out) = fixture.route(Asked::EarlyMembers, &fanout);
        assert_eq!(out[out.len() - 2..], told);
    }

    #[test]
    fn an_older_change_of_the_way_is_ignored() {
        let ada = UserId::new();
        let mut fixture = Fixture::new(9, &[ada]);
        let fanout = fixture.fanout(5, FanoutMode::Room, 1);
        let (routed, out) = fixture.route(Asked::Nothing, &fanout);
        assert_eq!((routed, out), (Routed::Skipped(Skipped::Old), vec![]));
        let message = json!({ "type": "message.created", "room": fixture.room, "seq": 1 });
        let (_, out) = fixture.route(Asked::Nothing, &message);
        assert_eq!(out[0].0, channels(&[ada]));
    }
}
