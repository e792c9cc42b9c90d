//! What somebody's own devices are told in their notices, of something that is done already. It rests on no records, so
//! nothing refuses it, and it is told once under the client id of the request that did it.

use std::convert::Infallible;

use crate::change::{Audience, Decision, Rules, Tell, Tops};
use crate::ids::{ClientId, ConversationId, UserId};
use crate::log::BodyHash;
use crate::time::Timestamp;

/// Something that a person did and their devices are told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Notice<T> {
    /// Who did it, and is told.
    pub owner: UserId,
    /// What they call it.
    pub client_id: ClientId,
    /// What tells it from another request of the same client id.
    pub fingerprint: BodyHash,
    /// What is told.
    pub what: T,
}

/// That somebody's notices are to be seen in their inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Open(pub UserId);

impl<T: Clone> Rules for Notice<T> {
    type State = ();
    type Told = T;
    type Write = Open;
    type Refusal = Infallible;

    fn actor(&self) -> UserId {
        self.owner
    }

    fn client_id(&self) -> ClientId {
        self.client_id
    }

    fn fingerprint(&self) -> BodyHash {
        self.fingerprint
    }

    fn logs(&self) -> (Vec<ConversationId>, Vec<ConversationId>) {
        (vec![ConversationId::Notices(self.owner)], Vec::new())
    }

    fn decide(&self, (): &(), _: &Tops, _: Timestamp) -> Decision<Self> {
        let conversation = ConversationId::Notices(self.owner);
        let tell = Tell { conversation, what: self.what.clone(), joins: 0 };
        Decision::Commit(vec![tell], vec![Open(self.owner)])
    }

    fn audience(&self, (): &(), _: ConversationId) -> Audience {
        Audience::default()
    }
}
