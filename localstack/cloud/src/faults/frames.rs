//! Faults of open sockets and of posts to them.

use super::Faults;

/// What happens to a frame that a function would answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FrameFault {
    /// The connection breaks.
    Cut,
    /// The gateway answers with an error frame of its own.
    ErrorFrame,
}

/// When it happens to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// Instead of calling the function.
    Arrival,
    /// Instead of the function's reply, which is lost.
    Reply,
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
    /// What happens to a frame, and when. It is counted when it comes to that: [`Faults::count_frame`].
    pub(crate) fn of_frame(&self) -> Option<(At, FrameFault)> {
        let sockets = self.plan()?.sockets;
        let fault = self.choose([(sockets.cut, FrameFault::Cut), (sockets.error_frame, FrameFault::ErrorFrame)])?;
        Some((if self.toss() { At::Arrival } else { At::Reply }, fault))
    }

    /// That has just happened to a frame.
    pub(crate) fn count_frame(&self, fault: FrameFault) {
        self.count(match fault {
            FrameFault::Cut => "sockets.cut",
            FrameFault::ErrorFrame => "sockets.error_frame",
        });
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
