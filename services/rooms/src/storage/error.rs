use std::{error::Error, str::FromStr, sync::Arc};

use plaza_kit::{groups::GroupError, http::Reject};

/// Why the database gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StorageError {
    /// It cannot be reached, or refused what it was asked.
    #[error("the database did not do what it was asked")]
    Database(#[from] sqlx::Error),
    /// It holds what this release cannot read.
    #[error("the database holds an unreadable {column}")]
    Unreadable {
        /// The column.
        column: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// What failed for many at once.
    #[error(transparent)]
    Shared(Arc<StorageError>),
    /// What would have been done for many at once was not.
    #[error("the work of a group was not done")]
    Group(#[from] GroupError),
}

impl From<StorageError> for Reject {
    fn from(error: StorageError) -> Self {
        Self::from(&error)
    }
}

impl From<&StorageError> for Reject {
    fn from(error: &StorageError) -> Self {
        match error {
            StorageError::Database(cause) => Self::database(cause),
            StorageError::Unreadable { .. } => Self::internal(error),
            StorageError::Shared(error) => Self::from(&**error),
            StorageError::Group(_) => Self::unavailable(error),
        }
    }
}

/// Reads a text column as the type that it was written from.
pub(super) fn read<T>(column: &'static str, text: &str) -> Result<T, StorageError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    text.parse().map_err(|source| StorageError::Unreadable {
        column,
        source: Box::new(source),
    })
}

/// Reads a number column as the position that it was written from.
pub(super) fn position<T>(column: &'static str, number: i64) -> Result<T, StorageError>
where
    T: TryFrom<i64, Error: Error + Send + Sync + 'static>,
{
    number
        .try_into()
        .map_err(|source| StorageError::Unreadable {
            column,
            source: Box::new(source),
        })
}
