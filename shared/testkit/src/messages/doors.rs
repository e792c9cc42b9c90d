//! What the tables of contacts must keep, and those that say who may write to whom, whether in memory or in DynamoDB.

use tidings_application::ports::{
    ContactCommit, ContactRead, InboxAdvance, InboxForget, InboxOpen, InboxRead, Introduce, LogRead, Range,
    RelationRead, Which,
};
use tidings_domain::contact::change::{State, Write};
use tidings_domain::contact::{Contact, Door, Relation, Tie};
use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_domain::inbox::{HeadState, ReadPosition};
use tidings_domain::log::{Body, BodyHash, Counts, Entry, Seq, Telling};
use tidings_domain::time::Timestamp;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000 + millis)
}

fn told(owner: UserId, head: Option<&Entry>) -> (ConversationId, Entry) {
    let body = Body { json: r#"{"type":"contact_blocked"}"#.to_owned(), hash: BodyHash::new([1; 32]) };
    let telling = Telling { client_id: ClientId::from_bits(5), body, joins: 0 };
    let notices = ConversationId::Notices(owner);
    (notices, telling.follow(head, notices, owner, at(1)))
}

/// Changes are all or nothing, and what they wrote reads back. `known` is somebody with an account.
///
/// # Panics
///
/// Where the tables break it.
#[expect(clippy::unwrap_used, reason = "a port that fails breaks the contract")]
pub async fn contacts_keep_their_contract<T>(
    contacts: &T,
    log: &impl LogRead,
    inboxes: &impl InboxRead,
    (known, unknown): (UserId, UserId),
) where
    T: ContactRead + ContactCommit,
{
    let [owner, last] = [1, 2].map(|bits| UserId::from_bits(known.bits() ^ (bits << 64)));
    let nothing = |known| State { own: None, theirs: None, known };
    assert_eq!(contacts.between(owner, known).await.unwrap(), nothing(true));
    assert_eq!(contacts.between(owner, unknown).await.unwrap(), nothing(false));

    let friends = Contact {
        tie: Some(Tie::Friends { since: at(2) }),
        remark: "李雷".parse().ok(),
        tags: vec!["work".parse().unwrap(), "old".parse().unwrap()],
        version: Seq::FIRST,
        changed_at: at(3),
        ..Contact::stranger(known)
    };
    let mirror = Contact { tie: Some(Tie::Friends { since: at(2) }), ..Contact::stranger(owner) };
    let asked = Contact {
        tie: Some(Tie::Asked { at: at(4), greeting: "Hello!\nIt is me".parse().ok() }),
        version: Seq::new(2),
        ..Contact::stranger(unknown)
    };
    let asking = Contact { tie: Some(Tie::Asking { at: at(4), greeting: None }), blocked: true, ..asked.clone() };
    let asking = Contact { peer: last, version: Seq::new(3), ..asking };
    let door = |peer, relation| Write::Door { owner, peer, relation };
    let first = told(owner, None);
    let writes = [
        Write::Contact(owner, friends.clone()),
        Write::Contact(known, mirror.clone()),
        Write::Contact(owner, asked.clone()),
        Write::Contact(owner, asking.clone()),
        door(known, Relation::Contact),
        door(last, Relation::Blocked),
        Write::Notices(owner),
    ];
    assert!(contacts.commit(std::slice::from_ref(&first), &writes).await.unwrap());
    let state = contacts.between(owner, known).await.unwrap();
    assert_eq!(state, State { own: Some(friends.clone()), theirs: Some(mirror), known: true });
    let page = async |after, which, limit| contacts.contacts(owner, after, which, limit).await.unwrap();
    let mut all = vec![friends.clone(), asked.clone(), asking.clone()];
    all.sort_by_key(|contact| contact.peer);
    assert_eq!(page(None, Which::Present, 3).await, (all.clone(), false));
    assert_eq!(page(None, Which::Present, 2).await, (all[..2].to_vec(), true));
    assert_eq!(page(Some(all[1].peer), Which::Present, 2).await, (all[2..].to_vec(), false));
    assert_eq!(page(None, Which::Blocked, 3).await, (vec![asking.clone()], false));
    let later: Vec<_> = all.iter().filter(|contact| contact.version > Seq::FIRST).cloned().collect();
    assert_eq!(page(None, Which::ChangedAfter(Seq::FIRST), 1).await, (later[..1].to_vec(), true));
    assert_eq!(page(None, Which::ChangedAfter(Seq::FIRST), 3).await, (later, false));

    let entry = async |peer| inboxes.entry(owner, ConversationId::direct(owner, peer)).await.unwrap();
    let (open, shut) = (entry(known).await.unwrap(), entry(last).await.unwrap());
    assert_eq!((open.door.peer, shut.door.peer), (Relation::Contact, Relation::Blocked));
    assert!(open.is_silent() && shut.is_silent(), "nothing is to be seen there");
    assert_eq!(entry(unknown).await, None);
    let notices = inboxes.entry(owner, ConversationId::Notices(owner)).await.unwrap();
    assert_eq!(notices.map(|entry| entry.state), Some(HeadState::Open));

    // A place that is taken, and nothing of it happens.
    let gone = Contact { version: Seq::new(2), ..Contact::stranger(known) };
    let writes =
        [Write::Contact(owner, gone.clone()), door(known, Relation::Stranger), door(unknown, Relation::Blocked)];
    assert!(!contacts.commit(&[told(owner, None)], &writes).await.unwrap());
    assert_eq!((entry(known).await, entry(unknown).await), (Some(open), None));
    assert_eq!(contacts.between(owner, known).await.unwrap(), state);
    assert_eq!(log.page(first.0, Range::Newest, 9).await.unwrap().entries.len(), 1);

    assert!(contacts.commit(&[told(owner, Some(&first.1))], &writes).await.unwrap());
    assert_eq!(entry(known).await.unwrap().door, Door::default());
    assert_eq!(contacts.between(owner, known).await.unwrap().own, Some(gone.clone()));
    let (present, _) = page(None, Which::Present, 9).await;
    assert!(!present.contains(&gone) && present.len() == 2, "what is gone is no contact");
    assert!(page(None, Which::ChangedAfter(Seq::FIRST), 9).await.0.contains(&gone), "but is told of");
}

/// Strangers are introduced as long as the owner takes their messages and they are strangers. `says` sets what the
/// account of somebody says of strangers; `None` is no account.
///
/// # Panics
///
/// Where the tables break it.
#[expect(clippy::unwrap_used, reason = "a port that fails breaks the contract")]
pub async fn doors_keep_their_contract<P, I, T>(
    people: &P,
    inboxes: &I,
    contacts: &T,
    owner: UserId,
    says: impl AsyncFn(UserId, Option<bool>),
) where
    P: Introduce,
    I: InboxRead + InboxOpen + InboxAdvance + InboxForget,
    T: ContactCommit,
{
    let peer = |number: u128| UserId::from_bits(owner.bits() ^ (number << 70));
    let talk = |number: u128| ConversationId::direct(owner, peer(number));
    let door = async |number| inboxes.entry(owner, talk(number)).await.unwrap().map(|entry| entry.door);
    let takes = async || people.takes_strangers(owner).await.unwrap();
    let introduce = async |number| people.introduce(owner, talk(number)).await.unwrap();

    says(owner, None).await;
    assert_eq!((takes().await, introduce(1).await, door(1).await), (None, false, None));
    says(owner, Some(false)).await;
    assert_eq!((takes().await, introduce(1).await, door(1).await), (Some(false), false, None));
    says(owner, Some(true)).await;
    assert_eq!((takes().await, introduce(1).await), (Some(true), true));
    let welcome = Door { peer: Relation::Stranger, strangers: true };
    assert_eq!(door(1).await, Some(welcome));
    assert!(inboxes.entry(owner, talk(1)).await.unwrap().unwrap().is_silent(), "nothing is to be seen there");

    // An entry that is there stays as it is.
    inboxes.open(owner, talk(2)).await.unwrap();
    let read = ReadPosition { seq: Seq::new(4), counts: Counts::Direct([4, 0]) };
    inboxes.advance(owner, talk(3), read).await.unwrap();
    for number in [2, 3] {
        assert!(introduce(number).await);
        let entry = inboxes.entry(owner, talk(number)).await.unwrap().unwrap();
        assert_eq!((entry.state, entry.door), (HeadState::Open, welcome));
    }
    let relate = async |number, relation| {
        contacts.commit(&[], &[Write::Door { owner, peer: peer(number), relation }]).await.unwrap();
    };
    for relation in [Relation::Contact, Relation::Blocked] {
        relate(2, relation).await;
        assert!(!introduce(2).await, "{relation:?} is no stranger");
        assert_eq!(inboxes.relation(owner, peer(2)).await.unwrap(), relation);
    }
    assert_eq!(inboxes.entry(owner, talk(2)).await.unwrap().unwrap().state, HeadState::Open);
    relate(2, Relation::Stranger).await;
    assert_eq!(inboxes.relation(owner, peer(2)).await.unwrap(), Relation::Stranger);
    assert_eq!(inboxes.relation(owner, peer(9)).await.unwrap(), Relation::Stranger, "of whom there is nothing");

    // Forgetting says nothing of what is not there, and leaves the rest.
    for number in [1, 3, 7] {
        inboxes.forget_strangers(owner, talk(number)).await.unwrap();
        inboxes.forget_strangers(owner, talk(number)).await.unwrap();
    }
    assert_eq!((door(1).await, door(7).await), (Some(Door::default()), None));
    let entry = inboxes.entry(owner, talk(3)).await.unwrap().unwrap();
    assert_eq!((entry.door, entry.read), (Door::default(), read));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{FakeContacts, FakePeople};

    #[tokio::test]
    async fn the_fakes_keep_the_contract() {
        let contacts = FakeContacts::default();
        let FakePeople { inboxes, .. } = &contacts.people;
        let (known, unknown) = (UserId::from_bits(1 << 80), UserId::from_bits(2 << 80));
        contacts.people.says(unknown, None);
        contacts_keep_their_contract(&contacts, &contacts.log, inboxes, (known, unknown)).await;
        let says = async |user, takes| contacts.people.says(user, takes);
        doors_keep_their_contract(&contacts.people, inboxes, &contacts, UserId::from_bits(3 << 80), says).await;
    }
}
