//! Fetching a backup from the store.

use std::{fs, io, path::Path};

use crate::{BackupError, PullArgs, args::LATEST, folder::is_plain, store::Store};

/// Names that are told of when another was asked for.
const TOLD: usize = 20;

/// Fetches one into a folder of its name; until it is all there that folder's
/// name ends in `.part`. One that is there already is left as it is. Its
/// checksums are the restore's to compare. Its name.
///
/// # Errors
/// [`BackupError`]
pub async fn pull(args: &PullArgs) -> Result<String, BackupError> {
    let store = Store::open(&args.store)?;
    let mut whole = store.backups().await?;
    whole.retain(crate::store::Stored::is_whole);
    let place = store.place();
    let Some(newest) = whole.last() else {
        return Err(BackupError::NothingThere { place });
    };
    let name = if args.backup == LATEST {
        newest.name.clone()
    } else {
        args.backup.clone()
    };
    let Some(stored) = whole.iter().find(|stored| stored.name == name) else {
        let names = whole.iter().rev().take(TOLD);
        let has: Vec<&str> = names.map(|stored| stored.name.as_str()).collect();
        return Err(BackupError::NotThere {
            name,
            place,
            has: has.join(", "),
        });
    };
    let folder = args.backup_folder.join(&name);
    if folder.is_dir() {
        return Ok(name);
    }
    let part = args.backup_folder.join(format!("{name}.part"));
    match fs::remove_dir_all(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(fails("remove", &part, error));
        }
        _ => {}
    }
    fs::create_dir(&part).map_err(|error| fails("make", &part, error))?;
    for (file, bytes) in &stored.files {
        if is_plain(file) {
            let key = format!("{name}/{file}");
            store.fetch(&key, *bytes, &part.join(file)).await?;
        }
    }
    fs::rename(&part, &folder).map_err(|error| fails("rename", &part, error))?;
    tracing::info!(backup = name, place, "it is fetched");
    Ok(name)
}

fn fails(doing: &'static str, path: &Path, source: io::Error) -> BackupError {
    BackupError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
