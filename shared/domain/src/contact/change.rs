//! Every change of what two people are to each other.
//!
//! A change that writes a record takes a place in its owner's notices, so each record changes in the order of one log. A
//! change that finds the other one's record as it should not touch it (they block the actor) takes no place there: it
//! happens as if it had come before whatever they do meanwhile.

use super::{Contact, Relation, Tag, Tie};
use crate::change::{Audience, Decision, Rules, Tell, Tops};
use crate::group::Greeting;
use crate::identity::DisplayName;
use crate::ids::{ClientId, ConversationId, UserId};
use crate::log::BodyHash;
use crate::time::Timestamp;

/// A change, as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Ask them to be a contact. Whoever was asked by them has accepted with it.
    Request {
        /// What to say.
        greeting: Option<Greeting>,
    },
    /// Answer their request.
    Answer {
        /// Be a contact?
        accept: bool,
    },
    /// End what is between both: contacts, or a request.
    Remove,
    /// What the actor calls them, and keeps them under; as a whole.
    Describe {
        /// What they are called.
        remark: Option<DisplayName>,
        /// What they are kept under.
        tags: Vec<Tag>,
    },
    /// Want nothing of them.
    Block,
    /// Or again.
    Unblock,
}

/// What notices tell. The entry's sender did it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// To both: the sender asks `user`.
    Requested {
        /// Whom.
        user: UserId,
        /// What was said.
        greeting: Option<Greeting>,
    },
    /// To both: the sender has answered the request of `user`.
    Answered {
        /// Whose.
        user: UserId,
        /// Whether they are contacts now.
        accepted: bool,
    },
    /// To both: the sender has ended what was between both.
    Removed {
        /// With whom.
        user: UserId,
    },
    /// To oneself: what one calls them.
    Described {
        /// Whom.
        user: UserId,
        /// What.
        remark: Option<DisplayName>,
        /// What they are kept under.
        tags: Vec<Tag>,
    },
    /// To oneself.
    Blocked {
        /// Whom.
        user: UserId,
    },
    /// To oneself.
    Unblocked {
        /// Whom.
        user: UserId,
    },
}

/// What a change writes with its entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// What somebody has of another.
    Contact(UserId, Contact),
    /// What that allows them, in the owner's inbox.
    Door {
        /// Whose inbox.
        owner: UserId,
        /// Whom it is about.
        peer: UserId,
        /// What they are to the owner.
        relation: Relation,
    },
    /// That somebody's notices are to be seen in their inbox.
    Notices(UserId),
}

/// The records that a change rests on, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// What the actor has of the other one.
    pub own: Option<Contact>,
    /// What the other one has of the actor.
    pub theirs: Option<Contact>,
    /// Whether the other one has an account.
    pub known: bool,
}

/// Why a change may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Nobody is a contact of themselves.
    Oneself,
    /// There is no such person.
    NoSuchUser,
    /// They do not ask, or the request has expired.
    NobodyAsks,
    /// There is nothing between them.
    NoContact,
    /// The actor blocks them.
    Blocked,
}

/// Somebody's request to change what they have of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Who.
    pub actor: UserId,
    /// Of whom.
    pub peer: UserId,
    /// What they call it.
    pub client_id: ClientId,
    /// What tells it from another request of the same client id.
    pub fingerprint: BodyHash,
    /// What they ask for.
    pub change: Change,
}

impl Request {
    /// What it says of itself, before anything is read.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.actor == self.peer { Err(Refusal::Oneself) } else { Ok(()) }
    }
}

type Decided = Decision<Request>;

/// Both sides: the actor's first.
struct Sides<'a> {
    request: &'a Request,
    own: Contact,
    theirs: Contact,
    tops: &'a Tops,
    now: Timestamp,
}

impl Sides<'_> {
    /// What is told, and who is changed: the actor alone, or both.
    fn commit(&self, told: &Told, own: Contact, theirs: Option<Contact>) -> Decided {
        let Request { actor, peer, .. } = *self.request;
        let theirs = theirs.map(|after| (peer, &self.theirs, after));
        let (mut tells, mut writes) = (Vec::new(), Vec::new());
        for (owner, before, after) in [(actor, &self.own, own)].into_iter().chain(theirs) {
            let conversation = ConversationId::Notices(owner);
            tells.push(Tell { conversation, what: told.clone(), joins: 0 });
            let mut after = Contact { version: self.tops.next(conversation), changed_at: self.now, ..after };
            after.forget_names();
            if after.relation() != before.relation() {
                writes.push(Write::Door { owner, peer: after.peer, relation: after.relation() });
            }
            writes.push(Write::Contact(owner, after));
            writes.push(Write::Notices(owner));
        }
        Decision::Commit(tells, writes)
    }

    fn with(contact: &Contact, tie: Option<Tie>) -> Contact {
        Contact { tie, ..contact.clone() }
    }

    fn befriend(&self) -> Decided {
        let friends = |contact| Self::with(contact, Some(Tie::Friends { since: self.now }));
        let told = Told::Answered { user: self.request.peer, accepted: true };
        self.commit(&told, friends(&self.own), Some(friends(&self.theirs)))
    }

    /// Ends the tie, for the other one too if theirs is its other side.
    fn part(&self, tie: &Tie, told: &Told) -> Decided {
        let mirrored = self.theirs.tie.as_ref().is_some_and(|theirs| tie.is_mirrored(theirs));
        self.commit(told, Self::with(&self.own, None), mirrored.then(|| Self::with(&self.theirs, None)))
    }

    fn ask(&self, greeting: Option<&Greeting>) -> Decided {
        let (own, theirs) = (self.own.tie.as_ref(), self.theirs.tie.as_ref());
        // Whom they block shall not see it, and so is not answered by a request that they made.
        let unseen = self.theirs.blocked;
        match own {
            _ if self.own.blocked => Decision::Refuse(Refusal::Blocked),
            Some(Tie::Friends { .. }) => Decision::Nothing,
            Some(Tie::Asking { .. }) => self.befriend(),
            _ if !unseen && matches!(theirs, Some(Tie::Asked { .. })) => self.befriend(),
            Some(Tie::Asked { .. }) => Decision::Nothing,
            None => {
                let (at, greeting) = (self.now, greeting.cloned());
                let told = Told::Requested { user: self.request.peer, greeting: greeting.clone() };
                let asked = Self::with(&self.own, Some(Tie::Asked { at, greeting: greeting.clone() }));
                let asking = || Self::with(&self.theirs, Some(Tie::Asking { at, greeting }));
                self.commit(&told, asked, (!unseen).then(asking))
            }
        }
    }

    fn answer(&self, accept: bool) -> Decided {
        match &self.own.tie {
            Some(Tie::Friends { .. }) if accept => Decision::Nothing,
            Some(Tie::Asking { .. }) if accept && self.own.blocked => Decision::Refuse(Refusal::Blocked),
            Some(Tie::Asking { .. }) if accept => self.befriend(),
            Some(tie @ Tie::Asking { .. }) => {
                self.part(tie, &Told::Answered { user: self.request.peer, accepted: false })
            }
            _ => Decision::Refuse(Refusal::NobodyAsks),
        }
    }

    fn describe(&self, remark: Option<&DisplayName>, tags: &[Tag]) -> Decided {
        let after = Contact { remark: remark.cloned(), tags: tags.to_vec(), ..self.own.clone() };
        if self.own.is_gone() {
            return Decision::Refuse(Refusal::NoContact);
        }
        if after == self.own {
            return Decision::Nothing;
        }
        let told = Told::Described { user: after.peer, remark: after.remark.clone(), tags: after.tags.clone() };
        self.commit(&told, after, None)
    }

    fn block(&self, blocked: bool) -> Decided {
        if self.own.blocked == blocked {
            return Decision::Nothing;
        }
        let user = self.request.peer;
        let told = if blocked { Told::Blocked { user } } else { Told::Unblocked { user } };
        self.commit(&told, Contact { blocked, ..self.own.clone() }, None)
    }
}

impl Rules for Request {
    type State = State;
    type Told = Told;
    type Write = Write;
    type Refusal = Refusal;

    fn actor(&self) -> UserId {
        self.actor
    }

    fn client_id(&self) -> ClientId {
        self.client_id
    }

    fn fingerprint(&self) -> BodyHash {
        self.fingerprint
    }

    fn logs(&self) -> (Vec<ConversationId>, Vec<ConversationId>) {
        let others = match self.change {
            Change::Request { .. } | Change::Answer { .. } | Change::Remove => {
                vec![ConversationId::Notices(self.peer)]
            }
            Change::Describe { .. } | Change::Block | Change::Unblock => Vec::new(),
        };
        (vec![ConversationId::Notices(self.actor)], others)
    }

    fn decide(&self, state: &State, tops: &Tops, now: Timestamp) -> Decided {
        let side = |contact: &Option<Contact>, peer| contact.clone().unwrap_or(Contact::stranger(peer)).at(now);
        let (own, theirs) = (side(&state.own, self.peer), side(&state.theirs, self.actor));
        let sides = Sides { request: self, own, theirs, tops, now };
        match &self.change {
            Change::Request { .. } | Change::Block if !state.known => Decision::Refuse(Refusal::NoSuchUser),
            Change::Request { greeting } => sides.ask(greeting.as_ref()),
            Change::Answer { accept } => sides.answer(*accept),
            Change::Remove => match &sides.own.tie {
                Some(tie) => sides.part(tie, &Told::Removed { user: self.peer }),
                None => Decision::Refuse(Refusal::NoContact),
            },
            Change::Describe { remark, tags } => sides.describe(remark.as_ref(), tags),
            Change::Block => sides.block(true),
            Change::Unblock => sides.block(false),
        }
    }

    /// Notices name who hears of them.
    fn audience(&self, _: &State, _: ConversationId) -> Audience {
        Audience::default()
    }
}
