//! Groups: what is stored of them, who may do what ([`permissions`]), and every change ([`change`]).

pub mod change;
pub mod permissions;
pub mod text;

use std::cmp::Reverse;

use crate::identity::DisplayName;
use crate::ids::{ClientId, ConversationId, GroupId, UserId};
use crate::log::Seq;
use crate::time::Timestamp;

pub use text::{Announcement, Description, Greeting, GroupName, InvalidText, LinkCode};

/// What a member may do, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Takes part.
    Member,
    /// Helps the owner.
    Admin,
    /// There is one.
    Owner,
}

/// How somebody becomes a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Joining {
    /// By joining.
    Open,
    /// By asking; an admin answers.
    Approval,
    /// By an invitation alone.
    Invitation,
}

/// What a new member sees of what was said before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum History {
    /// Nothing: they see from their joining on.
    FromJoin,
    /// Everything.
    All,
}

macro_rules! spelled {
    ($type:ident: $($variant:ident = $text:literal),+) => {
        impl $type {
            /// Its one spelling.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $type {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(InvalidText::Word),
                }
            }
        }
    };
}

spelled!(Role: Member = "member", Admin = "admin", Owner = "owner");
spelled!(Joining: Open = "open", Approval = "approval", Invitation = "invitation");
spelled!(History: FromJoin = "from_join", All = "all");

/// The least role that may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Permissions {
    /// Invite people.
    pub invite: Role,
    /// Change name and description.
    pub edit: Role,
    /// Pin messages.
    pub pin: Role,
    /// Mention everybody.
    pub mention_all: Role,
}

/// How a group is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How one becomes a member.
    pub joining: Joining,
    /// Whether outsiders get its card.
    pub findable: bool,
    /// What new members see.
    pub history: History,
    /// Whether who left keeps what they saw.
    pub leavers_keep: bool,
    /// Who may do what.
    pub permissions: Permissions,
}

impl Default for Settings {
    fn default() -> Self {
        let permissions =
            Permissions { invite: Role::Member, edit: Role::Admin, pin: Role::Admin, mention_all: Role::Admin };
        Self {
            joining: Joining::Invitation,
            findable: false,
            history: History::FromJoin,
            leavers_keep: true,
            permissions,
        }
    }
}

/// What was announced last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Announced {
    /// What.
    pub text: Announcement,
    /// By whom.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Group {
    /// Never changes.
    pub id: GroupId,
    /// What it is called.
    pub name: GroupName,
    /// What it is about.
    pub description: Description,
    /// Who has the last word.
    pub owner: UserId,
    /// How it is run.
    pub settings: Settings,
    /// Whether only admins may write.
    pub muted: bool,
    /// The last announcement.
    pub announced: Option<Announced>,
    /// Over how many partitions its members are spread: a power of two.
    pub buckets: u32,
    /// Place of the entry that told the last change of this record. What an editor names, so that nobody's change is
    /// lost unseen.
    pub version: Seq,
    /// When it was founded.
    pub created_at: Timestamp,
    /// Whether it is over. Its log stays readable to those who were members.
    pub dissolved: bool,
}

impl Group {
    /// Its conversation.
    pub const fn conversation(&self) -> ConversationId {
        ConversationId::Group(self.id)
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What they may do.
    pub role: Role,
    /// What they are called in the group.
    pub nickname: Option<DisplayName>,
    /// Until when they may not write.
    pub muted_until: Option<Timestamp>,
    /// The first entry that they see in this membership.
    pub from: Seq,
    /// When they joined.
    pub joined_at: Timestamp,
}

impl Member {
    /// A member who has just come.
    pub const fn new(user: UserId, role: Role, from: Seq, joined_at: Timestamp) -> Self {
        Self { user, role, nickname: None, muted_until: None, from, joined_at }
    }

    /// Whether they are muted now.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until.is_some_and(|until| now < until)
    }
}

/// To whom the owner's leaving leaves the group: of the others with the highest role whoever joined first. `None` if there
/// is nobody else.
pub fn heir(members: &[Member], owner: UserId) -> Option<UserId> {
    let others = members.iter().filter(|member| member.user != owner);
    // The id decides between those who came at once: with the founding.
    others.min_by_key(|member| (Reverse(member.role), member.joined_at, member.user)).map(|heir| heir.user)
}

/// That somebody would like to become a member, or is invited to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asking {
    /// Who is to become a member.
    pub user: UserId,
    /// Who invited them; `None` if they asked themselves.
    pub invited_by: Option<UserId>,
    /// What they said.
    pub greeting: Option<Greeting>,
    /// When.
    pub at: Timestamp,
    /// Whether who is invited was not told, as they block who invited them. To them it is not there.
    pub unheard: bool,
}

impl Asking {
    /// Whether it still counts.
    pub const fn is_alive(&self, now: Timestamp) -> bool {
        now.millis_since(self.at) < crate::limits::ASKING_TTL_MS
    }
}

/// A link that lets people in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Its secret part.
    pub code: LinkCode,
    /// Who made it.
    pub by: UserId,
    /// By which request: asked again, it is found by it (IDEM-1).
    pub client_id: ClientId,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// How many more may use it; `None` is any number.
    pub uses_left: Option<u32>,
}

impl Link {
    /// Whether it lets somebody in.
    pub fn is_good(&self, now: Timestamp) -> bool {
        now < self.expires_at && self.uses_left != Some(0)
    }
}

/// The bucket of a member, below `buckets`: the low bits of the id, which are random.
pub fn bucket_of(user: UserId, buckets: u32) -> u32 {
    let low = user.bits() % u128::from(buckets.max(1));
    u32::try_from(low).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_admin_inherits_before_a_member_and_the_elder_before_the_younger() {
        let user = UserId::from_bits;
        let member = |id, role, at| Member::new(user(id), role, Seq::FIRST, Timestamp::from_millis(at));
        let owner = member(1, Role::Owner, 1);
        let (eldest, admin) = (member(2, Role::Member, 1), member(3, Role::Admin, 5));
        let heir = |others: &[&Member]| {
            let members: Vec<_> = [&owner].into_iter().chain(others.iter().copied()).cloned().collect();
            super::heir(&members, owner.user)
        };
        assert_eq!(heir(&[]), None);
        assert_eq!(heir(&[&member(4, Role::Member, 2), &eldest, &member(5, Role::Member, 1)]), Some(eldest.user));
        assert_eq!(heir(&[&eldest, &member(2, Role::Admin, 6), &admin]), Some(admin.user));
    }
}
