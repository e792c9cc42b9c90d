//! What is fleeting is posted once to each connection, and neither stored nor tried again: it is out of date before a
//! second try. A route whose connection is gone is left to the next message.

use futures_util::stream::{self, StreamExt};
use tidings_domain::delivery::Event;
use tidings_domain::ids::ConnectionId;

use crate::ports::Gateway;

/// Posts in flight at once. The watchers of one person are told in two rounds, within the 2 s that a post takes each.
const POSTS_IN_FLIGHT: usize = 50;

/// Tells each connection.
pub(crate) async fn tell<G: Gateway>(gateway: &G, told: Vec<(ConnectionId, Event)>) {
    let post = async |(connection, event): (ConnectionId, Event)| {
        gateway.post(&connection, &[event]).await;
    };
    stream::iter(told).for_each_concurrent(POSTS_IN_FLIGHT, post).await;
}
