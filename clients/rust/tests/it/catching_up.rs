//! What the others write arrives completely and in order, whatever happens to pushes and connections.

use std::time::Duration;

use tidings_client::{
    Body, Client, ClientId, ConnectionState, ConversationId, Entry, Next, Options, Page, Store, Update, Updates, UserId,
};

use super::mock::{Mock, Push, quick};
use super::{eventually, until, within};

const ALICE: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);

fn chat() -> ConversationId {
    ConversationId::direct(ALICE, BOB)
}

async fn server() -> Mock {
    let mock = Mock::start().await;
    mock.world().user("alice");
    mock.world().user("bob1");
    mock
}

/// Bob says so many things, on a device that is none of ours.
fn bob_says(mock: &Mock, many: u64) {
    for _ in 0..many {
        let id = ClientId::from_bits(u128::from(mock.log(chat()).len() as u64) + 1_000);
        mock.world().append(chat(), BOB, "elsewhere", id, Body::text("hello"), None);
    }
}

/// Reads entries from updates until `last` has come, and checks that each is the next.
async fn entries_until(updates: &mut Updates, mut seen: u64, last: u64) -> Vec<Entry> {
    let mut entries = Vec::new();
    while seen < last {
        let entry = until(updates, |update| match update {
            Update::Entry { entry, .. } => Some(entry.clone()),
            _ => None,
        })
        .await;
        seen += 1;
        assert_eq!(entry.seq, seen);
        entries.push(entry);
    }
    entries
}

#[tokio::test]
async fn lost_doubled_and_late_pushes_change_nothing() {
    let mock = server().await;
    mock.world().pushes = Box::new(|seq| match seq % 7 {
        1 | 2 => Push::Lost,
        3 => Push::Twice,
        4 => Push::Late(Duration::from_millis(15)),
        5 => Push::Late(Duration::from_millis(90)),
        _ => Push::Fine,
    });
    let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let mut updates = client.updates();
    until(&mut updates, |update| matches!(update, Update::Connection(ConnectionState::Online)).then_some(())).await;
    for _ in 0..30 {
        bob_says(&mock, 2);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The last one arrives, so that there is a gap to see.
    mock.world().pushes = Box::new(|_| Push::Fine);
    bob_says(&mock, 1);
    assert_eq!(entries_until(&mut updates, 0, 61).await, mock.log(chat()));
    assert_eq!(client.conversation(chat()).await.unwrap().unwrap().unread, 61);
}

#[tokio::test]
async fn what_was_missed_offline_comes_with_the_next_connection() {
    let mock = server().await;
    let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let mut updates = client.updates();
    bob_says(&mock, 3);
    entries_until(&mut updates, 0, 3).await;
    client.disconnect().await;
    bob_says(&mock, 40);
    client.connect().await;
    assert_eq!(entries_until(&mut updates, 3, 43).await, mock.log(chat())[3..]);
    // Connections that just end.
    for round in 0..5 {
        mock.cut_all();
        bob_says(&mock, 15);
        entries_until(&mut updates, 43 + 15 * round, 43 + 15 * (round + 1)).await;
    }
}

#[tokio::test]
async fn offline_and_restarted_everything_can_be_read_and_unread_is_exact() {
    let mock = server().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db");
    let client = mock.device("alice", Store::open(&path).unwrap(), quick(1)).await;
    let mut updates = client.updates();
    bob_says(&mock, 5);
    entries_until(&mut updates, 0, 5).await;
    client.disconnect().await;
    client.read(chat(), 3).await.unwrap();
    client.close().await;
    let client = Client::open(Store::open(&path).unwrap(), quick(2)).await.unwrap();
    let view = client.conversation(chat()).await.unwrap().unwrap();
    assert_eq!((view.last, view.read_seq, view.unread), (5, 3, 2));
    let page = client.messages(chat(), Page::Newest, 3).await.unwrap();
    assert_eq!((page.entries, page.more), (mock.log(chat())[2..].to_vec(), true));
    assert!(mock.world().reads.is_empty());
    client.connect().await;
    within(client.idle()).await.unwrap();
    eventually("the server knows", async || mock.world().reads.get(&(ALICE, chat())) == Some(&3)).await;
}

#[tokio::test]
async fn what_is_pushed_during_the_sync_is_held_back_and_not_lost() {
    let mock = server().await;
    bob_says(&mock, 30);
    // The page is on its way while the push comes, and does not have what was pushed.
    mock.world().pull_delay = Duration::from_millis(150);
    let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let mut updates = client.updates();
    eventually("a pull is under way", async || mock.world().pulls > 0).await;
    bob_says(&mock, 1);
    entries_until(&mut updates, 0, 31).await;
    assert_eq!(mock.world().pulls, 1, "the push was enough");
}

#[tokio::test]
async fn my_other_device_sees_what_i_read_and_wrote() {
    let mock = server().await;
    let phone = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let laptop = mock.device("alice", Store::memory().unwrap(), quick(2)).await;
    bob_says(&mock, 4);
    let mut updates = laptop.updates();
    eventually("both have it", async || {
        let last = async |client: &Client| client.conversation(chat()).await.unwrap().map_or(0, |view| view.last);
        last(&phone).await == 4 && last(&laptop).await == 4
    })
    .await;
    phone.read(chat(), 3).await.unwrap();
    let unread = until(&mut updates, |update| match update {
        Update::Unread { read_seq: 3, unread, .. } => Some(*unread),
        _ => None,
    })
    .await;
    assert_eq!(unread, 1);
    phone.send(chat(), Body::text("from my phone")).await.unwrap().acknowledged().await.unwrap();
    until(&mut updates, |update| matches!(update, Update::Entry { entry, .. } if entry.seq == 5).then_some(())).await;
}

#[tokio::test]
async fn a_new_device_begins_with_the_newest_page_and_reads_back_on_demand() {
    let mock = server().await;
    bob_says(&mock, 250);
    mock.world().reads.insert((ALICE, chat()), 245);
    for sync_entries in [10, 0] {
        mock.world().sync_entries = sync_entries;
        let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
        eventually("it is caught up", async || {
            client.conversation(chat()).await.unwrap().is_some_and(|view| view.last == 250)
        })
        .await;
        let view = client.conversation(chat()).await.unwrap().unwrap();
        assert!(view.base > 100, "not everything");
        assert_eq!(view.unread, 5);
        let mut before = view.base;
        while before > 1 {
            let page = client.messages(chat(), Page::Before(before), 100).await.unwrap();
            let from = page.entries[0].seq;
            assert_eq!(
                page.entries,
                mock.log(chat())[usize::try_from(from).unwrap() - 1..usize::try_from(before).unwrap() - 1]
            );
            assert_eq!(page.more, from > 1);
            before = from;
        }
        eventually("older pages are kept", async || client.conversation(chat()).await.unwrap().unwrap().base == 1)
            .await;
    }
}

#[tokio::test]
async fn what_is_read_elsewhere_below_what_is_held_is_counted_by_the_server() {
    let mock = server().await;
    bob_says(&mock, 250);
    mock.world().reads.insert((ALICE, chat()), 3);
    mock.world().sync_entries = 10;
    let laptop = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let mut updates = laptop.updates();
    let told = async |updates: &mut Updates, read: u64| {
        until(updates, |update| match update {
            Update::Unread { read_seq, unread, .. } if *read_seq == read => Some(*unread),
            _ => None,
        })
        .await
    };
    assert_eq!(told(&mut updates, 3).await, 247);
    let phone = mock.device("alice", Store::memory().unwrap(), Options { first_page: 1_000, ..quick(2) }).await;
    eventually("the phone has all", async || {
        phone.conversation(chat()).await.unwrap().is_some_and(|view| view.last == 250)
    })
    .await;
    phone.read(chat(), 10).await.unwrap();
    assert_eq!(told(&mut updates, 10).await, 240);
}

#[tokio::test]
async fn below_the_floor_a_client_jumps() {
    let mock = server().await;
    let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let mut updates = client.updates();
    bob_says(&mock, 2);
    entries_until(&mut updates, 0, 2).await;
    client.disconnect().await;
    bob_says(&mock, 30);
    mock.world().floor = 20;
    client.connect().await;
    let to = until(&mut updates, |update| match update {
        Update::Jumped { to, .. } => Some(*to),
        _ => None,
    })
    .await;
    assert_eq!(to, 20);
    entries_until(&mut updates, 19, 32).await;
}

#[tokio::test]
async fn a_pull_hint_syncs() {
    let mock = server().await;
    let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    let mut updates = client.updates();
    until(&mut updates, |update| matches!(update, Update::Connection(ConnectionState::Online)).then_some(())).await;
    mock.world().pushes = Box::new(|_| Push::Lost);
    bob_says(&mock, 5);
    let hint = serde_json::json!({ "type": "pull", "within_ms": 20 });
    for socket in mock.world().sockets.values() {
        socket.send(serde_json::json!({ "events": [hint, hint, hint] })).unwrap();
    }
    entries_until(&mut updates, 0, 5).await;
    assert_eq!(syncs(&mock), 2, "one for the connection, and one for all the hints");
}

fn syncs(mock: &Mock) -> usize {
    mock.world().frames.iter().filter(|(_, frame)| frame["action"] == "sync").count()
}

#[tokio::test]
async fn the_last_push_may_be_lost() {
    let mock = server().await;
    let mut options: Options = quick(1);
    options.timing.recheck_every = (Duration::from_millis(100), Duration::from_millis(150));
    let client = mock.device("alice", Store::memory().unwrap(), options).await;
    let mut updates = client.updates();
    until(&mut updates, |update| matches!(update, Update::Connection(ConnectionState::Online)).then_some(())).await;
    mock.world().pushes = Box::new(|_| Push::Lost);
    for round in 0..3 {
        bob_says(&mock, 1);
        entries_until(&mut updates, round, round + 1).await;
    }
    assert!(syncs(&mock) >= 4);
}

#[tokio::test]
async fn connections_are_renewed_and_pinged() {
    let mock = server().await;
    let ms = Duration::from_millis;
    let mut options: Options = quick(1);
    options.timing.ping_every = (ms(5), ms(10));
    options.timing.renew_after = (ms(100), ms(150));
    let client = mock.device("alice", Store::memory().unwrap(), options).await;
    let mut updates = client.updates();
    let mut offline = 0;
    let mut online = 0;
    within(async {
        while online < 4 {
            if let Some(Next::Update(update)) = updates.next().await {
                match &*update {
                    Update::Connection(ConnectionState::Online) => online += 1,
                    Update::Connection(ConnectionState::Offline { .. }) => offline += 1,
                    _ => {}
                }
            }
        }
    })
    .await;
    assert_eq!(offline, 0, "a planned change is no loss");
    assert!(mock.world().frames.iter().filter(|(_, frame)| frame["action"] == "ping").count() > 10);
}
