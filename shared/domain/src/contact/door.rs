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

/// How somebody takes it that another turns to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reception {
    /// They would take a message.
    Welcome,
    /// They would take none. They may still be asked for something.
    Unwelcome,
    /// They want nothing of the other one, who must not learn of it.
    Blocked,
    /// There is no such person.
    Nobody,
}

impl DirectMessages {
    /// How the owner of the door takes the peer. `strangers` is whether the owner's account takes messages of strangers;
    /// `None` without an account.
    pub const fn reception(self, door: Door, strangers: Option<bool>) -> Reception {
        match (strangers, door.peer, self.verdict(door)) {
            (None, _, _) => Reception::Nobody,
            (_, Relation::Blocked, _) => Reception::Blocked,
            (_, _, Verdict::Welcome) | (Some(true), _, Verdict::Ask) => Reception::Welcome,
            (Some(_), _, Verdict::Unwelcome | Verdict::Ask) => Reception::Unwelcome,
        }
    }

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

    #[test]
    fn who_does_not_welcome_somebody_is_still_there_unless_they_block_them() {
        let received =
            |policy: DirectMessages, peer, account| policy.reception(Door { peer, strangers: false }, account);
        for (policy, peer, account, want) in [
            (DirectMessages::Anyone, Relation::Stranger, Some(true), Reception::Welcome),
            (DirectMessages::Anyone, Relation::Stranger, Some(false), Reception::Unwelcome),
            (DirectMessages::Anyone, Relation::Contact, Some(false), Reception::Welcome),
            (DirectMessages::Contacts, Relation::Contact, Some(true), Reception::Welcome),
            (DirectMessages::Contacts, Relation::Stranger, Some(true), Reception::Unwelcome),
            (DirectMessages::Contacts, Relation::Blocked, Some(true), Reception::Blocked),
            (DirectMessages::Anyone, Relation::Blocked, Some(false), Reception::Blocked),
            (DirectMessages::Anyone, Relation::Contact, None, Reception::Nobody),
            (DirectMessages::Anyone, Relation::Blocked, None, Reception::Nobody),
        ] {
            assert_eq!(received(policy, peer, account), want, "{policy:?} {peer:?} {account:?}");
        }
        let known = Door { peer: Relation::Stranger, strangers: true };
        assert_eq!(DirectMessages::Anyone.reception(known, Some(true)), Reception::Welcome);
        assert_eq!(DirectMessages::Contacts.reception(known, Some(true)), Reception::Unwelcome);
    }
}
