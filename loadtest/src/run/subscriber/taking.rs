//! What comes over a subscriber's connection.

use tokio::time::Instant;

use super::{Kept, Subscriber};
use crate::wire::{Line, Publication, Push, SocketError};

impl Subscriber {
    pub(super) fn take(&self, lines: &[Line], kept: &mut Kept) -> Result<(), SocketError> {
        for line in lines {
            let Line::Push(push) = line else { continue };
            match push {
                Push::Publication { channel, .. } if *channel == self.shared.pulse => {
                    if kept.pulse.tick(Instant::now())
                        && let Some(timeline) = &mut kept.timeline
                    {
                        timeline.doubt();
                    }
                }
                Push::Publication {
                    channel,
                    publication,
                } => {
                    if let Some(place) = &mut kept.place
                        && *place.channel == **channel
                    {
                        place.moved(publication);
                    }
                    self.published(publication, kept)?;
                }
                Push::Unsubscribed { channel, code } => {
                    if kept
                        .place
                        .as_ref()
                        .is_some_and(|place| *place.channel == **channel)
                    {
                        return Err(SocketError::Unsubscribed(*code));
                    }
                }
                Push::Disconnected { code } => {
                    return Err(SocketError::Closed(
                        u16::try_from(*code).unwrap_or(u16::MAX),
                    ));
                }
                Push::Other => {}
            }
        }
        Ok(())
    }

    /// Something was published, on this connection or before it.
    pub(super) fn published(
        &self,
        publication: &Publication,
        kept: &mut Kept,
    ) -> Result<(), SocketError> {
        // What comes before the first page is in it.
        let Some(timeline) = &mut kept.timeline else {
            return Ok(());
        };
        let meters = &self.shared.meters;
        let mut stays = true;
        for entry in &publication.entries {
            stays &= timeline.take(entry, meters);
        }
        if stays {
            Ok(())
        } else {
            Err(SocketError::Moved)
        }
    }
}
