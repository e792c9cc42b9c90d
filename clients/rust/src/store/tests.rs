//! What is written reads back, also by another process.

use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_protocol::body::Body;
use tidings_protocol::error::{ErrorBody, ErrorCode};

use super::*;
use crate::outbox::Item;

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
    let loaded = store.load().await.unwrap();
    let [(of, lane)] = &loaded.lanes[..] else { panic!("one lane") };
    assert_eq!(*of, conversation);
    let want = [Item { after: Some(9), ..items[1].clone() }, items[2].clone(), items[3].clone()];
    assert_eq!(lane.items().cloned().collect::<Vec<_>>(), want);
    assert_eq!(lane.attempted().cloned().collect::<Vec<_>>(), want[..2]);
    assert_eq!(loaded.failed.len(), 1);
    let other = store.profile("phone").await.unwrap();
    assert!(other.load().await.unwrap().lanes.is_empty(), "profiles do not see each other");
}

#[tokio::test]
async fn a_store_of_the_first_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (me, peer) = (UserId::from_bits(1), UserId::from_bits(2));
    let (whole, jumped) = (ConversationId::direct(me, peer), ConversationId::direct(me, me));
    drop(Store::open(&path).unwrap());
    let first = rusqlite::Connection::open(&path).unwrap();
    first
        .execute_batch(
            "ALTER TABLE conversations ADD COLUMN read_others INTEGER;
             ALTER TABLE conversations ADD COLUMN unread_hint INTEGER NOT NULL DEFAULT 7;
             ALTER TABLE conversations DROP COLUMN unread_below;
             PRAGMA user_version = 1;",
        )
        .unwrap();
    for (conversation, base) in [(whole, 1), (jumped, 5)] {
        first
            .execute(
                "INSERT INTO conversations (profile, conversation, base, last, floor, read_seq, told_seq, peer_read_seq)
                 VALUES (1, ?, ?, 9, 1, 2, 2, 0)",
                rusqlite::params![conversation.to_string(), base],
            )
            .unwrap();
    }
    drop(first);
    let loaded = Store::open(&path).unwrap().load().await.unwrap();
    let below: std::collections::HashMap<_, _> =
        loaded.conversations.iter().map(|(of, at, _)| (*of, at.unread_below)).collect();
    assert_eq!((below[&whole], below[&jumped]), (Some(0), None));
    Store::open(&path).unwrap();
}

#[tokio::test]
async fn a_failing_write_takes_nothing_else_with_it() {
    let store = Store::memory().unwrap();
    let conversation = ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2));
    let twice = vec![Write::Enqueue(conversation, item(1)), Write::Enqueue(conversation, item(1))];
    let (failed, done) = tokio::join!(store.write(twice), store.write(vec![Write::Enqueue(conversation, item(2))]));
    assert!(failed.is_err());
    done.unwrap();
    let loaded = store.load().await.unwrap();
    assert_eq!(loaded.lanes[0].1.items().cloned().collect::<Vec<_>>(), [item(2)]);
}
