//! SEE-1: who sees what of a conversation. Every operation asks here, and nowhere else.

use crate::ids::{ConversationId, UserId};
use crate::inbox::InboxEntry;
use crate::limits::SPANS_MAX;
use crate::log::Seq;

/// A stretch of a log that a member sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Its first entry.
    pub from: Seq,
    /// Its last entry; `None` while the membership lasts.
    pub to: Option<Seq>,
}

impl Span {
    /// Everything, for ever.
    pub const WHOLE: Self = Self { from: Seq::FIRST, to: None };

    /// Whether it holds this place.
    pub fn shows(&self, seq: Seq) -> bool {
        self.from <= seq && self.to.is_none_or(|to| seq <= to)
    }

    /// The place after its last one, or `limit` if it reaches that far.
    pub fn end(&self, limit: Seq) -> Seq {
        self.to.map_or(limit, |to| to.next().min(limit))
    }
}

/// What a member sees of a log: stretches, ascending, of which only the last can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// These stretches, if they are in order and no more than an inbox entry holds.
    pub fn of(spans: Vec<Span>) -> Option<Self> {
        let ordered = spans.iter().all(|span| span.to.is_none_or(|to| span.from <= to))
            && spans.windows(2).all(|pair| pair[0].to.is_some_and(|to| to < pair[1].from));
        (ordered && spans.len() <= SPANS_MAX).then_some(Self(spans))
    }

    /// Everything.
    pub fn whole() -> Self {
        Self(vec![Span::WHOLE])
    }

    /// All stretches.
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// Whether the member sees this place.
    pub fn shows(&self, seq: Seq) -> bool {
        self.0.iter().any(|span| span.shows(seq))
    }

    /// The stretch of the membership that lasts.
    pub fn current(&self) -> Option<Span> {
        self.0.last().copied().filter(|span| span.to.is_none())
    }

    /// The stretch with the lowest place above `seq` that the member sees.
    pub fn above(&self, seq: Seq) -> Option<Span> {
        self.0.iter().find(|span| span.to.is_none_or(|to| to > seq)).copied()
    }

    /// The stretch with the highest place below `seq` that the member sees.
    pub fn below(&self, seq: Seq) -> Option<Span> {
        self.0.iter().rev().find(|span| span.from < seq).copied()
    }

    /// The lowest place that the member sees.
    pub fn floor(&self) -> Seq {
        self.0.first().map_or(Seq::FIRST, |span| span.from)
    }

    /// With a membership that begins. Whoever has come and gone more often than an entry has room for loses the oldest
    /// stretch; `from` at or below what was seen before goes on with it.
    #[must_use]
    pub fn joined(mut self, from: Seq) -> Self {
        self.0.retain(|span| span.from < from && span.to.is_some());
        if let Some(last) = self.0.last_mut().filter(|last| last.to >= Some(from)) {
            last.to = None;
        } else {
            self.0.push(Span { from, to: None });
        }
        let surplus = self.0.len().saturating_sub(SPANS_MAX);
        self.0.drain(..surplus);
        self
    }

    /// With the membership over after this entry.
    #[must_use]
    pub fn left(mut self, to: Seq) -> Self {
        if let Some(last) = self.0.last_mut().filter(|last| last.to.is_none()) {
            last.to = Some(to);
        }
        self
    }

    /// Nothing but this entry: what is left to whoever may not keep what they saw.
    pub fn only(seq: Seq) -> Self {
        Self(vec![Span { from: seq, to: Some(seq) }])
    }
}

/// Whether the id alone says that `user` has no part in the conversation: somebody else's direct conversation or
/// notices. Members of a group are rows of a table.
pub fn is_foreign(conversation: ConversationId, user: UserId) -> bool {
    match conversation {
        ConversationId::Direct(pair) => pair.index(user).is_none(),
        ConversationId::Notices(owner) => owner != user,
        ConversationId::Group(_) => false,
    }
}

/// Whether what a user sees of such a conversation is written in their inbox, and does not follow from its id.
pub const fn is_in_inbox(conversation: ConversationId) -> bool {
    matches!(conversation, ConversationId::Group(_))
}

/// What `user` sees of a conversation of which their inbox has `entry`: everything of their own direct conversations and
/// notices, of a group the spans of their membership. `None` is "not a member", whether or not it exists.
pub fn spans(conversation: ConversationId, user: UserId, entry: Option<&InboxEntry>) -> Option<Spans> {
    if is_foreign(conversation, user) {
        return None;
    }
    if !is_in_inbox(conversation) {
        return Some(Spans::whole());
    }
    entry.map(|entry| entry.spans.clone()).filter(|spans| !spans.as_slice().is_empty())
}

/// The people of a conversation whose id names them, each once; in one's own notes one. A group's members are read
/// where they are needed.
pub fn people(conversation: ConversationId) -> Vec<UserId> {
    match conversation {
        ConversationId::Direct(pair) => {
            let mut users = pair.users().to_vec();
            users.dedup();
            users
        }
        ConversationId::Notices(owner) => vec![owner],
        ConversationId::Group(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seq(number: u64) -> Seq {
        Seq::new(number)
    }

    proptest! {
        /// Comings and goings in the order of a log: what was shown during a membership stays shown, and what lies
        /// between is never shown.
        #[test]
        fn spans_show_what_was_seen_and_nothing_between(steps in prop::collection::vec((1_u64..4, 1_u64..4), 1..12)) {
            let mut spans = Spans::default();
            let mut shown = Vec::new();
            let mut at = 0;
            for (pause, stay) in steps {
                let from = at + pause;
                spans = spans.joined(seq(from));
                prop_assert_eq!(spans.current(), Some(Span { from: seq(from), to: None }));
                prop_assert!(spans.shows(spans.floor()) && spans.below(spans.floor()).is_none());
                at = from + stay;
                spans = spans.left(seq(at));
                prop_assert_eq!(spans.current(), None);
                shown.extend(from..=at);
            }
            prop_assert_eq!(Spans::of(spans.as_slice().to_vec()), Some(spans.clone()));
            for place in 1..at + 3 {
                prop_assert_eq!(spans.shows(seq(place)), shown.contains(&place), "{}", place);
                let above = shown.iter().copied().find(|seen| *seen > place).map(seq);
                prop_assert_eq!(spans.above(seq(place)).map(|span| span.from.max(seq(place + 1))), above);
                let below = shown.iter().copied().rev().find(|seen| *seen < place).map(|seen| seq(seen + 1));
                prop_assert_eq!(spans.below(seq(place)).map(|span| span.end(seq(place))), below);
            }
        }
    }

    #[test]
    fn whoever_sees_all_on_return_sees_all_and_old_stretches_end_first() {
        let spans = Spans::default().joined(seq(5)).left(seq(9));
        assert_eq!(spans.clone().joined(Seq::FIRST), Spans::whole());
        assert_eq!(spans.clone().joined(seq(7)).as_slice(), [Span { from: seq(5), to: None }]);
        let mut often = spans;
        for number in 0..20 {
            often = often.joined(seq(20 + 10 * number)).left(seq(25 + 10 * number));
        }
        assert_eq!((often.as_slice().len(), often.shows(seq(6)), often.shows(seq(212))), (SPANS_MAX, false, true));
        assert_eq!(Spans::of(vec![Span::WHOLE, Span::WHOLE]), None);
    }
}
