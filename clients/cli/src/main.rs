//! `tidings`: Tidings in a terminal.

mod account;
mod args;
mod chat;
mod contacts;
mod conversations;
mod devices;
mod follow;
mod group;
mod history;
mod listen;
mod me;
mod news;
mod people;
mod presence;
mod problem;
mod profile;
mod replay;
mod say;
mod send;
mod text;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Account, Args, Command, People};
use crate::problem::Problem;
use crate::text::Clock;

fn main() -> ExitCode {
    let args = Args::parse();
    // The offset can be asked for only while there is one thread.
    let clock = Clock::local();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            say::note(error);
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(run(args, clock)) {
        Ok(code) => code,
        Err(problem) => {
            say::note(format_args!("tidings: {problem}"));
            problem.exit_code()
        }
    };
    // A read from a terminal cannot be interrupted, and nobody waits for it any more.
    runtime.shutdown_background();
    code
}

async fn run(args: Args, clock: Clock) -> Result<ExitCode, Problem> {
    let place = args.place;
    match args.command {
        Command::Register(register) => account::register(&place, register).await?,
        Command::Login(login) => account::login(&place, login).await?,
        Command::Chat(chat) => return chat::run(&place, &chat, clock).await,
        Command::Send(send) => return send::run(&place, &send).await,
        Command::Listen(listen) => listen::run(&place, &listen, clock).await?,
        Command::History(history) => history::run(&place, &history, clock).await?,
        Command::Contacts(asked) => contacts::run(&place, asked).await?,
        Command::Conversations(list) => conversations::run(&place, &list, clock).await?,
        Command::Group(group) => group::run(&place, group, clock).await?,
        Command::Devices(devices) => devices::run(&place, devices, clock).await?,
        Command::Presence(asked) => presence::run(&place, &asked, clock).await?,
        Command::Typing(asked) => presence::typing(&place, &asked).await?,
        Command::Profile(change) => me::profile(&place, change).await?,
        Command::People(People::Search(search)) => people::search(&place, &search).await?,
        Command::Account(Account::Password(change)) => account::change_password(&place, change).await?,
        Command::Account(Account::Delete(delete)) => account::delete(&place, delete).await?,
        Command::Replay(replay) => return replay::run(&place, replay).await,
    }
    Ok(ExitCode::SUCCESS)
}
