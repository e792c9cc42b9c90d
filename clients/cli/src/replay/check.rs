//! The comparison: what was sent against what is there.

use std::collections::HashMap;
use std::ops::AddAssign;

use serde::Serialize;
use tidings_client::{Body, CallError, Client, ClientId, ConversationId, EntriesQuery, Entry, Page, UserId};

/// Entries per page when a transcript is read.
const PAGE: usize = 1_000;

/// A message that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub(super) client_id: ClientId,
    pub(super) sender: UserId,
    pub(super) text: String,
}

/// What is wrong, in messages, over all transcripts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Faults {
    /// Acknowledged, and not there.
    pub(super) lost: u64,
    /// There more than once.
    pub(super) doubled: u64,
    /// There before something that was acknowledged earlier, or with a hole before it.
    pub(super) out_of_order: u64,
    /// There with another text or sender, or never sent.
    pub(super) corrupted: u64,
}

impl Faults {
    /// Whether everything is right.
    pub(super) fn none(&self) -> bool {
        *self == Self::default()
    }
}

impl AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.out_of_order += other.out_of_order;
        self.corrupted += other.corrupted;
    }
}

/// Compares a transcript with what was sent, and its order with that of `sequences`: each names messages, by their
/// place in `expected`, that must follow each other.
pub(super) fn compare(expected: &[Expected], sequences: &[Vec<usize>], transcript: &[Entry]) -> Faults {
    let mut faults = Faults::default();
    let places: HashMap<(UserId, ClientId), usize> =
        expected.iter().enumerate().map(|(place, message)| ((message.sender, message.client_id), place)).collect();
    let mut found: Vec<Option<usize>> = vec![None; expected.len()];
    for (index, entry) in transcript.iter().enumerate() {
        // Seqs are dense from 1: place in the transcript and seq say the same.
        if entry.seq != index as u64 + 1 {
            faults.out_of_order += 1;
        }
        let Some(place) = places.get(&(entry.sender.0, entry.client_id.0)).copied() else {
            faults.corrupted += 1;
            continue;
        };
        if found[place].is_some() {
            faults.doubled += 1;
            continue;
        }
        found[place] = Some(index);
        if !matches!(&entry.body, Body::Text { text } if *text == expected[place].text) {
            faults.corrupted += 1;
        }
    }
    faults.lost += found.iter().filter(|index| index.is_none()).count() as u64;
    for sequence in sequences {
        let order: Vec<usize> = sequence.iter().filter_map(|place| found[*place]).collect();
        faults.out_of_order += order.windows(2).filter(|pair| pair[0] > pair[1]).count() as u64;
    }
    faults
}

/// What a device holds of a conversation.
pub(super) async fn on_device(client: &Client, conversation: ConversationId) -> Result<Vec<Entry>, CallError> {
    let mut transcript: Vec<Entry> = Vec::new();
    loop {
        // From its own store: a device that has something holds it from the beginning here.
        let Some(view) = client.conversation(conversation).await? else { return Ok(transcript) };
        let after = transcript.last().map_or(view.base - 1, |entry| entry.seq);
        let page = client.messages(conversation, Page::After(after), PAGE).await?;
        transcript.extend(page.entries);
        if !page.more {
            return Ok(transcript);
        }
    }
}

/// What the server has stored, fetched afresh.
pub(super) async fn on_server(client: &Client, conversation: ConversationId) -> Result<Vec<Entry>, CallError> {
    let mut transcript: Vec<Entry> = Vec::new();
    loop {
        let after = Some(transcript.last().map_or(0, |entry| entry.seq));
        let page = client.entries(conversation, EntriesQuery { after, before: None, limit: Some(PAGE) }).await?;
        transcript.extend(page.entries);
        if !page.more {
            return Ok(transcript);
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_client::EntryKind;

    use super::*;

    fn expected(number: u64) -> Expected {
        let client_id = ClientId::from_bits(u128::from(number));
        Expected { client_id, sender: UserId::from_bits(1), text: format!("{number}") }
    }

    fn transcript(numbers: &[u64]) -> Vec<Entry> {
        let entry = |(seq, number): (u64, &u64)| Entry {
            seq,
            sender: UserId::from_bits(1).into(),
            client_id: ClientId::from_bits(u128::from(*number)).into(),
            sent_at: 0,
            kind: EntryKind::Message,
            body: Body::text(format!("{number}")),
            rev: 0,
            counts: vec![0, 0],
            expires_at: None,
        };
        (1..).zip(numbers).map(entry).collect()
    }

    #[test]
    fn every_kind_of_fault_is_seen() {
        let all: Vec<Expected> = (0..4).map(expected).collect();
        let order = [vec![0, 1, 2, 3]];
        let faults = |numbers: &[u64]| compare(&all, &order, &transcript(numbers));
        let none = Faults::default();
        assert_eq!(faults(&[0, 1, 2, 3]), none);
        assert_eq!(faults(&[0, 1, 3]), Faults { lost: 1, ..none });
        assert_eq!(faults(&[0, 1, 1, 2, 3]), Faults { doubled: 1, ..none });
        assert_eq!(faults(&[0, 2, 1, 3]), Faults { out_of_order: 1, ..none });
        assert_eq!(faults(&[0, 1, 2, 3, 9]), Faults { corrupted: 1, ..none });
        let mut other = transcript(&[0, 1, 2, 3]);
        other[2].body = Body::text("something else");
        assert_eq!(compare(&all, &order, &other), Faults { corrupted: 1, ..none });
        let mut hole = transcript(&[0, 1, 2, 3]);
        hole[3].seq = 5;
        assert_eq!(compare(&all, &order, &hole), Faults { out_of_order: 1, ..none });
    }

    #[test]
    fn only_the_order_that_was_asked_for_counts() {
        let all: Vec<Expected> = (0..4).map(expected).collect();
        let order = [vec![0, 1], vec![2, 3]];
        assert_eq!(compare(&all, &order, &transcript(&[2, 0, 3, 1])), Faults::default());
        assert_eq!(compare(&all, &order, &transcript(&[3, 0, 2, 1])).out_of_order, 1);
    }
}
