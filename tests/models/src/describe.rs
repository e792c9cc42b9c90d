//! Counter-examples as one reads them: one line a step.

use stateright::Path;
use tidings_domain::route::Route;
use tidings_domain::{connect, delivery, fan_out, posting, read, send, settle, sync};

use crate::machine::Call;
use crate::moves::Action;
use crate::scenario::Scenario;
use crate::state::{Phase, State, Write};

impl Scenario {
    /// The way to a state, a line a step.
    pub(crate) fn story(&self, path: Path<State, Action>) -> String {
        let steps = path.into_vec();
        let lines = steps.windows(2).filter_map(|pair| {
            let [(before, Some(action)), (after, _)] = pair else { return None };
            Some(self.line(before, *action, after))
        });
        lines.zip(1..).map(|(line, number)| format!("{number:>4}. {line}")).collect::<Vec<_>>().join("\n")
    }

    fn line(&self, before: &State, action: Action, after: &State) -> String {
        let call = |job: usize| match &before.runs[job].phase {
            Phase::Waiting(_, call) => describe(call),
            _ => "happens".to_owned(),
        };
        let (job, what) = match action {
            Action::Reply(job) => (job, call(job)),
            Action::LoseReply(job) => (job, format!("{} (done, but the reply is lost)", call(job))),
            Action::Fail(job) => (job, format!("{} (hears that it failed)", call(job))),
            Action::TimeOut(job) => (job, format!("{} (hears nothing until its deadline)", call(job))),
            Action::ReplyTooLate(job) => (job, format!("{} (done, but its deadline is over)", call(job))),
            Action::Die(job) => (job, format!("{} (and dies)", call(job))),
            Action::TakeEffect(job, write) => {
                let write = match &before.runs[job].late[write] {
                    Write::Call(call) => describe(call),
                    Write::Release(route) => format!("releases {}", route.connection),
                };
                (job, format!("[late] {write}"))
            }
            Action::ComeUp(job) => (job, "the socket is up".to_owned()),
            Action::Refuse(job, part, post) => (job, format!("{} (number {part} is {post:?})", call(job))),
            Action::Receive(job, first, None) => (job, format!("receives record {first}")),
            Action::Receive(job, first, Some(second)) => (job, format!("receives records {first} and {second}")),
        };
        let was_done = matches!(before.runs[job].phase, Phase::Done(_));
        let answer = match &after.runs[job].phase {
            Phase::Done(answer) if !was_done => format!(" => {answer:?}"),
            _ => String::new(),
        };
        format!("{}: {what}{answer}", self.jobs[job].name)
    }
}

fn describe(call: &Call) -> String {
    match call {
        Call::Send(send::Call::Put(entry)) => format!("puts {} at {}", entry.client_id, entry.seq),
        Call::Send(send::Call::Deliver(call)) | Call::Read(read::Call::Deliver(call)) => match call {
            delivery::Call::ReadRoutes(_) => "reads the routes".to_owned(),
            delivery::Call::Post(..) => "posts".to_owned(),
            delivery::Call::Queue(_) => "queues the delivery".to_owned(),
        },
        Call::Send(call) => format!("{call:?}"),
        Call::Connect(connect::Call::Claim(route)) => format!("claims the route for {}", route.connection),
        Call::Connect(call) => format!("{call:?}"),
        Call::Sync(sync::Call::Restore(route)) => format!("writes the route of {} again", route.connection),
        Call::Sync(call) => format!("{call:?}"),
        Call::Settle(settle::Call::Settle { version, head }) => format!("settles version {version} with {}", head.seq),
        Call::Settle(call) => format!("{call:?}"),
        Call::Read(call) => format!("{call:?}"),
        Call::Worker(fan_out::Call::ReadMembers(_)) => "reads the members".to_owned(),
        Call::Worker(fan_out::Call::ReadRoutes(_)) => "reads the routes".to_owned(),
        Call::Posting(call) | Call::Worker(fan_out::Call::Posting(call)) => match call {
            posting::Call::Post(parcels) => {
                format!("posts to {}", connections(parcels.iter().map(|parcel| &parcel.route)))
            }
            posting::Call::Queue(jobs) => {
                format!("queues again for {}", connections(jobs.iter().flat_map(|job| &job.routes)))
            }
            posting::Call::Release(routes) => format!("sweeps the routes of {}", connections(routes.iter())),
        },
    }
}

fn connections<'a>(routes: impl Iterator<Item = &'a Route>) -> String {
    routes.map(|route| route.connection.as_str()).collect::<Vec<_>>().join(", ")
}
