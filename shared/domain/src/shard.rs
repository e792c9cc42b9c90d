//! Shards: which queue carries a conversation's fan-out.

use crate::ids::{ConversationId, GroupId, UserId};

/// The shard of a conversation, below `shards`. Jump consistent hash (Lamping and Veach, 2014, arXiv:1406.2294):
/// growing from n to n + 1 shards moves one conversation in n + 1, and only to the new shard.
pub fn shard_of(conversation: ConversationId, shards: usize) -> usize {
    let mut key = hash(conversation);
    let (mut bucket, mut next) = (0_u64, 0_u64);
    let shards = u64::try_from(shards).unwrap_or(u64::MAX);
    while next < shards {
        bucket = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        // (bucket + 1) * (2^31 / ((key >> 33) + 1)), in integers: the quotient's fraction is kept in 31 bits.
        let stretched = (u128::from(bucket + 1) << 31) / u128::from((key >> 33) + 1);
        next = u64::try_from(stretched).unwrap_or(u64::MAX);
    }
    usize::try_from(bucket).unwrap_or(0)
}

/// A stable 64-bit hash of the id's bits: 64-bit FNV-1a, which is the same on every machine and for ever.
fn hash(conversation: ConversationId) -> u64 {
    let words: [u128; 2] = match conversation {
        ConversationId::Direct(pair) => pair.users().map(UserId::bits),
        ConversationId::Group(group) => [GroupId::bits(group), 0],
        ConversationId::Notices(user) => [user.bits(), 1],
    };
    let bytes = words.iter().flat_map(|word| word.to_be_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(number: u64) -> ConversationId {
        ConversationId::direct(UserId::from_bits(number.into()), UserId::from_bits(u128::from(number) << 40))
    }

    #[test]
    fn shards_are_even_and_growing_moves_few() {
        const COUNT: u64 = 20_000;
        for shards in [1_usize, 2, 4, 7] {
            let mut sizes = vec![0_u64; shards];
            let mut moved = 0_u64;
            for number in 0..COUNT {
                let shard = shard_of(conversation(number), shards);
                sizes[shard] += 1;
                let grown = shard_of(conversation(number), shards + 1);
                assert!(grown == shard || grown == shards, "a conversation moved between old shards");
                moved += u64::from(grown != shard);
            }
            let even = COUNT / u64::try_from(shards).unwrap();
            assert!(sizes.iter().all(|size| size.abs_diff(even) < even / 10), "{sizes:?}");
            let fair = COUNT / (u64::try_from(shards).unwrap() + 1);
            assert!(moved.abs_diff(fair) < fair / 10, "{moved} of {fair}");
        }
    }

    /// Records wait in queues while a new version is deployed: the map must never change.
    #[test]
    fn the_map_is_stable() {
        let shards: Vec<_> = (0..12).map(|number| shard_of(conversation(number), 8)).collect();
        assert_eq!(shards, STABLE);
    }

    const STABLE: [usize; 12] = [6, 0, 4, 2, 1, 4, 7, 3, 7, 2, 3, 5];
}
