//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::group::args::{EXAMPLES, Group};

/// Where the local cloud listens.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:4510";

/// Tidings in a terminal.
#[derive(Debug, Parser)]
#[command(name = "tidings", version, about, propagate_version = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Who and where.
#[derive(Clone, Debug, ClapArgs)]
pub(crate) struct Place {
    /// A person on a device. Several profiles are several people, or several devices of one.
    #[arg(long, global = true, default_value = "default", env = "TIDINGS_PROFILE")]
    pub(crate) profile: String,
    /// Address of the server, for registering and signing in [default: http://127.0.0.1:4510]
    #[arg(long, global = true, value_name = "URL", env = "TIDINGS_SERVER")]
    pub(crate) server: Option<String>,
    /// Where profiles are kept [default: the platform's place for data]
    #[arg(long, global = true, value_name = "FOLDER", env = "TIDINGS_HOME", hide = true)]
    pub(crate) home: Option<PathBuf>,
    /// Any value: no colours.
    #[arg(long, global = true, env = "NO_COLOR", hide = true)]
    pub(crate) no_color: Option<String>,
    /// For tests: end hard, with code 86, right after a message's frame was written and before its
    /// acknowledgement can be heard. Makes the window between the two as wide as it gets.
    #[arg(long, global = true, value_name = "1", env = "TIDINGS_TEST_EXIT_AFTER_WRITE", hide = true)]
    pub(crate) test_exit_after_write: Option<String>,
}

impl Place {
    /// The server to register or sign in at.
    pub(crate) fn server(&self) -> &str {
        self.server.as_deref().unwrap_or(DEFAULT_SERVER)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account and sign in
    Register(Register),
    /// Sign in on this device
    Login(Login),
    /// Talk to somebody, or in a group
    Chat(Chat),
    /// Send one message and wait until it is acknowledged
    ///
    /// Exit codes: 0 acknowledged; 1 refused, nothing was sent; 3 not acknowledged in time, but safe in the outbox:
    /// any later command of this profile that connects sends it.
    #[command(verbatim_doc_comment)]
    Send(Send),
    /// Print the messages of all conversations as they come
    Listen(Listen),
    /// Print the messages with somebody, or of a group
    History(History),
    /// List conversations, with what is unread
    Conversations(Conversations),
    /// Whom you have: list, ask, answer, name, block
    ///
    /// Examples:
    ///   tidings contacts request bob --greeting "It is me, Ann"
    ///   tidings contacts accept ann
    ///   tidings contacts remark bob Bobby --tag work --tag chess
    #[command(subcommand, verbatim_doc_comment)]
    Contacts(Contacts),
    /// Found groups, join them and run them
    #[command(subcommand, after_help = EXAMPLES)]
    Group(Group),
    /// My devices
    #[command(subcommand)]
    Devices(Devices),
    /// Who is online, and when the others last were
    Presence(Presence),
    /// Tell the others of a conversation for some seconds that you are writing; for scripts and bots
    Typing(Typing),
    /// Show the own profile, or change it
    Profile(Profile),
    /// Find people
    #[command(subcommand)]
    People(People),
    /// Change the password, or delete the account
    #[command(subcommand)]
    Account(Account),
    /// Replay dialogues between many people at once and check that nothing was lost, doubled or reordered
    Replay(Replay),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Register {
    /// 3 to 32 of a-z 0-9 _ . beginning with a letter
    pub(crate) username: String,
    /// What others see [default: the user name]
    #[arg(long, value_name = "DISPLAY")]
    pub(crate) name: Option<String>,
    /// The password; asked for if missing
    #[arg(long, env = "TIDINGS_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Drop what this profile holds of somebody else, or of a server that has forgotten
    #[arg(long)]
    pub(crate) forget: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Login {
    /// The user name
    pub(crate) username: String,
    /// The password; asked for if missing
    #[arg(long, env = "TIDINGS_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Drop what this profile holds of somebody else, or of a server that has forgotten
    #[arg(long)]
    pub(crate) forget: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Chat {
    /// User name or id, your own for notes to yourself; or a group's id, or the beginning of its name
    pub(crate) peer: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Send {
    /// User name or id; or a group's id, or the beginning of its name
    pub(crate) peer: String,
    /// The text
    pub(crate) text: String,
    /// Wait so many seconds for the acknowledgement
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// Only put it into the outbox; works offline
    #[arg(long)]
    pub(crate) queue: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Listen {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct History {
    /// User name or id; a group's id, or the beginning of its name; or a conversation's id
    pub(crate) peer: String,
    /// So many messages at most
    #[arg(long, short = 'n', default_value_t = 50, value_name = "N")]
    pub(crate) limit: usize,
    /// Only those before this one
    #[arg(long, value_name = "SEQ")]
    pub(crate) before: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Conversations {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Devices {
    /// List the devices that I am signed in on
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Sign a device out; it is disconnected and has to sign in again
    SignOut {
        /// As the list names it
        #[arg(required_unless_present = "others", conflicts_with = "others")]
        device: Option<String>,
        /// All but this one
        #[arg(long)]
        others: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Presence {
    /// User names or ids
    #[arg(required = true)]
    pub(crate) people: Vec<String>,
    /// Go on telling when they come and go
    #[arg(long)]
    pub(crate) watch: bool,
    /// End after so many lines
    #[arg(long, value_name = "N", requires = "watch")]
    pub(crate) count: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Typing {
    /// User name or id, or a group's id, or the beginning of its name
    pub(crate) peer: String,
    /// For how long
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(crate) seconds: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Contacts {
    /// Contacts and requests
    List(ContactsListed),
    /// Ask somebody to be a contact; if they have asked you, you are contacts with it
    Request {
        /// User name or id
        user: String,
        /// What to say
        #[arg(long, value_name = "TEXT")]
        greeting: Option<String>,
    },
    /// Say yes to somebody who asks
    Accept {
        /// User name or id
        user: String,
    },
    /// Say no to somebody who asks
    Decline {
        /// User name or id
        user: String,
    },
    /// End a contact, or take a request back
    Remove {
        /// User name or id
        user: String,
    },
    /// What you call somebody, for yourself; without a name the user name counts again
    Remark {
        /// User name or id
        user: String,
        /// The name
        remark: Option<String>,
        /// Keep them under this word, at most 5; those that are not given again are taken off
        #[arg(long = "tag", value_name = "WORD")]
        tags: Vec<String>,
    },
    /// Want nothing of somebody; they do not learn of it
    Block {
        /// User name or id
        user: String,
    },
    /// Take a block back
    Unblock {
        /// User name or id
        user: String,
    },
    /// Of whom you want nothing
    Blocked(ContactsListed),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct ContactsListed {
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Profile {
    /// What others see
    #[arg(long, value_name = "DISPLAY")]
    pub(crate) name: Option<String>,
    /// A new user name; the old one is free for others at once
    #[arg(long)]
    pub(crate) username: Option<String>,
    /// A few words; "" for none
    #[arg(long)]
    pub(crate) bio: Option<String>,
    /// What you read best, such as en or zh-Hans; "" to tell it no longer
    #[arg(long, value_name = "TAG")]
    pub(crate) language: Option<String>,
    /// Where your clock is, such as Europe/Berlin; "" to tell it no longer
    #[arg(long, value_name = "NAME")]
    pub(crate) time_zone: Option<String>,
    /// Whose messages to take: anyone or contacts
    #[arg(long, value_name = "WHO")]
    pub(crate) messages_from: Option<String>,
    /// Who sees whether you are online: everybody, contacts or nobody
    #[arg(long, value_name = "WHO")]
    pub(crate) presence_to: Option<String>,
    /// Change it only if it has this version
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<u64>,
    /// Print it as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum People {
    /// List people whose user names begin so
    Search(Search),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Search {
    /// At least the first two letters
    pub(crate) prefix: String,
    /// So many people at most
    #[arg(long, short = 'n', default_value_t = 20, value_name = "N")]
    pub(crate) limit: usize,
    /// One JSON object a line
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Account {
    /// Change the password; all other devices are signed out
    Password(NewPassword),
    /// Delete the account for good; what was sent stays with those who got it
    Delete(Delete),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct NewPassword {
    /// The password so far; asked for if missing
    #[arg(long, env = "TIDINGS_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// The new one; asked for if missing
    #[arg(long, env = "TIDINGS_NEW_PASSWORD", hide_env_values = true)]
    pub(crate) new_password: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Delete {
    /// Do it without asking again
    #[arg(long)]
    pub(crate) yes: bool,
    /// The password; asked for if missing
    #[arg(long, env = "TIDINGS_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
}

/// How well the local stores of a replay survive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Durability {
    /// Every commit is flushed to the disk, as in real use
    Full,
    /// Commits survive the end of the process, not of the power
    Process,
}

/// Which of a person's devices sends the next message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pick {
    /// Any
    Random,
    /// Always the first
    First,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Replay {
    /// One message a line: {"conversation", "sender", "at", "text"}
    #[arg(required_unless_present = "contend", conflicts_with = "contend")]
    pub(crate) file: Option<PathBuf>,
    /// Instead: 4 devices of 2 people write into one conversation at once
    #[arg(long)]
    pub(crate) contend: bool,
    /// With --contend: so many messages from each device
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub(crate) messages: usize,
    /// Devices of each person
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) devices: u8,
    /// So many people are registered and signed in at the same time; password hashing is slow on purpose
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) parallel: u16,
    /// Only the first so many dialogues
    #[arg(long, value_name = "N")]
    pub(crate) dialogues: Option<usize>,
    /// Only the first so many messages of the file
    #[arg(long, value_name = "N")]
    pub(crate) limit_messages: Option<usize>,
    /// Which device of the sender sends
    #[arg(long, value_enum, default_value_t = Pick::Random)]
    pub(crate) pick: Pick,
    /// How well the devices' local stores survive. All share one file and its commits, so `full` costs little
    #[arg(long, value_enum, default_value_t = Durability::Full)]
    pub(crate) durability: Durability,
    /// Seed of the choice of devices
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub(crate) seed: u64,
    /// Give a device so many seconds after the last acknowledgement to have everything
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) settle: u64,
    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
