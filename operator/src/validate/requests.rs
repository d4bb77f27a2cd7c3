//! What is asked for once, by annotations: it says nothing of what the chat is
//! to be, so that a spec in a repository stays as it is.

use kube::ResourceExt as _;

use crate::api::ChatDeployment;

/// Each new value asks for a backup.
pub(crate) const BACKUP: &str = "plaza.dev/backup";
/// Each new value asks that the next signing key signs.
pub(crate) const ROTATE_KEYS: &str = "plaza.dev/rotate-keys";

/// The word of the last request.
pub(super) fn word(chat: &ChatDeployment, annotation: &str) -> Option<String> {
    chat.annotations()
        .get(annotation)
        .filter(|word| !word.is_empty())
        .cloned()
}
