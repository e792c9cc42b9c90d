//! What can be said of groups.

use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};

/// Shown below the help.
pub(crate) const EXAMPLES: &str = "\
A GROUP is named by its id, or by the beginning of its name or of my remark for it.

Examples:
  tidings group create \"Book club\" --member bob --approval
  tidings group invite book cat dan --greeting \"Come!\"
  tidings group link book --for 7d --uses 10
  tidings group join g_01JD0000000000000000000G00/01JD0000000000000000000K00
  tidings group mute book bob --for 10m
  tidings chat book";

#[derive(Debug, Subcommand)]
pub(crate) enum Group {
    /// Found a group and print its id
    Create(Create),
    /// Show a group; outsiders see the card of a findable one
    Info {
        /// Id, or the beginning of its name
        group: String,
        /// One JSON object
        #[arg(long)]
        json: bool,
    },
    /// Change what a group is called, what it is about and how it is run
    Update(Update),
    /// Become a member, or ask to
    Join {
        /// Id, link, or the beginning of the name in an invitation
        #[arg(value_name = "GROUP|LINK")]
        group: String,
        /// What to say to those who answer
        #[arg(long, value_name = "TEXT")]
        greeting: Option<String>,
    },
    /// Show who asks to come in, who is invited, and the links
    Requests {
        /// Id, or the beginning of its name
        group: String,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Let somebody in who asks
    Accept(Member),
    /// Let somebody not in who asks
    Decline(Member),
    /// Invite people; they join with `tidings group join`
    Invite {
        /// Id, or the beginning of its name
        group: String,
        /// User names or ids
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
        /// What to say to them
        #[arg(long, value_name = "TEXT")]
        greeting: Option<String>,
    },
    /// Leave a group; its owner hands it over or dissolves it instead
    Leave(Named),
    /// Remove a member
    Kick(Member),
    /// List the members, or show one of them
    Members {
        /// Id, or the beginning of its name
        group: String,
        /// User name or id: this one alone
        user: Option<String>,
        /// Those whose nickname begins so
        #[arg(long, value_name = "BEGINNING", conflicts_with = "user")]
        called: Option<String>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Make a member an admin, or an admin a member
    Role {
        #[command(flatten)]
        member: Member,
        /// As what
        role: Role,
    },
    /// Hand a group over to a member
    Transfer(Member),
    /// Mute a member for a time, or everybody but admins
    Mute {
        /// Id, or the beginning of its name
        group: String,
        /// User name or id; without it everybody but admins
        user: Option<String>,
        /// For how long: 30s, 10m, 2h, 7d [default: 10m]
        #[arg(long = "for", value_name = "TIME", value_parser = time, requires = "user")]
        time: Option<Duration>,
    },
    /// Let a member write again, or everybody
    Unmute {
        /// Id, or the beginning of its name
        group: String,
        /// User name or id; without it everybody
        user: Option<String>,
    },
    /// Announce something to all members
    Announce {
        /// Id, or the beginning of its name
        group: String,
        /// What; without it the announcement is taken away
        text: Option<String>,
    },
    /// Say what I am called in a group
    Nickname {
        /// Id, or the beginning of its name
        group: String,
        /// What; without it I have no nickname
        name: Option<String>,
    },
    /// Say what I call a group, for myself alone
    Remark {
        /// Id, or the beginning of its name
        group: String,
        /// What; without it nothing
        name: Option<String>,
    },
    /// Make a link that lets people in, and print it
    Link {
        /// Id, or the beginning of its name
        group: String,
        /// For how long: 30s, 10m, 2h, 7d [default: 7d]
        #[arg(long = "for", value_name = "TIME", value_parser = time)]
        time: Option<Duration>,
        /// For so many people [default: any number]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        uses: Option<u32>,
    },
    /// Take a link back
    Revoke {
        /// As it was printed
        link: String,
    },
    /// End a group; its members can still read it
    Dissolve(Named),
    /// List the groups that I am or was in
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Named {
    /// Id, or the beginning of its name
    pub(crate) group: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Member {
    /// Id, or the beginning of its name
    pub(crate) group: String,
    /// User name or id
    pub(crate) user: String,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Create {
    /// What it is called
    pub(crate) name: String,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// Who is in it from the beginning, by user name or id; repeat for more
    #[arg(long = "member", value_name = "USER")]
    pub(crate) members: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Update {
    /// Id, or the beginning of its name
    pub(crate) group: String,
    /// What it is called
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// What it is about
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// How a group is run, where it is said.
#[derive(Debug, ClapArgs)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
pub(crate) struct Settings {
    /// Whoever has its id joins
    #[arg(long, group = "joining")]
    pub(crate) open: bool,
    /// Whoever has its id asks, and an admin answers
    #[arg(long, group = "joining")]
    pub(crate) approval: bool,
    /// One joins by invitation or link alone
    #[arg(long, group = "joining")]
    pub(crate) invitation: bool,
    /// Outsiders who have its id see its card
    #[arg(long, conflicts_with = "hidden")]
    pub(crate) findable: bool,
    /// Outsiders see nothing
    #[arg(long)]
    pub(crate) hidden: bool,
    /// What new members see of what was said before
    #[arg(long, value_enum)]
    pub(crate) history: Option<History>,
    /// Whether those who leave keep what they saw
    #[arg(long, value_enum)]
    pub(crate) leavers: Option<Leavers>,
    /// The least role that may invite
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) may_invite: Option<Least>,
    /// The least role that may change name and description
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) may_edit: Option<Least>,
    /// The least role that may pin messages
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) may_pin: Option<Least>,
    /// The least role that may mention everybody
    #[arg(long, value_enum, value_name = "ROLE")]
    pub(crate) may_mention_all: Option<Least>,
}

/// What new members see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum History {
    /// Nothing
    FromJoin,
    /// Everything
    All,
}

/// What those who leave keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Leavers {
    /// What they saw
    Keep,
    /// Nothing
    Forget,
}

/// A role that the owner gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// May remove, mute and let in
    Admin,
    /// May talk
    Member,
}

/// The least role that may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Least {
    /// Everybody
    Member,
    /// Admins and the owner
    Admin,
    /// The owner alone
    Owner,
}

/// A number and a unit.
fn time(text: &str) -> Result<Duration, String> {
    let seconds = || {
        let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
        let unit: u64 = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 60 * 60,
            "d" => 24 * 60 * 60,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(unit).filter(|seconds| *seconds > 0)
    };
    seconds().map(Duration::from_secs).ok_or_else(|| "a time is a number and s, m, h or d: 30s, 10m, 2h, 7d".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        for (text, seconds) in [("30s", 30), ("10m", 600), ("2h", 7_200), ("7d", 604_800)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)));
        }
        for bad in ["", "m", "10", "-1m", "0s", "1w", "1é", "99999999999999999999d", "999999999999999999d"] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }
}
