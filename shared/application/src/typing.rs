//! `typing`: tells the others that somebody writes.

use futures_util::future::try_join_all;
use tidings_domain::delivery::{Event, reachable};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::membership;

use crate::clock::Clock;
use crate::error::PortError;
use crate::fleeting::tell;
use crate::ports::{Gateway, RouteRead};

/// Tells that somebody writes.
#[derive(Debug)]
pub struct TellTyping<R, G, C> {
    /// Who is reached where.
    pub routes: R,
    /// The sockets.
    pub gateway: G,
    /// The time.
    pub clock: C,
}

/// Why nobody is told.
#[derive(Debug, thiserror::Error)]
pub enum TypingError {
    /// Not a member, whether or not it exists.
    #[error("not a member of this conversation")]
    NotAMember,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<R: RouteRead, G: Gateway, C: Clock> TellTyping<R, G, C> {
    /// Tells the other people of the conversation, on all their devices.
    pub async fn run(&self, user: UserId, conversation: ConversationId, typing: bool) -> Result<(), TypingError> {
        membership::spans(conversation, user, None).ok_or(TypingError::NotAMember)?;
        let others = membership::people(conversation).into_iter().filter(|member| *member != user);
        let routes = try_join_all(others.map(|member| self.routes.of(member))).await?.concat();
        let event = Event::Typing { conversation, user, typing };
        let routes = reachable(routes, None, self.clock.now()).into_iter();
        tell(&self.gateway, routes.map(|route| (route.connection, event.clone())).collect()).await;
        Ok(())
    }
}
