//! How a group is run: from the command line to the wire.

use tidings_client::Text;
use tidings_client::groups::{GroupPermissions, SettingsEdit};
use tidings_domain::group;

use super::args::{History, Least, Leavers, Settings};

impl Settings {
    /// Whether it is said who may do what.
    pub(super) const fn names_roles(&self) -> bool {
        self.may_invite.is_some() || self.may_edit.is_some() || self.may_pin.is_some() || self.may_mention_all.is_some()
    }

    /// What is said. Where roles are named, the others are as they are `now`, or as usual.
    pub(super) fn edit(&self, now: Option<GroupPermissions>) -> SettingsEdit {
        let joining = [
            (self.open, group::Joining::Open),
            (self.approval, group::Joining::Approval),
            (self.invitation, group::Joining::Invitation),
        ];
        let joining = joining.into_iter().find_map(|(said, joining)| said.then_some(Text(joining)));
        let findable = (self.findable || self.hidden).then_some(self.findable);
        let history = self.history.map(|history| match history {
            History::FromJoin => Text(group::History::FromJoin),
            History::All => Text(group::History::All),
        });
        let leavers_keep = self.leavers.map(|leavers| leavers == Leavers::Keep);
        let permissions = self.names_roles().then(|| {
            let now = now.unwrap_or_else(usual);
            let least = |said: Option<Least>, now| said.map_or(now, |said| Text(said.role()));
            GroupPermissions {
                invite: least(self.may_invite, now.invite),
                edit: least(self.may_edit, now.edit),
                pin: least(self.may_pin, now.pin),
                mention_all: least(self.may_mention_all, now.mention_all),
            }
        });
        SettingsEdit { joining, findable, history, leavers_keep, permissions }
    }
}

impl Least {
    const fn role(self) -> group::Role {
        match self {
            Self::Member => group::Role::Member,
            Self::Admin => group::Role::Admin,
            Self::Owner => group::Role::Owner,
        }
    }
}

/// Who may do what in a new group.
fn usual() -> GroupPermissions {
    let group::Permissions { invite, edit, pin, mention_all } = group::Settings::default().permissions;
    GroupPermissions { invite: Text(invite), edit: Text(edit), pin: Text(pin), mention_all: Text(mention_all) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Args, Command};
    use crate::group::args::Group;

    fn edit(line: &str, now: Option<GroupPermissions>) -> SettingsEdit {
        let words = ["tidings", "group", "update", "book"].into_iter().chain(line.split_whitespace());
        let Command::Group(Group::Update(update)) = Args::parse_from(words).command else { panic!("an update") };
        update.settings.edit(now)
    }

    #[test]
    fn what_is_not_said_stays() {
        assert_eq!(edit("", None), SettingsEdit::default());
        let approval = Some(Text(group::Joining::Approval));
        assert_eq!(edit("--approval", None), SettingsEdit { joining: approval, ..SettingsEdit::default() });
        assert_eq!(edit("--hidden", None).findable, Some(false));
        assert_eq!(edit("--findable --leavers forget", None).leavers_keep, Some(false));
        let now = GroupPermissions { pin: Text(group::Role::Owner), ..usual() };
        let want = GroupPermissions { invite: Text(group::Role::Admin), ..now };
        assert_eq!(edit("--may-invite admin", Some(now)).permissions, Some(want));
    }
}
