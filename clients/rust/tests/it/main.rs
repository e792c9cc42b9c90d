//! The client against a scripted server.
#![expect(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test says no by panicking")]

mod catching_up;
mod groups;
mod mock;
mod sending;
mod sessions;

use std::future::Future;
use std::time::Duration;

use tidings_client::{Client, ConnectionState, Next, Update, Updates};

/// Waits for an update that `wanted` takes.
async fn until<T>(updates: &mut Updates, mut wanted: impl FnMut(&Update) -> Option<T>) -> T {
    within(async {
        loop {
            match updates.next().await.expect("the client ended") {
                Next::Update(update) => {
                    if let Some(found) = wanted(&update) {
                        return found;
                    }
                }
                Next::Missed(many) => panic!("missed {many} updates"),
            }
        }
    })
    .await
}

/// Fails instead of hanging.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("it takes too long")
}

/// Waits until this client is online.
async fn online(client: &Client) {
    let mut updates = client.updates();
    client.connect().await;
    client.wake().await;
    until(&mut updates, |update| matches!(update, Update::Connection(ConnectionState::Online)).then_some(())).await;
}

/// Waits until `done`.
async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..1_000 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never happened: {what}");
}
