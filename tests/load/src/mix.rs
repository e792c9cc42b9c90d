//! What people do, how often, and how much they write.

use rand::RngExt;
use rand::rngs::StdRng;
use tidings_protocol::limits::BODY_MAX;

/// What somebody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Sends one message and waits for its acknowledgement.
    Send,
    /// Types faster than messages are acknowledged: what queues up goes as a batch.
    Burst,
    /// Asks what happened since, as after a sleep.
    Sync,
    /// Looks at older messages.
    History,
    /// Reads what is there.
    Read,
    /// Loses the connection and comes right back.
    Reconnect,
    /// Goes offline for a while, writes there, comes back.
    Away,
}

/// Out of a hundred. Mostly people write, as they do; the rest is often enough to be seen within minutes.
const ACTIONS: [(u32, Action); 7] = [
    (58, Action::Send),
    (6, Action::Burst),
    (8, Action::Sync),
    (8, Action::History),
    (12, Action::Read),
    (5, Action::Reconnect),
    (3, Action::Away),
];

/// Bytes of a message's body, and how many out of a hundred have so many.
const SIZES: [(u32, usize); 4] = [(70, 256), (25, 1024), (4, 4096), (1, BODY_MAX)];

/// What is in a body around the text.
const AROUND: usize = r#"{"type":"text","text":""}"#.len();

/// What comes next.
pub(crate) fn action(dice: &mut StdRng) -> Action {
    draw(dice, &ACTIONS)
}

/// A message of one of the sizes, like no other.
pub(crate) fn text(dice: &mut StdRng) -> String {
    let size = draw(dice, &SIZES) - AROUND;
    let name = format!("{:032x} ", dice.random::<u128>());
    let filling = size - name.len();
    name + &"tidings ".repeat(filling.div_ceil(8))[..filling]
}

/// One of these, each as often as its number out of a hundred says.
fn draw<T: Copy>(dice: &mut StdRng, choices: &[(u32, T)]) -> T {
    let mut drawn = dice.random_range(0..choices.iter().map(|(share, _)| share).sum());
    for (share, choice) in choices {
        if drawn < *share {
            return *choice;
        }
        drawn -= share;
    }
    choices[0].1
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rand::SeedableRng;
    use tidings_client::Body;

    use super::*;

    #[test]
    fn shares_are_out_of_a_hundred() {
        assert_eq!(ACTIONS.iter().map(|(share, _)| share).sum::<u32>(), 100);
        assert_eq!(SIZES.iter().map(|(share, _)| share).sum::<u32>(), 100);
    }

    #[test]
    fn bodies_have_exactly_the_sizes_in_about_their_shares() {
        let mut dice = StdRng::seed_from_u64(1);
        let mut counts: BTreeMap<usize, u32> = BTreeMap::new();
        for _ in 0..10_000 {
            let body = Body::text(text(&mut dice)).encode().expect("within the limit");
            *counts.entry(body.len()).or_default() += 1;
        }
        for (share, size) in SIZES {
            assert!(counts[&size].abs_diff(share * 100) < 300, "{counts:?}");
        }
        assert_eq!(counts.len(), SIZES.len());
    }
}
