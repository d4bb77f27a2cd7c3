//! Where a channel's history was read up to.

use std::sync::Arc;

use crate::wire::{Publication, Subscribed};

/// A place in a channel.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) channel: Arc<str>,
    epoch: Box<str>,
    offset: u64,
}

impl Place {
    /// Where a subscription begins.
    pub(super) fn of(channel: Arc<str>, subscribed: &Subscribed) -> Self {
        let mut place = Self {
            channel,
            epoch: subscribed.epoch.as_str().into(),
            offset: subscribed.offset,
        };
        for publication in &subscribed.publications {
            place.moved(publication);
        }
        place
    }

    /// Something came on it.
    pub(super) fn moved(&mut self, publication: &Publication) {
        if publication.offset > 0 {
            self.offset = publication.offset;
        }
        if let Some(epoch) = &publication.epoch {
            self.epoch = epoch.as_str().into();
        }
    }

    /// What a new connection goes on from.
    pub(super) fn left_at(&self) -> (&str, u64) {
        (&self.epoch, self.offset)
    }
}
