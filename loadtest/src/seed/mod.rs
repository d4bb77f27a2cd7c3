//! `plaza loadtest seed`: virtual users, a room that they are in or many, and
//! their history, on the databases.

mod databases;
mod fleet;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use chrono::Utc;
use plaza_auth::{
    PasswordArgs,
    seed::{Signer, SyntheticUser},
};
use plaza_messages::seed::History;
use plaza_rooms::{Threshold, seed::NewRoom};
use plaza_types::{MAX_MESSAGE_CHARS, RoomId, RoomName, UserId, Visibility};

use self::databases::{DatabaseArgs, Databases};
use crate::{
    Local,
    cast::{CastWriter, Header, VirtualUser},
    progress::Step,
};

/// What the texts of a history are made of.
const FILLER: &str = "the quick brown fox jumps over the lazy dog while five wizards box ";
/// Between two messages of a history.
const APART: Duration = Duration::from_secs(1);
/// Most authors of a history.
const AUTHORS: usize = 1_000;

/// What is made, and where.
#[derive(Debug, clap::Args)]
pub struct SeedArgs {
    #[command(flatten)]
    databases: DatabaseArgs,
    /// Virtual users to make
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    users: u32,
    /// Of them, members of the room, its owner included; of many rooms, of the largest [default: all]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    members: Option<u32>,
    /// Rooms to make, for the scenario `fleet`: a few large ones and many small ones [default: one room]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rooms: Option<u32>,
    /// How fast the sizes of many rooms fall: the n-th is the largest by n to this power
    #[arg(long, default_value_t = 1.0, value_parser = exponent)]
    zipf: f64,
    /// Who is in which of many rooms is drawn from this number [default: another each time]
    #[arg(long)]
    seed: Option<u32>,
    /// Messages of the history; of many rooms together, the larger having more
    #[arg(long, default_value_t = 0)]
    messages: u64,
    /// Characters of a message of the history
    #[arg(long, default_value_t = 80,
          value_parser = clap::value_parser!(u16).range(1..=MAX_MESSAGE_CHARS as i64))]
    message_chars: u16,
    /// Whether the room is private: its channels are then opened by the subscribe proxy
    #[arg(long)]
    private: bool,
    /// From how many members on a room has channels of its own: as the serving rooms has it
    #[arg(long, env = "PLAZA_ROOMS_FANOUT_THRESHOLD", default_value_t = Threshold::default().0)]
    rooms_fanout_threshold: u32,
    /// How long the users' access tokens are good (h)
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8_760))]
    token_lifetime_h: u32,
    /// Where the virtual users and their tokens go, for `plaza loadtest run`
    #[arg(long, default_value = crate::run::USERS)]
    users_file: PathBuf,
    /// What one password hash costs, as the serving auth has it
    #[command(flatten)]
    passwords: PasswordArgs,
}

impl SeedArgs {
    /// The data folder of the `plaza up` that is meant.
    pub(crate) fn data(&self) -> Option<PathBuf> {
        self.databases.data.clone()
    }
}

/// Makes all of it and says what was made.
pub(crate) async fn run(args: &SeedArgs, local: Option<&Local>) -> anyhow::Result<()> {
    let databases = Databases::find(&args.databases, local)?;
    // What all names of this seeding begin with: another seeding has others.
    let prefix = format!("vu{:08x}", fastrand::u32(..));
    let password = random_hex()?;
    let lifetime = Duration::from_hours(args.token_lifetime_h.into());
    // Read first: without a key nothing is made.
    let signer = Signer::read(&databases.auth, lifetime)
        .await
        .context("auth's database is of no use: is it migrated, by `plaza migrate`?")?;

    // Before anything is made, too.
    let plan = fleet::Plan::of(args)?;

    let users = users(args, &databases, &prefix, &password).await?;
    let (room, rooms, mut places) = if let Some(plan) = plan {
        let fleet = fleet::make(args, &databases, &prefix, &users, plan).await?;
        (fleet.largest, fleet.rooms, fleet.places)
    } else {
        let room = room(args, &databases, &prefix, &users).await?;
        let authors: Vec<_> = users[..members(args, users.len())?]
            .iter()
            .map(|user| user.id)
            .collect();
        history(args, &databases, room, &authors).await?;
        (room, Vec::new(), Vec::new())
    };

    let url = local.and_then(|local| local.url.clone());
    let expires_at = Utc::now() + lifetime;
    let count = rooms.len();
    let header = Header::new(url, room, rooms, expires_at, password);
    let step = Step::begin("tokens", users.len() as u64);
    let mut file = CastWriter::begin(&args.users_file, &header)?;
    for (number, user) in users.iter().enumerate() {
        file.add(&VirtualUser {
            id: user.id,
            username: user.username.as_str().to_owned(),
            token: signer.token(user)?,
            rooms: places
                .get_mut(number)
                .map(std::mem::take)
                .unwrap_or_default()
                .into(),
        })?;
        step.done(number as u64);
    }
    file.finish()?;
    step.end(&format!("{} signed", users.len()));
    let what = if count == 0 {
        format!("Room {room} is")
    } else {
        format!("{count} rooms are")
    };
    println!(
        "{what} ready. {} lets whoever has it act as these users until {}.",
        args.users_file.display(),
        expires_at.format("%Y-%m-%d %H:%M UTC"),
    );
    Ok(())
}

async fn users(
    args: &SeedArgs,
    databases: &Databases,
    prefix: &str,
    password: &str,
) -> anyhow::Result<Vec<SyntheticUser>> {
    let step = Step::begin("users", args.users.into());
    let users = plaza_auth::seed::users(
        &databases.auth,
        &format!("{prefix}-"),
        usize::try_from(args.users)?,
        password.into(),
        &args.passwords.passwords()?,
        |done| step.done(done as u64),
    )
    .await?;
    step.end(&format!("{} made", users.len()));
    Ok(users)
}

async fn room(
    args: &SeedArgs,
    databases: &Databases,
    prefix: &str,
    users: &[SyntheticUser],
) -> anyhow::Result<RoomId> {
    let count = members(args, users.len())?;
    let members: Vec<_> = users[..count].iter().map(|user| user.id).collect();
    let new = new_room(args, &format!("Load test {prefix}"))?;
    let step = Step::begin("members", count as u64);
    let pool = &databases.rooms;
    let room = plaza_rooms::seed::room(pool, &new, &members, |done| step.done(done as u64)).await?;
    step.end(&format!("{count} in the room"));
    Ok(room)
}

fn new_room(args: &SeedArgs, name: &str) -> anyhow::Result<NewRoom> {
    Ok(NewRoom {
        name: RoomName::parse(name)?,
        visibility: if args.private {
            Visibility::Private
        } else {
            Visibility::Public
        },
        threshold: Threshold(args.rooms_fanout_threshold),
    })
}

/// How fast sizes fall.
fn exponent(text: &str) -> Result<f64, String> {
    let exponent = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=5.0).contains(&exponent) {
        Ok(exponent)
    } else {
        Err("from 0 to 5".into())
    }
}

/// How many are in the room, or in the largest.
fn members(args: &SeedArgs, users: usize) -> anyhow::Result<usize> {
    let Some(members) = args.members else {
        return Ok(users);
    };
    let members = usize::try_from(members)?;
    anyhow::ensure!(
        members <= users,
        "--members {members} is more than --users {users}"
    );
    Ok(members)
}

async fn history(
    args: &SeedArgs,
    databases: &Databases,
    room: RoomId,
    authors: &[UserId],
) -> anyhow::Result<()> {
    if args.messages == 0 {
        return Ok(());
    }
    let history = History {
        room,
        authors: &authors[..authors.len().min(AUTHORS)],
        count: args.messages,
        apart: APART,
    };
    let step = Step::begin("messages", args.messages);
    let text = |place| text(place, args.message_chars.into());
    let pool = &databases.messages;
    plaza_messages::seed::history(pool, history, text, |done| step.done(done)).await?;
    step.end(&format!("{} written", args.messages));
    Ok(())
}

/// The text of a message of a history.
fn text(place: u64, chars: usize) -> String {
    let begin = format!("message {place}: ");
    let skipped = usize::try_from(place % FILLER.len() as u64).unwrap_or_default();
    let filler = FILLER.chars().cycle().skip(skipped);
    let text: String = begin.chars().chain(filler).take(chars).collect();
    // A message that ends with a space looks no different, and is.
    if text.ends_with(' ') {
        text.trim_end().to_owned() + "."
    } else {
        text
    }
}

fn random_hex() -> anyhow::Result<String> {
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| anyhow::anyhow!("no random numbers"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(random)))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: SeedArgs,
    }

    #[test]
    fn everybody_is_in_the_room_unless_said() {
        let parse = |flags: &[&str]| Cli::parse_from(["seed"].iter().chain(flags)).args;
        assert_eq!(members(&parse(&[]), 7).unwrap(), 7);
        assert_eq!(members(&parse(&["--members=3"]), 7).unwrap(), 3);
        let error = members(&parse(&["--members=8"]), 7).unwrap_err();
        assert!(error.to_string().contains("--users 7"));
    }

    #[test]
    fn texts_have_their_length_and_differ() {
        for place in 0..200 {
            let text = text(place, 80);
            assert_eq!(text.len(), 80);
            assert_eq!(text.trim(), text);
        }
        assert_eq!(text(5, 3), "mes");
        assert_ne!(text(1, 80), text(2, 80));
    }
}
