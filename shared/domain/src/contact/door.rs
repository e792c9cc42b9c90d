//! Who may write to whom, as the recipient's inbox entry says it.

/// What somebody is to the owner of an inbox, of contacts, of a profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Relation {
    /// Nothing.
    #[default]
    Stranger,
    /// A contact.
    Contact,
    /// Somebody of whom the owner wants nothing, whatever else they are.
    Blocked,
}

/// What the owner of an inbox entry allows the peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Door {
    /// What the peer is to the owner.
    pub peer: Relation,
    /// Whether the owner was seen to take messages of strangers. Never true when they do not: whoever writes it makes sure
    /// in the same transaction, and whoever changes the owner's mind takes it away.
    pub strangers: bool,
}

/// Who may write to whom in a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirectMessages {
    /// Contacts alone.
    Contacts,
    /// Contacts, and strangers unless one says otherwise.
    Anyone,
}

/// What a door says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Come in.
    Welcome,
    /// Stay out.
    Unwelcome,
    /// The owner's account has to be asked.
    Ask,
}

impl DirectMessages {
    /// Whether the peer may write.
    pub const fn verdict(self, door: Door) -> Verdict {
        match (self, door.peer) {
            (_, Relation::Contact) => Verdict::Welcome,
            (_, Relation::Blocked) | (Self::Contacts, Relation::Stranger) => Verdict::Unwelcome,
            (Self::Anyone, Relation::Stranger) if door.strangers => Verdict::Welcome,
            (Self::Anyone, Relation::Stranger) => Verdict::Ask,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_may_always_write_and_the_blocked_never() {
        for (policy, peer, strangers, want) in [
            (DirectMessages::Contacts, Relation::Stranger, true, Verdict::Unwelcome),
            (DirectMessages::Contacts, Relation::Contact, false, Verdict::Welcome),
            (DirectMessages::Contacts, Relation::Blocked, true, Verdict::Unwelcome),
            (DirectMessages::Anyone, Relation::Stranger, true, Verdict::Welcome),
            (DirectMessages::Anyone, Relation::Stranger, false, Verdict::Ask),
            (DirectMessages::Anyone, Relation::Contact, false, Verdict::Welcome),
            (DirectMessages::Anyone, Relation::Blocked, true, Verdict::Unwelcome),
        ] {
            assert_eq!(policy.verdict(Door { peer, strangers }), want, "{policy:?} {peer:?} {strangers}");
        }
    }
}
