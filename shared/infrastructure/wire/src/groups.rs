//! Groups: domain to wire and back.

use tidings_domain::group::change::{Edit, Told};
use tidings_domain::group::{Asking, Group, Member, Permissions, Settings};
use tidings_protocol::Text;
use tidings_protocol::group::{
    GroupAnnouncement, GroupAsking, GroupCard, GroupDetails, GroupEdit, GroupMember, GroupPermissions, GroupSettings,
};
use tidings_protocol::news::News;

/// What is told, as the JSON that the log keeps.
pub fn encode(told: &Told) -> String {
    // Texts and numbers alone: this cannot fail.
    serde_json::to_string(&news(told)).unwrap_or_default()
}

fn news(told: &Told) -> News {
    match told.clone() {
        Told::Created { name, members } => {
            News::GroupCreated { name: Text(name), members: members.into_iter().map(Text).collect() }
        }
        Told::Joined { user, by } => News::MemberJoined { user: Text(user), by: by.map(Text) },
        Told::Left { user } => News::MemberLeft { user: Text(user) },
        Told::Removed { user } => News::MemberRemoved { user: Text(user) },
        Told::Role { user, role } => News::RoleChanged { user: Text(user), role: Text(role) },
        Told::Owner { user } => News::OwnerChanged { user: Text(user) },
        Told::Muted { user, until } => {
            News::MemberMuted { user: Text(user), until: until.map(tidings_domain::time::Timestamp::as_millis) }
        }
        Told::AllMuted { muted } => News::AllMuted { muted },
        Told::Updated(edit) => News::GroupUpdated(edit_out(edit)),
        Told::Announced { text } => News::Announced { text: text.map(Text) },
        Told::Nickname { user, nickname } => News::NicknameChanged { user: Text(user), nickname: nickname.map(Text) },
        Told::LinkMade { expires_at } => News::LinkMade { expires_at: expires_at.as_millis() },
        Told::LinkRevoked => News::LinkRevoked,
        Told::Dissolved => News::GroupDissolved,
        Told::Invited { group, name, greeting } => {
            News::GroupInvitation { group: Text(group), name: Text(name), greeting: greeting.map(Text) }
        }
        Told::Asked { group, user, greeting } => {
            News::GroupRequest { group: Text(group), user: Text(user), greeting: greeting.map(Text) }
        }
        Told::Answered { group, user, accepted } => {
            News::GroupAnswer { group: Text(group), user: Text(user), accepted }
        }
    }
}

fn edit_out(edit: Edit) -> GroupEdit {
    GroupEdit {
        name: edit.name.map(Text),
        description: edit.description.map(Text),
        joining: edit.joining.map(Text),
        findable: edit.findable,
        history: edit.history.map(Text),
        leavers_keep: edit.leavers_keep,
        permissions: edit.permissions.map(permissions_out),
    }
}

/// What an editor asks for.
pub fn edit_in(edit: GroupEdit) -> Edit {
    Edit {
        name: edit.name.map(|name| name.0),
        description: edit.description.map(|text| text.0),
        joining: edit.joining.map(|joining| joining.0),
        findable: edit.findable,
        history: edit.history.map(|history| history.0),
        leavers_keep: edit.leavers_keep,
        permissions: edit.permissions.map(permissions_in),
    }
}

const fn permissions_out(permissions: Permissions) -> GroupPermissions {
    let Permissions { invite, edit, pin, mention_all } = permissions;
    GroupPermissions { invite: Text(invite), edit: Text(edit), pin: Text(pin), mention_all: Text(mention_all) }
}

const fn permissions_in(permissions: GroupPermissions) -> Permissions {
    let GroupPermissions { invite, edit, pin, mention_all } = permissions;
    Permissions { invite: invite.0, edit: edit.0, pin: pin.0, mention_all: mention_all.0 }
}

/// How a new group is run: what is not said is as by default.
pub fn settings_in(edit: &Edit) -> Settings {
    let usual = Settings::default();
    Settings {
        joining: edit.joining.unwrap_or(usual.joining),
        findable: edit.findable.unwrap_or(usual.findable),
        history: edit.history.unwrap_or(usual.history),
        leavers_keep: edit.leavers_keep.unwrap_or(usual.leavers_keep),
        permissions: edit.permissions.unwrap_or(usual.permissions),
    }
}

const fn settings_out(settings: Settings) -> GroupSettings {
    let Settings { joining, findable, history, leavers_keep, permissions } = settings;
    GroupSettings {
        joining: Text(joining),
        findable,
        history: Text(history),
        leavers_keep,
        permissions: permissions_out(permissions),
    }
}

/// What everybody may see of a findable group.
pub fn card(group: &Group, members: u64) -> GroupCard {
    GroupCard {
        id: Text(group.id),
        name: Text(group.name.clone()),
        description: Text(group.description.clone()),
        members,
        joining: Text(group.settings.joining),
    }
}

/// What members see beside it.
pub fn details(group: &Group, me: &Member) -> GroupDetails {
    let announcement = group.announced.clone().map(|announced| GroupAnnouncement {
        text: Text(announced.text),
        by: Text(announced.by),
        at: announced.at.as_millis(),
    });
    GroupDetails {
        owner: Text(group.owner),
        settings: settings_out(group.settings),
        muted: group.muted,
        announcement,
        version: group.version.get(),
        created_at: group.created_at.as_millis(),
        dissolved: group.dissolved,
        me: member(me),
    }
}

/// A member.
pub fn member(member: &Member) -> GroupMember {
    GroupMember {
        user: Text(member.user),
        role: Text(member.role),
        nickname: member.nickname.clone().map(Text),
        muted_until: member.muted_until.map(tidings_domain::time::Timestamp::as_millis),
        joined_at: member.joined_at.as_millis(),
    }
}

/// Somebody who asks to become a member, or is invited.
pub fn asking(asking: &Asking) -> GroupAsking {
    GroupAsking {
        user: Text(asking.user),
        invited_by: asking.invited_by.map(Text),
        greeting: asking.greeting.clone().map(Text),
        at: asking.at.as_millis(),
    }
}
