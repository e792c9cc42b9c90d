//! Wire to request, answer to wire.

use std::sync::Arc;

use tidings_application::clock::Clock;
use tidings_application::ports::{AudienceRead, SightingRead, WatchRead, WatchWrite};
use tidings_application::presence::{QueryPresence, WatchPresence};
use tidings_domain::ids::UserId;
use tidings_domain::presence::{Presence, Watcher};
use tidings_protocol::Text;
use tidings_protocol::actions::{PersonPresence, PresenceQuery, PresenceQueryReply, PresenceWatch, PresenceWatchReply};
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::limits::{PRESENCE_USERS_MAX, WATCH_MAX_S, WATCH_S};
use tidings_runtime::identity::of_port;
use tidings_runtime::websocket::Caller;
use tidings_wire::entry::presence_out;

fn bad(message: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::BadRequest, message)
}

/// The people of a request, who are not too many.
fn people(users: Vec<Text<UserId>>) -> Result<Vec<UserId>, ErrorBody> {
    if users.len() > PRESENCE_USERS_MAX {
        return Err(bad(format!("at most {PRESENCE_USERS_MAX} users")));
    }
    Ok(users.into_iter().map(|user| user.0).collect())
}

fn out(people: &[UserId], presence: Vec<Presence>) -> Vec<PersonPresence> {
    let each = people.iter().zip(presence).map(|(user, presence)| {
        let (online, last_seen) = presence_out(presence);
        PersonPresence { user: (*user).into(), online, last_seen }
    });
    each.collect()
}

/// `presence.query`.
pub(crate) async fn query<R: SightingRead, A: AudienceRead, C: Clock>(
    query: Arc<QueryPresence<R, A, C>>,
    caller: Caller,
    request: PresenceQuery,
) -> Result<PresenceQueryReply, ErrorBody> {
    let people = people(request.users)?;
    let presence = query.run(caller.user, &people).await.map_err(|error| of_port(&error))?;
    Ok(PresenceQueryReply { presence: out(&people, presence) })
}

/// `presence.watch`.
pub(crate) async fn watch<W, R, A, C>(
    watch: Arc<WatchPresence<W, R, A, C>>,
    caller: Caller,
    request: PresenceWatch,
) -> Result<PresenceWatchReply, ErrorBody>
where
    W: WatchRead + WatchWrite,
    R: SightingRead,
    A: AudienceRead,
    C: Clock,
{
    let people = people(request.users)?;
    let seconds = request.seconds.unwrap_or(WATCH_S);
    if !(1..=WATCH_MAX_S).contains(&seconds) {
        return Err(bad(format!("`seconds` is 1 to {WATCH_MAX_S}")));
    }
    let until = watch.query.clock.now().plus_millis(seconds * 1_000);
    let watcher = Watcher { user: caller.user, device: caller.device, connection: caller.connection, until };
    let presence = watch.run(&watcher, &people).await.map_err(|error| of_port(&error))?;
    Ok(PresenceWatchReply { until: until.as_millis(), presence: out(&people, presence) })
}

#[cfg(test)]
mod tests {
    use tidings_domain::identity::Platform;
    use tidings_domain::ids::ConnectionId;
    use tidings_testkit::clock::TestClock;
    use tidings_testkit::messages::FakeRoutes;
    use tidings_testkit::presence::{FakeAudience, FakeWatches};

    use super::*;

    async fn ask(count: usize, seconds: Option<u64>) -> Result<u64, ErrorCode> {
        let clock = TestClock::new(0);
        let begun = clock.now();
        let query = QueryPresence { routes: FakeRoutes::default(), audience: FakeAudience::default(), clock };
        let caller = Caller {
            user: UserId::from_bits(1),
            device: "d".parse().unwrap(),
            platform: Platform::Web,
            ticket_at: begun,
            connected_at: begun,
            connection: ConnectionId::new("c"),
            asked_at: begun,
        };
        let users = (0..count as u128).map(|bits| UserId::from_bits(bits).into()).collect();
        let watching = Arc::new(WatchPresence { watches: FakeWatches::default(), query });
        let reply = watch(watching, caller, PresenceWatch { users, seconds }).await;
        reply.map(|reply| (reply.until - begun.as_millis()) / 1_000).map_err(|error| error.code)
    }

    #[tokio::test]
    async fn so_many_for_so_long_and_no_more() {
        for (count, seconds, want) in [
            (PRESENCE_USERS_MAX, None, Ok(WATCH_S)),
            (0, Some(WATCH_MAX_S), Ok(WATCH_MAX_S)),
            (PRESENCE_USERS_MAX + 1, None, Err(ErrorCode::BadRequest)),
            (1, Some(0), Err(ErrorCode::BadRequest)),
            (1, Some(WATCH_MAX_S + 1), Err(ErrorCode::BadRequest)),
        ] {
            assert_eq!(ask(count, seconds).await, want, "{count} {seconds:?}");
        }
    }
}
