//! Bringing backups to the store.

use crate::{
    BackupError, PushArgs,
    folder::{self, MANIFEST},
    store::{Store, Stored},
};

/// Brings to the store what it lacks of the newest backups of the folder, the
/// newest first; then removes what is more than it keeps. What an interrupted one
/// has left in the store goes before. The name of the newest.
///
/// # Errors
/// [`BackupError`]; what was whole in the store is whole still.
pub async fn push(args: &PushArgs) -> Result<String, BackupError> {
    let store = Store::open(&args.store)?;
    let keep = usize::from(args.backup_keep);
    let _held = folder::hold(&args.backup_folder).await?;
    let mut here = folder::whole(&args.backup_folder)?;
    here.truncate(keep);
    let Some(newest) = here.first().cloned() else {
        return Err(BackupError::NothingToPush(args.backup_folder.clone()));
    };
    let mut whole = Vec::new();
    for stored in store.backups().await? {
        if stored.is_whole() {
            whole.push(stored.name);
        } else {
            tracing::info!(backup = stored.name, "removing what is not whole");
            remove(&store, &stored).await?;
        }
    }
    for name in here {
        if whole.contains(&name) {
            continue;
        }
        for (file, path) in folder::files(&args.backup_folder.join(&name))? {
            store.put(&format!("{name}/{file}"), &path).await?;
        }
        tracing::info!(backup = name, place = store.place(), "it is in the store");
        whole.push(name);
    }
    whole.sort();
    let old = &whole[..whole.len().saturating_sub(keep)];
    if !old.is_empty() {
        for stored in store.backups().await? {
            // Whatever the clocks say, what is reported as brought is there.
            if old.contains(&stored.name) && stored.name != newest {
                tracing::info!(backup = stored.name, "removing an old one");
                remove(&store, &stored).await?;
            }
        }
    }
    Ok(newest)
}

/// The manifest first: what is half there counts as nothing.
async fn remove(store: &Store, stored: &Stored) -> Result<(), BackupError> {
    let (first, others): (Vec<_>, Vec<_>) = stored
        .files
        .iter()
        .partition(|(file, _)| file.as_str() == MANIFEST);
    for (file, _) in first.into_iter().chain(others) {
        store.delete(&format!("{}/{file}", stored.name)).await?;
    }
    Ok(())
}
