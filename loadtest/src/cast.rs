//! The file that `seed` writes and `run` reads: rooms and the virtual users
//! in them, with what they sign in with. One JSON value a line, so that a run
//! reads no more users than it takes.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use chrono::{DateTime, Utc};
use plaza_types::{RoomId, UserId};
use serde::{Deserialize, Serialize};

/// Of the file's form.
const VERSION: u32 = 1;

/// Why a file of virtual users is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CastError {
    #[error("cannot write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot read {path}; `plaza loadtest seed` writes it")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}, line {line}, is not what `plaza loadtest seed` of this version writes")]
    Malformed {
        path: PathBuf,
        line: usize,
        source: Option<serde_json::Error>,
    },
    #[error("{path} has {there} users and {wanted} are needed: seed more, or take less")]
    TooFew {
        path: PathBuf,
        there: usize,
        wanted: usize,
    },
    #[error(
        "the tokens in {path} are good until {expires_at}, and the run takes longer: seed anew"
    )]
    Expired {
        path: PathBuf,
        expires_at: DateTime<Utc>,
    },
    #[error("{path} has one room: seed many by `plaza loadtest seed --rooms N`")]
    OneRoom { path: PathBuf },
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Header {
    /// Tells the file from others.
    pub(crate) plaza_loadtest: u32,
    /// Where the Plaza is, if the seeding knew.
    pub(crate) url: Option<String>,
    /// The room that all of them are in; of many, the largest.
    pub(crate) room_id: RoomId,
    /// Many rooms, the largest first; none: there is that one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) rooms: Vec<CastRoom>,
    /// Until when the tokens are good.
    pub(crate) expires_at: DateTime<Utc>,
    /// What all of them sign in with.
    pub(crate) password: String,
}

/// One of many rooms. Users name it by its place among them, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CastRoom {
    pub(crate) id: RoomId,
    /// How many are in it.
    pub(crate) members: usize,
}

impl Header {
    pub(crate) const fn new(
        url: Option<String>,
        room_id: RoomId,
        rooms: Vec<CastRoom>,
        expires_at: DateTime<Utc>,
        password: String,
    ) -> Self {
        Self {
            plaza_loadtest: VERSION,
            url,
            room_id,
            rooms,
            expires_at,
            password,
        }
    }
}

/// Every further line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VirtualUser {
    pub(crate) id: UserId,
    pub(crate) username: String,
    /// An access token.
    pub(crate) token: String,
    /// The numbers of its rooms, where there are many.
    #[serde(default, skip_serializing_if = "<[u32]>::is_empty")]
    pub(crate) rooms: Box<[u32]>,
}

impl std::fmt::Debug for VirtualUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualUser")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Writes the file, readable by its owner alone: who has it is these users.
#[derive(Debug)]
pub(crate) struct CastWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl CastWriter {
    /// Begins a new file in place of an old one.
    pub(crate) fn begin(path: &Path, header: &Header) -> Result<Self, CastError> {
        let write = |source| CastError::Write {
            path: path.to_owned(),
            source,
        };
        // The mode holds for a new file alone.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(write(error)),
            _ => {}
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(0o600).open(path);
        let mut writer = Self {
            path: path.to_owned(),
            file: BufWriter::new(file.map_err(write)?),
        };
        writer.line(header)?;
        Ok(writer)
    }

    /// Adds a user.
    pub(crate) fn add(&mut self, user: &VirtualUser) -> Result<(), CastError> {
        self.line(user)
    }

    /// Ends the file.
    pub(crate) fn finish(mut self) -> Result<(), CastError> {
        self.file.flush().map_err(|source| CastError::Write {
            path: self.path,
            source,
        })
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), CastError> {
        let mut write = || {
            serde_json::to_writer(&mut self.file, value)?;
            self.file.write_all(b"\n")
        };
        write().map_err(|source| CastError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// The header and the first `wanted` users, whose tokens are good for so long.
pub(crate) fn read(
    path: &Path,
    wanted: usize,
    lasting: Duration,
) -> Result<(Header, Vec<VirtualUser>), CastError> {
    let failed = |source| CastError::Read {
        path: path.to_owned(),
        source,
    };
    let mut lines = BufReader::new(File::open(path).map_err(failed)?).lines();
    let malformed = |line, source| CastError::Malformed {
        path: path.to_owned(),
        line,
        source,
    };
    let first = lines
        .next()
        .ok_or_else(|| malformed(1, None))?
        .map_err(failed)?;
    let header: Header = serde_json::from_str(&first).map_err(|error| malformed(1, Some(error)))?;
    if header.plaza_loadtest != VERSION {
        return Err(malformed(1, None));
    }
    if header.expires_at <= Utc::now() + lasting {
        return Err(CastError::Expired {
            path: path.to_owned(),
            expires_at: header.expires_at,
        });
    }
    let mut users = Vec::with_capacity(wanted);
    for (place, line) in lines.take(wanted).enumerate() {
        let user = serde_json::from_str(&line.map_err(failed)?);
        let user: VirtualUser = user.map_err(|error| malformed(place + 2, Some(error)))?;
        let is_there = |room: &u32| (*room as usize) < header.rooms.len();
        if !user.rooms.iter().all(is_there) {
            return Err(malformed(place + 2, None));
        }
        users.push(user);
    }
    if users.len() < wanted {
        return Err(CastError::TooFew {
            path: path.to_owned(),
            there: users.len(),
            wanted,
        });
    }
    Ok((header, users))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn user(name: &str) -> VirtualUser {
        VirtualUser {
            id: UserId::new(),
            username: name.into(),
            token: format!("secret of {name}"),
            rooms: Box::default(),
        }
    }

    fn write(path: &Path, lives: Duration, users: &[VirtualUser]) -> Header {
        let header = Header::new(
            None,
            RoomId::new(),
            Vec::new(),
            Utc::now() + lives,
            "p".into(),
        );
        let mut writer = CastWriter::begin(path, &header).unwrap();
        for user in users {
            writer.add(user).unwrap();
        }
        writer.finish().unwrap();
        header
    }

    #[test]
    fn what_was_written_is_read_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        std::fs::write(&path, "an old file that others can read").unwrap();
        let users = [user("a"), user("b")];
        let header = write(&path, Duration::from_mins(1), &users);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(
            read(&path, 2, SOON).unwrap(),
            (header.clone(), users.to_vec())
        );
        assert_eq!(read(&path, 1, SOON).unwrap(), (header, users[..1].to_vec()));
        assert!(!format!("{:?}", users[0]).contains("secret"));
    }

    #[test]
    fn users_name_their_rooms_by_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let rooms = [3, 2].map(|members| CastRoom {
            id: RoomId::new(),
            members,
        });
        let expires_at = Utc::now() + Duration::from_mins(1);
        let header = Header::new(None, rooms[0].id, rooms.into(), expires_at, "p".into());
        let write = |rooms: &[u32]| {
            let mut writer = CastWriter::begin(&path, &header).unwrap();
            let mut user = user("a");
            user.rooms = rooms.into();
            writer.add(&user).unwrap();
            writer.finish().unwrap();
            read(&path, 1, SOON)
        };
        let (read, users) = write(&[1, 0]).unwrap();
        assert_eq!((read, &*users[0].rooms), (header.clone(), &[1, 0][..]));
        assert!(matches!(
            write(&[2]),
            Err(CastError::Malformed { line: 2, .. })
        ));
    }

    #[test]
    fn what_is_of_no_use_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        let missing = read(&path, 1, SOON).unwrap_err().to_string();
        assert!(missing.contains("loadtest seed"), "{missing}");
        write(&path, Duration::from_mins(1), &[user("a")]);
        let few = read(&path, 2, SOON).unwrap_err().to_string();
        assert!(few.contains("1 users and 2"), "{few}");
        write(&path, SOON / 2, &[user("a")]);
        assert!(matches!(
            read(&path, 1, SOON),
            Err(CastError::Expired { .. })
        ));
        std::fs::write(&path, "{}").unwrap();
        assert!(matches!(
            read(&path, 1, SOON),
            Err(CastError::Malformed { line: 1, .. })
        ));
    }
}
