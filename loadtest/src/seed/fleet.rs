//! Many rooms, with who is in which and what was said in them.

use fastrand::Rng;
use plaza_auth::seed::SyntheticUser;
use plaza_messages::seed::History;
use plaza_rooms::seed::Filled;
use plaza_types::{RoomId, RoomName};

use super::{APART, AUTHORS, Databases, SeedArgs, members, new_room, text};
use crate::{
    cast::CastRoom,
    fleet::{Deal, sizes},
    progress::Step,
};

/// What is to be made.
pub(super) struct Plan {
    /// Of each room.
    sizes: Vec<usize>,
    deal: Deal,
}

impl Plan {
    /// As the command line has it; none: one room.
    pub(super) fn of(args: &SeedArgs) -> anyhow::Result<Option<Self>> {
        let Some(rooms) = args.rooms else {
            return Ok(None);
        };
        let largest = members(args, usize::try_from(args.users)?)?;
        let sizes = sizes(usize::try_from(rooms)?, largest, args.zipf);
        let seed = args.seed.unwrap_or_else(|| fastrand::u32(..));
        println!("Who is in which room is drawn from --seed {seed}.");
        let deal = Deal::begin(args.users, &sizes, Rng::with_seed(seed.into()))?;
        Ok(Some(Self { sizes, deal }))
    }
}

/// What was made.
pub(super) struct Fleet {
    pub(super) largest: RoomId,
    pub(super) rooms: Vec<CastRoom>,
    /// The numbers of each user's rooms.
    pub(super) places: Vec<Vec<u32>>,
}

/// Makes the rooms and their history.
pub(super) async fn make(
    args: &SeedArgs,
    databases: &Databases,
    prefix: &str,
    users: &[SyntheticUser],
    plan: Plan,
) -> anyhow::Result<Fleet> {
    let Plan { sizes, mut deal } = plan;
    let new = new_room(args, "Load test")?;
    let dealt: Vec<_> = sizes.iter().map(|size| deal.room(*size)).collect();
    let mut places = vec![Vec::new(); users.len()];
    for (number, members) in (0..).zip(&dealt) {
        for user in members {
            places[*user as usize].push(number);
        }
    }
    let ids = |members: &[u32]| -> Vec<_> {
        let ids = members.iter().map(|user| users[*user as usize].id);
        ids.collect()
    };

    let step = Step::begin("members", sizes.iter().sum::<usize>() as u64);
    let names = (1..).map(|number| format!("Load test {prefix} {number}"));
    let filled = dealt
        .iter()
        .zip(names)
        .map(|(members, name)| {
            let mut new = new.clone();
            new.name = RoomName::parse(&name)?;
            let members = ids(members);
            anyhow::Ok(Filled { new, members })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let pool = &databases.rooms;
    let rooms = plaza_rooms::seed::rooms(pool, filled, |done| step.done(done as u64)).await?;
    let largest = *rooms.first().ok_or_else(|| anyhow::anyhow!("no rooms"))?;
    step.end(&format!("in {} rooms", rooms.len()));

    history(args, databases, &rooms, &dealt, users).await?;
    let rooms = rooms.into_iter().zip(sizes);
    let rooms = rooms.map(|(id, members)| CastRoom { id, members });
    Ok(Fleet {
        largest,
        rooms: rooms.collect(),
        places,
    })
}

/// Writes what was said in the rooms.
async fn history(
    args: &SeedArgs,
    databases: &Databases,
    rooms: &[RoomId],
    dealt: &[Vec<u32>],
    users: &[SyntheticUser],
) -> anyhow::Result<()> {
    if args.messages == 0 {
        return Ok(());
    }
    let authors: Vec<Vec<_>> = dealt
        .iter()
        .map(|members| {
            let authors = members.iter().take(AUTHORS);
            authors.map(|user| users[*user as usize].id).collect()
        })
        .collect();
    let sizes: Vec<_> = dealt.iter().map(Vec::len).collect();
    let shares = rooms
        .iter()
        .zip(&authors)
        .zip(shares(args.messages, &sizes));
    let histories = shares.map(|((room, authors), count)| History {
        room: *room,
        authors,
        count,
        apart: APART,
    });
    let step = Step::begin("messages", args.messages);
    let text = |place| text(place, args.message_chars.into());
    let pool = &databases.messages;
    plaza_messages::seed::histories(pool, histories, text, |done| step.done(done)).await?;
    step.end(&format!("{} written", args.messages));
    Ok(())
}

/// How many of `whole` messages each room has, as its size has it.
fn shares(whole: u64, sizes: &[usize]) -> impl Iterator<Item = u64> {
    let all = sizes.iter().sum::<usize>() as u128;
    // Of the sums, so that nothing is lost by rounding.
    let up_to = move |size: u128| u64::try_from(u128::from(whole) * size / all).unwrap_or(whole);
    sizes.iter().scan(0, move |before, size| {
        let after = *before + *size as u128;
        let share = up_to(after) - up_to(*before);
        *before = after;
        Some(share)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_a_room_and_larger_ones_have_more() {
        let shares: Vec<_> = shares(1_003, &[50, 25, 17, 2, 2]).collect();
        assert_eq!(shares.iter().sum::<u64>(), 1_003);
        assert!(
            shares.is_sorted_by(|one, next| next <= &(one + 1)),
            "{shares:?}"
        );
        assert_eq!(shares[0], 522);
    }
}
