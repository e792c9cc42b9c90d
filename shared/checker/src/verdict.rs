//! What a run is found guilty of.

use std::collections::BTreeMap;
use std::fmt;

use tidings_domain::ids::{ClientId, ConversationId, UserId};

/// Violations that are kept with their details; beyond, only their number. One broken rule tends to break for every
/// message, and nobody reads the thousandth.
const DETAILS_MAX: usize = 50;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Acknowledged, and the server does not have it (ACK-1).
    Lost,
    /// Acknowledged, and a member's device does not have it (ACK-1).
    Missing,
    /// In a log, or shown on a device, more than once (IDEM-1). Also what stands in a transcript after what comes after
    /// it: told in another order is told again.
    Doubled,
    /// A place of the log that a device or the server passed over (ORD-1).
    Hole,
    /// A device left out a conversation's beginning, in a run in which all promise to have it.
    Jumped,
    /// Two see different messages in one place (ORD-1).
    OrderDiffers,
    /// A device's messages are not in the order in which it sent them (ORD-1).
    OwnOrder,
    /// Sent after another was acknowledged, and in the log before it (ORD-1).
    Overtaken,
    /// Another text or sender than was sent, or never sent at all.
    Corrupted,
    /// Acknowledged with another place than it was acknowledged with before, or than it has (IDEM-1).
    TwoPlaces,
    /// Refused for good, and there all the same.
    RefusedYetThere,
    /// Seen by somebody outside their membership (SEE-1).
    Leaked,
    /// A wrong number of unread messages.
    Unread,
    /// A device has its user's read position elsewhere than where their devices have read to.
    ReadElsewhere,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Lost,
        Self::Missing,
        Self::Doubled,
        Self::Hole,
        Self::Jumped,
        Self::OrderDiffers,
        Self::OwnOrder,
        Self::Overtaken,
        Self::Corrupted,
        Self::TwoPlaces,
        Self::RefusedYetThere,
        Self::Leaked,
        Self::Unread,
        Self::ReadElsewhere,
    ];

    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Missing => "missing",
            Self::Doubled => "doubled",
            Self::Hole => "holes",
            Self::Jumped => "jumped",
            Self::OrderDiffers => "order_differs",
            Self::OwnOrder => "own_order",
            Self::Overtaken => "overtaken",
            Self::Corrupted => "corrupted",
            Self::TwoPlaces => "two_places",
            Self::RefusedYetThere => "refused_yet_there",
            Self::Leaked => "leaked",
            Self::Unread => "unread",
            Self::ReadElsewhere => "read_elsewhere",
        }
    }
}

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is broken.
    pub kind: Kind,
    /// Where.
    pub conversation: ConversationId,
    /// Who has it so: `the server`, or a device and whose it is.
    pub holder: String,
    /// The place in the log, if one is known.
    pub seq: Option<u64>,
    /// Sender and client id, if it is about a message.
    pub message: Option<(UserId, ClientId)>,
    /// What was expected instead.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}, {}", self.kind.name(), self.conversation, self.holder)?;
        if let Some(seq) = self.seq {
            write!(f, ", seq {seq}")?;
        }
        if let Some((sender, client_id)) = self.message {
            write!(f, ", message {client_id} of {sender}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// The judgement of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    counts: BTreeMap<Kind, u64>,
    details: Vec<Violation>,
    /// Messages that devices were told to send.
    pub sent: u64,
    /// Of those, acknowledged.
    pub acknowledged: u64,
    /// Of those, refused for good.
    pub refused: u64,
    /// Entries that devices showed, each device by itself.
    pub shown: u64,
    /// How often a device said that it left entries out.
    pub jumps: u64,
    /// Transcripts that were compared.
    pub transcripts: u64,
}

impl Verdict {
    /// Whether nothing is broken.
    pub fn holds(&self) -> bool {
        self.counts.is_empty()
    }

    /// How often a rule is broken.
    pub fn count(&self, kind: Kind) -> u64 {
        self.counts.get(&kind).copied().unwrap_or(0)
    }

    /// How often each rule is broken, by its name, also those that hold.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        Kind::ALL.into_iter().map(|kind| (kind.name(), self.count(kind))).collect()
    }

    /// The first violations in detail.
    pub fn violations(&self) -> &[Violation] {
        &self.details
    }

    pub(crate) fn add(&mut self, violation: Violation) {
        *self.counts.entry(violation.kind).or_default() += 1;
        if self.details.len() < DETAILS_MAX {
            self.details.push(violation);
        }
    }
}

/// For people: one line if all is well, else the numbers and the first violations.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} sent, {} acknowledged, {} refused, {} shown, {} transcripts compared: ",
            self.sent, self.acknowledged, self.refused, self.shown, self.transcripts
        )?;
        if self.holds() {
            return f.write_str("nothing lost, doubled, out of order or corrupted");
        }
        let counts: Vec<String> = self.counts.iter().map(|(kind, count)| format!("{count} {}", kind.name())).collect();
        f.write_str(&counts.join(", "))?;
        for violation in &self.details {
            write!(f, "\n  {violation}")?;
        }
        let kept = u64::try_from(self.details.len()).unwrap_or(u64::MAX);
        match self.counts.values().sum::<u64>().saturating_sub(kept) {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}
