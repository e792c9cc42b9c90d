//! What is written reads back, also by another process.

use tidings_domain::identity::{DisplayName, Username};
use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_protocol::Text;
use tidings_protocol::body::Body;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::user::User;

use super::*;
use crate::outbox::Item;
use crate::timeline::Below;

fn item(number: u128) -> Item {
    let body = Body::text(format!("message {number}"));
    let bytes = body.encode().unwrap().len();
    Item { client_id: ClientId::from_bits(number), body, bytes, after: Some(7) }
}

#[tokio::test]
async fn an_outbox_survives_in_its_order_with_its_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let conversation = ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2));
    let items: Vec<Item> = [3, 1, 2, 4].map(item).to_vec();
    {
        let store = Store::open(&path).unwrap();
        let enqueue = |item: &Item| Write::Enqueue(conversation, item.clone());
        store.write(items.iter().map(enqueue).collect()).await.unwrap();
        store
            .write(vec![
                Write::Attempt(conversation, vec![items[0].client_id, items[1].client_id, items[2].client_id], true),
                Write::Fail(conversation, items[0].client_id, ErrorBody::new(ErrorCode::Conflict, "")),
                Write::After(conversation, items[1].client_id, 9),
            ])
            .await
            .unwrap();
    }
    let store = Store::open(&path).unwrap();
    let loaded = store.load(UserId::from_bits(1)).await.unwrap();
    let [(of, lane)] = &loaded.lanes[..] else { panic!("one lane") };
    assert_eq!(*of, conversation);
    let want = [Item { after: Some(9), ..items[1].clone() }, items[2].clone(), items[3].clone()];
    assert_eq!(lane.items().cloned().collect::<Vec<_>>(), want);
    assert_eq!(lane.attempted().cloned().collect::<Vec<_>>(), want[..2]);
    assert_eq!(loaded.failed.len(), 1);
    let other = store.profile("phone").await.unwrap();
    assert!(other.load(UserId::from_bits(1)).await.unwrap().lanes.is_empty(), "profiles do not see each other");
}

/// The tables of version 1 that version 2 changes, or that an entry needs.
const FIRST: &str = "
    CREATE TABLE profiles (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        server TEXT, user TEXT, device TEXT,
        refresh_token TEXT, access_token TEXT, access_until INTEGER,
        since TEXT
    );
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY,
        profile INTEGER NOT NULL REFERENCES profiles,
        conversation TEXT NOT NULL,
        base INTEGER NOT NULL, last INTEGER NOT NULL, floor INTEGER NOT NULL, counts TEXT,
        read_seq INTEGER NOT NULL, read_others INTEGER, told_seq INTEGER NOT NULL,
        peer_read_seq INTEGER NOT NULL, unread_hint INTEGER NOT NULL,
        UNIQUE (profile, conversation)
    );
    CREATE TABLE entries (
        conversation INTEGER NOT NULL REFERENCES conversations,
        seq INTEGER NOT NULL, rev INTEGER NOT NULL, entry TEXT NOT NULL,
        PRIMARY KEY (conversation, seq)
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        profile INTEGER NOT NULL REFERENCES profiles,
        conversation TEXT NOT NULL, client_id TEXT NOT NULL,
        body TEXT NOT NULL, after INTEGER, attempt INTEGER NOT NULL, failed TEXT,
        UNIQUE (profile, conversation, client_id)
    );
    PRAGMA user_version = 1;
    INSERT INTO profiles (id, name) VALUES (1, 'default');
";

#[tokio::test]
async fn a_store_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (me, peer) = (UserId::from_bits(1), UserId::from_bits(2));
    let (whole, jumped) = (ConversationId::direct(me, peer), ConversationId::direct(me, UserId::from_bits(3)));
    {
        let first = Connection::open(&path).unwrap();
        first.execute_batch(FIRST).unwrap();
        for (id, conversation, base) in [(1, whole, 1), (2, jumped, 5)] {
            let values = rusqlite::params![id, conversation.to_string(), base];
            let insert = "INSERT INTO conversations VALUES (?, 1, ?, ?, 9, 1, NULL, 2, NULL, 2, 0, 7)";
            first.execute(insert, values).unwrap();
            for seq in base..=9 {
                // Every third one is mine.
                let sender = if seq % 3 == 0 { me } else { peer };
                let entry = format!(r#"{{"seq":{seq},"sender":"{sender}","kind":"message"}}"#);
                let insert = "INSERT INTO entries VALUES (?, ?, 0, ?)";
                first.execute(insert, rusqlite::params![id, seq, entry]).unwrap();
            }
        }
    }
    let counted = async |store: &Store, of: ConversationId| {
        let loaded = store.load(me).await.unwrap();
        let (_, at, unread) = loaded.conversations.into_iter().find(|(conversation, ..)| *conversation == of).unwrap();
        (at, Vec::from(unread))
    };
    let store = Store::open(&path).unwrap();
    let (at, held) = counted(&store, whole).await;
    assert_eq!((at.below, held), (Below::NONE, vec![4, 5, 7, 8]));
    let (mut at, held) = counted(&store, jumped).await;
    let below = Below { at_most: 2, exact: false };
    assert_eq!((at.below, held), (below, vec![5, 7, 8]), "what lies below is the server's to count");
    assert!(!at.left);
    at.below = Below { at_most: 3, exact: true };
    at.left = true;
    store
        .write(vec![Write::Position(jumped, at.clone()), Write::Position(ConversationId::direct(me, me), at)])
        .await
        .unwrap();
    drop(store);
    let (at, _) = counted(&Store::open(&path).unwrap(), jumped).await;
    assert_eq!((at.below, at.left), (Below { at_most: 3, exact: true }, true));
}

/// What version 3 adds to, as version 2 had it.
const SECOND: &str = "
    CREATE TABLE conversations (
        id INTEGER PRIMARY KEY,
        profile INTEGER NOT NULL,
        conversation TEXT NOT NULL,
        base INTEGER NOT NULL, last INTEGER NOT NULL, floor INTEGER NOT NULL, counts TEXT,
        read_seq INTEGER NOT NULL, told_seq INTEGER NOT NULL, peer_read_seq INTEGER NOT NULL,
        unread_below INTEGER NOT NULL, below_exact INTEGER NOT NULL,
        UNIQUE (profile, conversation)
    );
    CREATE TABLE entries (conversation INTEGER, seq INTEGER, rev INTEGER, entry TEXT);
    CREATE TABLE outbox (id INTEGER PRIMARY KEY, profile INTEGER, conversation TEXT);
    CREATE TABLE profiles (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, since TEXT);
    INSERT INTO profiles (id, name) VALUES (1, 'default');
    PRAGMA user_version = 2;
";

#[tokio::test]
async fn a_store_of_the_second_version_has_left_no_group() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let me = UserId::from_bits(1);
    let notes = ConversationId::direct(me, me);
    {
        let second = Connection::open(&path).unwrap();
        second.execute_batch(SECOND).unwrap();
        let insert = "INSERT INTO conversations VALUES (1, 1, ?, 10, 9, 1, NULL, 2, 2, 0, 7, 1)";
        second.execute(insert, [notes.to_string()]).unwrap();
    }
    let loaded = Store::open(&path).unwrap().load(me).await.unwrap();
    let (of, at, _) = &loaded.conversations[0];
    assert_eq!((*of, at.last, at.below.at_most, at.left), (notes, 9, 7, false));
}

#[tokio::test]
async fn a_failing_write_takes_nothing_else_with_it() {
    let store = Store::memory().unwrap();
    let conversation = ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2));
    let twice = vec![Write::Enqueue(conversation, item(1)), Write::Enqueue(conversation, item(1))];
    let (failed, done) = tokio::join!(store.write(twice), store.write(vec![Write::Enqueue(conversation, item(2))]));
    assert!(failed.is_err());
    done.unwrap();
    let loaded = store.load(UserId::from_bits(1)).await.unwrap();
    assert_eq!(loaded.lanes[0].1.items().cloned().collect::<Vec<_>>(), [item(2)]);
}

#[tokio::test]
async fn a_user_name_that_passed_to_somebody_else_finds_them_alone() {
    let store = Store::memory().unwrap();
    let card = |bits, username: &str| User {
        id: UserId::from_bits(bits).into(),
        username: username.parse::<Username>().unwrap().into(),
        display_name: "Somebody".parse::<DisplayName>().unwrap().into(),
        bio: Text::default(),
    };
    let person = |card: &User| vec![Write::Person(card.clone())];
    // Whichever of the two ids is lower.
    for (first, heir) in [(1, 2), (4, 3)] {
        let (before, after) = (card(first, "alice"), card(heir, "alice"));
        store.write(person(&before)).await.unwrap();
        store.write(person(&after)).await.unwrap();
        assert_eq!(store.person_named("alice").await.unwrap(), Some(after));
        assert_eq!(store.person(before.id.0).await.unwrap(), None);
        store.write(person(&card(heir, "alicia"))).await.unwrap();
        assert_eq!(store.person_named("alice").await.unwrap(), None);
    }
}
