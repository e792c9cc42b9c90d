//! Drives a protocol of the domain against the ports.

use std::future::Future;

use tidings_domain::protocol::{Protocol, Step};

use crate::clock::Clock;
use crate::error::PortError;

/// Makes the protocol's calls until it has its answer. A port's error is all that the protocol hears of a call that
/// failed: it decides whether to make it again.
pub(crate) async fn drive<P, M, F>(
    (mut protocol, mut step): (P, Step<P::Call, P::Answer>),
    clock: &impl Clock,
    make: M,
) -> P::Answer
where
    P: Protocol,
    M: Fn(P::Call) -> F,
    F: Future<Output = Result<P::Seen, PortError>>,
{
    loop {
        match step {
            Step::Done(answer) => return answer,
            Step::Call(call) => {
                let seen = make(call).await.unwrap_or(P::FAILED);
                step = protocol.next(seen, clock.now());
            }
        }
    }
}
