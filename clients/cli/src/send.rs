//! `send`: one message.

use std::process::ExitCode;
use std::time::Duration;

use tidings_client::{Body, Client, ConnectionState};
use tokio::time::timeout;

use crate::args::{Place, Send};
use crate::people;
use crate::problem::{Problem, SIGNED_OUT};
use crate::profile::{Profile, leave};
use crate::say;

/// Sends a message and waits for its acknowledgement.
pub(crate) async fn run(place: &Place, send: &Send) -> Result<ExitCode, Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = say_it(&client, send).await;
    leave(&client).await;
    result.map(|()| ExitCode::SUCCESS)
}

async fn say_it(client: &Client, send: &Send) -> Result<(), Problem> {
    if !send.queue {
        client.connect().await;
    }
    let conversation = people::conversation(client, &send.peer).await?;
    let message = client.send(conversation, Body::text(send.text.clone())).await?;
    if send.queue {
        say::note("in the outbox");
        return Ok(());
    }
    tokio::select! {
        ending = message.acknowledged() => {
            let place = ending?;
            say::line(format_args!("sent as message {}", place.seq));
            Ok(())
        }
        why = give_up(client, Duration::from_secs(send.wait)) => Err(Problem::Queued(why)),
    }
}

/// Returns when waiting is no use any more, with the reason.
async fn give_up(client: &Client, within: Duration) -> String {
    let mut why = String::new();
    let mut connection = client.connection();
    let watching = connection.until(|state| {
        match state {
            ConnectionState::Offline { reason, .. } => why = format!(" ({reason})"),
            ConnectionState::Connecting | ConnectionState::Syncing if why.is_empty() => {
                " (the server does not answer)".clone_into(&mut why);
            }
            ConnectionState::Online => why.clear(),
            ConnectionState::SignedOut => why = format!(" ({SIGNED_OUT})"),
            _ => {}
        }
        matches!(state, ConnectionState::SignedOut)
    });
    let _ = timeout(within, watching).await;
    why
}
