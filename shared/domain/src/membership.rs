//! SEE-1: who sees what of a conversation. Every operation asks here, and nowhere else.

use crate::ids::{ConversationId, UserId};
use crate::log::Seq;

/// A stretch of a log that a member sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// Its first entry.
    pub from: Seq,
    /// Its last entry; `None` while the membership lasts.
    pub to: Option<Seq>,
}

/// What `user` sees of a conversation whose members follow from its id: everything in their own direct
/// conversations and notices, nothing elsewhere. `None` is "not a member", whether or not it exists.
pub fn span(conversation: ConversationId, user: UserId) -> Option<Span> {
    let member = match conversation {
        ConversationId::Direct(pair) => pair.index(user).is_some(),
        ConversationId::Notices(owner) => owner == user,
        // Members of a group are rows of a table; there are none yet.
        ConversationId::Group(_) => false,
    };
    member.then_some(Span { from: Seq::FIRST, to: None })
}

/// The people of a direct conversation, each once; in one's own notes one.
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
