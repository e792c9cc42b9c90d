//! Faults of open sockets and of posts to them.

use super::Faults;

/// What happens to a frame that a function would answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameFault {
    /// The connection breaks; the function isn't called.
    CutBefore,
    /// The function is called; then the connection breaks, and the reply is lost.
    CutAfter,
    /// The gateway's error frame instead of calling the function.
    ErrorInstead,
    /// The gateway's error frame instead of the function's reply.
    ErrorAfter,
}

/// What happens to a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PostFault {
    /// Refused with 429.
    TooMany,
    /// Refused with 410.
    Gone,
    /// Refused with 413.
    TooLarge,
    /// Taken; then the connection breaks, and it never arrives.
    Cut,
}

impl Faults {
    /// What happens to a frame, counted.
    pub(crate) fn of_frame(&self) -> Option<FrameFault> {
        let sockets = self.plan()?.sockets;
        let before = self.choose([
            (sockets.cut, (FrameFault::CutBefore, FrameFault::CutAfter)),
            (sockets.error_frame, (FrameFault::ErrorInstead, FrameFault::ErrorAfter)),
        ]);
        let (instead, after) = before?;
        let fault = if self.toss() { instead } else { after };
        self.count(match fault {
            FrameFault::CutBefore | FrameFault::CutAfter => "sockets.cut",
            FrameFault::ErrorInstead | FrameFault::ErrorAfter => "sockets.error_frame",
        });
        Some(fault)
    }

    /// What happens to a post, counted.
    pub(crate) fn of_post(&self) -> Option<PostFault> {
        let plan = self.plan()?;
        let posts = plan.posts;
        let refusals = [
            (posts.too_many, PostFault::TooMany),
            (posts.gone, PostFault::Gone),
            (posts.too_large, PostFault::TooLarge),
        ];
        let fault = self.choose(refusals).or_else(|| self.choose([(plan.sockets.cut, PostFault::Cut)]))?;
        self.count(match fault {
            PostFault::TooMany => "posts.too_many",
            PostFault::Gone => "posts.gone",
            PostFault::TooLarge => "posts.too_large",
            PostFault::Cut => "sockets.cut",
        });
        Some(fault)
    }
}
