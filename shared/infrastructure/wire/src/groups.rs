//! Groups: domain to wire and back.

use sha2::{Digest, Sha256};
use tidings_domain::change::Changed;
use tidings_domain::group::change::{Edit, Told};
use tidings_domain::group::{Asking, Group, Link, Member, Permissions, Settings};
use tidings_domain::ids::{ClientId, GroupId, UserId};
use tidings_domain::log::BodyHash;
use tidings_protocol::Text;
use tidings_protocol::actions::Call;
use tidings_protocol::group::{
    GroupAnnouncement, GroupAsking, GroupCard, GroupChanged, GroupDetails, GroupEdit, GroupPermissions, GroupSettings,
    InviteLink, MemberInfo, SettingsEdit,
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
        Told::Remarked { group, remark } => News::GroupRemark { group: Text(group), remark: remark.map(Text) },
        Told::Answered { group, user, accepted } => {
            News::GroupAnswer { group: Text(group), user: Text(user), accepted }
        }
    }
}

fn edit_out(edit: Edit) -> GroupEdit {
    let settings = SettingsEdit {
        joining: edit.joining.map(Text),
        findable: edit.findable,
        history: edit.history.map(Text),
        leavers_keep: edit.leavers_keep,
        permissions: edit.permissions.map(permissions_out),
    };
    GroupEdit { name: edit.name.map(Text), description: edit.description.map(Text), settings }
}

/// What an editor asks for.
pub fn edit_in(edit: GroupEdit) -> Edit {
    let SettingsEdit { joining, findable, history, leavers_keep, permissions } = edit.settings;
    Edit {
        name: edit.name.map(|name| name.0),
        description: edit.description.map(|text| text.0),
        joining: joining.map(|joining| joining.0),
        findable,
        history: history.map(|history| history.0),
        leavers_keep,
        permissions: permissions.map(permissions_in),
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
pub fn settings_in(said: SettingsEdit) -> Settings {
    let usual = Settings::default();
    Settings {
        joining: said.joining.map_or(usual.joining, |joining| joining.0),
        findable: said.findable.unwrap_or(usual.findable),
        history: said.history.map_or(usual.history, |history| history.0),
        leavers_keep: said.leavers_keep.unwrap_or(usual.leavers_keep),
        permissions: said.permissions.map_or(usual.permissions, permissions_in),
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
pub fn member(member: &Member) -> MemberInfo {
    MemberInfo {
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

/// A link that lets people in.
pub fn link(link: &Link) -> InviteLink {
    InviteLink {
        code: Text(link.code.clone()),
        by: Text(link.by),
        expires_at: link.expires_at.as_millis(),
        uses_left: link.uses_left,
    }
}

/// A change that is done.
pub const fn changed(changed: Changed) -> GroupChanged {
    let Changed { conversation, seq, duplicate } = changed;
    GroupChanged { conversation: Text(conversation), seq: seq.get(), duplicate }
}

/// The id of the group that `actor` founds with this request: the time of the client id, and 80 bits that follow from both.
pub fn group_id(actor: UserId, client_id: ClientId) -> GroupId {
    let digest = Sha256::digest(format!("group {actor} {client_id}"));
    let low = digest.iter().take(10).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
    GroupId::from_bits(client_id.bits() >> 80 << 80 | low)
}

/// What tells a request from another one with the same client id.
pub fn fingerprint<C: Call>(request: &C) -> Result<BodyHash, serde_json::Error> {
    let json = serde_json::to_string(request)?;
    Ok(BodyHash::new(Sha256::digest(format!("{} {json}", C::ACTION)).into()))
}
