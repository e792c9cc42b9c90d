//! The domain's protocols as one machine, so that a world can hold any of them.

use tidings_domain::posting::{self, Posting};
use tidings_domain::protocol::{Protocol, Step};
use tidings_domain::time::Timestamp;
use tidings_domain::{connect, delivery, fan_out, read, send, settle, sync};

macro_rules! machines {
    ($($name:ident of $module:ident),+ $(,)?) => {
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        enum Inner { $($name($module::$name)),+ }

        /// What a machine asks for.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is named by the protocol that it belongs to")]
        pub enum Call { $($name(<$module::$name as Protocol>::Call)),+ }

        /// What a call showed.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Seen {
            $($name(<$module::$name as Protocol>::Seen),)+
            Failed,
        }

        /// What a machine ends with.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "each is named by the protocol that it belongs to")]
        pub enum Answer { $($name(<$module::$name as Protocol>::Answer)),+ }

        $(impl Begun for $module::$name {
            fn begun((machine, step): (Self, Step<Self::Call, Self::Answer>)) -> (Machine, Step<Call, Answer>) {
                (Machine { inner: Inner::$name(machine), posting: None }, lift(step, Call::$name, Answer::$name))
            }
        })+

        impl Inner {
            fn next(&mut self, seen: Seen, now: Timestamp) -> Step<Call, Answer> {
                match (self, seen) {
                    $(
                        (Self::$name(machine), Seen::$name(seen)) => {
                            lift(machine.next(seen, now), Call::$name, Answer::$name)
                        }
                        (Self::$name(machine), _) => {
                            lift(machine.next($module::$name::FAILED, now), Call::$name, Answer::$name)
                        }
                    )+
                }
            }
        }
    };
}

/// A protocol that has just begun, as a machine.
pub(crate) trait Begun: Protocol + Sized {
    /// Wraps what `start` gave.
    fn begun(started: (Self, Step<Self::Call, Self::Answer>)) -> (Machine, Step<Call, Answer>);
}

machines! {
    Send of send,
    Connect of connect,
    Sync of sync,
    Settle of settle,
    Read of read,
    Worker of fan_out,
    Posting of posting,
}

/// A protocol under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Machine {
    inner: Inner,
    /// What it posts: a delivery that posts drives a protocol of its own for that.
    posting: Option<Posting>,
}

impl Machine {
    /// Goes on with what the last call showed at `now`.
    pub(crate) fn next(&mut self, seen: Seen, now: Timestamp) -> Step<Call, Answer> {
        let step = match &mut self.posting {
            Some(posting) => {
                let seen = if let Seen::Posting(seen) = seen { seen } else { Posting::FAILED };
                posting.next(seen, now)
            }
            None => match self.inner.next(seen, now) {
                Step::Call(
                    Call::Send(send::Call::Deliver(delivery::Call::Post(routes, events)))
                    | Call::Read(read::Call::Deliver(delivery::Call::Post(routes, events))),
                ) => {
                    let (posting, step) = Posting::inline(routes, events);
                    self.posting = Some(posting);
                    step
                }
                step => return step,
            },
        };
        match step {
            Step::Call(call) => Step::Call(Call::Posting(call)),
            Step::Done(seen_to) => {
                self.posting = None;
                let seen = delivery::Seen::of_posting(&seen_to).map_or(Seen::Failed, |seen| self.delivered(seen));
                self.next(seen, now)
            }
        }
    }

    fn delivered(&self, seen: delivery::Seen) -> Seen {
        match self.inner {
            Inner::Read(_) => Seen::Read(read::Seen::Deliver(seen)),
            _ => Seen::Send(send::Seen::Deliver(seen)),
        }
    }
}

fn lift<C, A>(step: Step<C, A>, call: fn(C) -> Call, answer: fn(A) -> Answer) -> Step<Call, Answer> {
    match step {
        Step::Call(inner) => Step::Call(call(inner)),
        Step::Done(inner) => Step::Done(answer(inner)),
    }
}
