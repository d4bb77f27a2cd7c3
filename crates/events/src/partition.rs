//! Partitions: what keeps its order, and what one relay and one reader own.

use std::fmt;

/// A room's or user's events share one of 16 partitions, fixed for the life of
/// an installation: outbox rows and stream entries outlive a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(u8);

impl Partition {
    /// How many there are.
    pub const COUNT: usize = 16;

    /// Where the sign of life travels.
    pub const PULSE: Self = Self(0);

    /// The partition of a key, the text form of a room's or user's id.
    ///
    /// The 64-bit FNV-1a hash of the key's bytes, its upper half XORed onto
    /// the lower, modulo 16.
    pub fn of(key: &str) -> Self {
        let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let [.., byte] = (hash ^ (hash >> 32)).to_be_bytes();
        Self(byte % 16)
    }

    /// All of them, in order.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        (0..16).map(Self)
    }

    /// A key in Redis that belongs to the partition, `plaza:{p7}:lease`. The
    /// braces keep them all on one node of a Redis Cluster.
    pub(crate) fn key(self, name: &str) -> String {
        format!("plaza:{{p{self}}}:{name}")
    }

    /// 0 to 15.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// 0 to 15, as the outbox has it.
    pub const fn number(self) -> i16 {
        self.0 as i16
    }

    /// The name in metrics and log lines.
    pub const fn label(self) -> &'static str {
        const LABELS: [&str; Partition::COUNT] = [
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
        ];
        LABELS[self.index()]
    }
}

impl TryFrom<i16> for Partition {
    type Error = NoSuchPartition;
    fn try_from(number: i16) -> Result<Self, NoSuchPartition> {
        match u8::try_from(number) {
            Ok(number @ 0..16) => Ok(Self(number)),
            _ => Err(NoSuchPartition(number)),
        }
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number outside 0 to 15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no partition {0}")]
pub struct NoSuchPartition(i16);

#[cfg(test)]
mod tests {
    use super::*;
    use plaza_types::RoomId;

    #[test]
    fn the_hash_stays_what_it_is() {
        let of = |key| Partition::of(key).number();
        assert_eq!(of(""), 1);
        assert_eq!(of("a"), 0);
        assert_eq!(of("foobar"), 9);
        assert_eq!(of("0190a6d2-7c5e-7b1a-8f3e-1234567890ab"), 9);
    }

    #[test]
    fn ids_of_one_moment_spread_over_all_partitions() {
        let mut counts = [0_u32; Partition::COUNT];
        for _ in 0..16_000 {
            counts[Partition::of(&RoomId::new().to_string()).index()] += 1;
        }
        assert!(
            counts.iter().all(|count| (700..1_300).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn numbers_outside_are_refused() {
        assert!(Partition::try_from(15).is_ok());
        assert_eq!(Partition::try_from(16), Err(NoSuchPartition(16)));
        assert_eq!(Partition::try_from(-1), Err(NoSuchPartition(-1)));
    }
}
