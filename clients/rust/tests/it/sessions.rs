//! Tokens: renewed in time, once at a time, stored before use.

use tidings_client::{Client, ConnectionState, KickReason, OpenError, Store, Update};

use super::mock::{Mock, quick};
use super::{eventually, online, until, within};

#[tokio::test]
async fn a_rotated_refresh_token_is_stored_before_it_is_used() {
    let mock = Mock::start().await;
    // Shorter than the margin: every request needs a new one.
    mock.world().token_life = 1;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alice.db");
    mock.signed_in("alice", Store::open(&path).unwrap(), quick(1)).await.close().await;
    for _ in 0..3 {
        let client = Client::open(Store::open(&path).unwrap(), quick(2)).await.unwrap();
        online(&client).await;
        client.close().await;
    }
    assert!(mock.world().refreshes >= 3);
}

#[tokio::test]
async fn concurrent_requests_refresh_once() {
    let mock = Mock::start().await;
    let client = mock.signed_in("alice", Store::memory().unwrap(), quick(1)).await;
    mock.world().access_tokens.clear();
    let chat = client.direct(client.me().id.0);
    let query = tidings_client::EntriesQuery::default();
    let (one, two, three) =
        tokio::join!(client.entries(chat, query), client.entries(chat, query), client.entries(chat, query));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(mock.world().refreshes, 1);
}

/// The server knows the old token for a minute only, so nobody may leave a renewal without an answer.
#[tokio::test]
async fn a_renewal_without_an_answer_is_repeated_even_when_its_caller_has_gone() {
    let mock = Mock::start().await;
    let client = mock.signed_in("alice", Store::memory().unwrap(), quick(1)).await;
    mock.world().access_tokens.clear();
    mock.world().lost_refreshes = 3;
    let chat = client.direct(client.me().id.0);
    let query = tidings_client::EntriesQuery::default();
    let asking = {
        let client = client.clone();
        tokio::spawn(async move { client.entries(chat, query).await })
    };
    eventually("the first renewal is lost", async || mock.world().refreshes > 0).await;
    asking.abort();
    eventually("it is repeated", async || mock.world().refreshes == 4).await;
    client.entries(chat, query).await.unwrap();
    assert_eq!(mock.world().refreshes, 4);
}

#[tokio::test]
async fn an_ended_session_is_told_and_stays_ended() {
    let mock = Mock::start().await;
    let store = Store::memory().unwrap();
    let client = mock.signed_in("alice", store.clone(), quick(1)).await;
    mock.world().access_tokens.clear();
    mock.world().refresh_tokens.clear();
    let mut updates = client.updates();
    client.connect().await;
    until(&mut updates, |update| matches!(update, Update::Connection(ConnectionState::SignedOut)).then_some(())).await;
    client.close().await;
    assert!(matches!(Client::open(store.clone(), quick(2)).await, Err(OpenError::NotSignedIn)));
    // Signing in again keeps the device.
    let device = client.device().clone();
    let client = mock.signed_in("alice", store, quick(3)).await;
    assert_eq!(*client.device(), device);
}

/// It tries nothing any more: neither a ticket nor a renewal.
#[tokio::test]
async fn a_kicked_device_is_told_why_and_stays_offline() {
    let mock = Mock::start().await;
    for (wire, reason) in [
        ("signed_out", KickReason::SignedOut),
        ("login_policy", KickReason::LoginPolicy),
        ("password_changed", KickReason::PasswordChanged),
        ("account_deleted", KickReason::AccountDeleted),
        ("of a later version", KickReason::Unknown),
    ] {
        let store = Store::memory().unwrap();
        let client = mock.signed_in("alice", store.clone(), quick(1)).await;
        online(&client).await;
        let mut updates = client.updates();
        let asked = || {
            let world = mock.world();
            (world.tickets, world.refreshes)
        };
        let before = asked();
        mock.kick(client.me().id.0, client.device().as_str(), wire);
        let told = until(&mut updates, |update| match update {
            Update::Kicked { reason } => Some(*reason),
            Update::Connection(ConnectionState::Offline { .. }) => panic!("it is not offline, it is signed out"),
            _ => None,
        });
        assert_eq!(told.await, reason);
        let signed_out = |update: &Update| matches!(update, Update::Connection(ConnectionState::SignedOut));
        until(&mut updates, |update| signed_out(update).then_some(())).await;
        client.connect().await;
        until(&mut updates, |update| signed_out(update).then_some(())).await;
        assert_eq!(asked(), before);
        client.close().await;
        assert!(matches!(Client::open(store, quick(2)).await, Err(OpenError::NotSignedIn)));
    }
}

#[tokio::test]
async fn signing_out_oneself_ends_with_the_connection() {
    let mock = Mock::start().await;
    let client = mock.signed_in("alice", Store::memory().unwrap(), quick(1)).await;
    online(&client).await;
    within(client.sign_out(client.device().clone())).await.unwrap();
    assert_eq!(client.connection().state(), ConnectionState::SignedOut);
}

/// The first attempt ends the session: neither the kick nor that there is more to do keeps it from its end.
#[tokio::test]
async fn an_account_is_deleted_to_the_end() {
    let mock = Mock::start().await;
    mock.world().closing_takes = 4;
    let client = mock.signed_in("alice", Store::memory().unwrap(), quick(1)).await;
    online(&client).await;
    within(client.delete_account("correct horse".parse().unwrap())).await.unwrap();
    assert_eq!(mock.world().closing_takes, 0);
}

#[tokio::test]
async fn that_somebody_writes_is_said_once_in_a_while() {
    let mock = Mock::start().await;
    let client = mock.signed_in("alice", Store::memory().unwrap(), quick(1)).await;
    let (notes, other) = (client.direct(client.me().id.0), client.direct(tidings_client::UserId::from_bits(99)));
    client.typing(notes, true).await;
    online(&client).await;
    for typing in [false, true, true, true, false, false, true] {
        client.typing(notes, typing).await;
    }
    client.typing(other, true).await;
    let said = || {
        let frames = mock.world().frames.clone();
        let typing = frames.into_iter().filter(|(_, frame)| frame["action"] == "typing");
        let mut said: Vec<_> =
            typing.map(|(_, frame)| (frame["conversation"].clone(), frame["typing"].clone())).collect();
        said.sort_by_key(|said| format!("{said:?}"));
        said
    };
    let want = [(notes, serde_json::json!(false)), (notes, serde_json::Value::Null), (other, serde_json::Value::Null)];
    let mut want = want.map(|(of, typing)| (serde_json::json!(of.to_string()), typing));
    want.sort_by_key(|said| format!("{said:?}"));
    eventually("it is said", async || said().len() == want.len()).await;
    client.wake().await;
    assert_eq!(said(), want);
}

#[tokio::test]
async fn a_profile_belongs_to_one_person() {
    let mock = Mock::start().await;
    let store = Store::memory().unwrap();
    mock.signed_in("alice", store.clone(), quick(1)).await.close().await;
    let login = tidings_client::SignIn {
        server: format!("http://{}/", mock.address),
        username: "mallory".parse().unwrap(),
        password: "correct horse".parse().unwrap(),
        device_name: "Test".parse().unwrap(),
        platform: "desktop".parse().unwrap(),
    };
    assert!(matches!(Client::sign_in(store, quick(2), login).await, Err(OpenError::OtherUser(_))));
}

#[tokio::test]
async fn calls_are_sent_again_over_the_next_connection() {
    let mock = Mock::start().await;
    mock.world().user("bob1");
    let client = mock.device("alice", Store::memory().unwrap(), quick(1)).await;
    for _ in 0..5 {
        let (card, ()) = tokio::join!(
            within(client.call(tidings_client::actions::UserGet {
                user: None,
                username: Some("bob1".parse::<tidings_domain::identity::Username>().unwrap().into()),
            })),
            async { mock.cut_all() }
        );
        assert_eq!(card.unwrap().user.username.as_str(), "bob1");
    }
    assert_eq!(client.user_named("bob1".parse().unwrap()).await.unwrap().username.as_str(), "bob1");
    client.disconnect().await;
    eventually("it is known offline too", async || client.user_named("bob1".parse().unwrap()).await.is_ok()).await;
}

#[tokio::test]
async fn an_unreachable_server_is_named() {
    let mock = Mock::start().await;
    let login = tidings_client::SignIn {
        server: "http://127.0.0.1:9".into(),
        username: "alice".parse().unwrap(),
        password: "correct horse".parse().unwrap(),
        device_name: "Test".parse().unwrap(),
        platform: "desktop".parse().unwrap(),
    };
    let error = Client::sign_in(Store::memory().unwrap(), quick(1), login).await.unwrap_err().to_string();
    assert!(error.contains("http://127.0.0.1:9 cannot be reached"), "{error}");
    drop(mock);
}
