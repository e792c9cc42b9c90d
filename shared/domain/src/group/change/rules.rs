//! Whether a change may be, and what comes of it.

use super::super::permissions::{self, Act, Denied};
use super::super::{Announced, Asking, Greeting, Group, History, Joining, Link, Member, Role};
use super::{Change, Refusal, Request, State, Told, Wanted, Write};
use crate::change::{Audience, Decision, Rules, Tell, Tops};
use crate::contact::Reception;
use crate::ids::{ClientId, ConversationId, UserId};
use crate::inbox::ReadPosition;
use crate::limits::{FIRST_MEMBERS_MAX, GROUP_BUCKETS, GROUP_MEMBERS_MAX};
use crate::log::{BodyHash, Counts, Head, Seq};
use crate::membership::Spans;
use crate::time::Timestamp;

type Decided = Decision<Request>;

/// What a change was found to rest on.
struct Found<'a> {
    state: &'a State,
    group: &'a Group,
    /// Who asks, as a member.
    actor: Option<&'a Member>,
    /// The member whom it is about.
    target: Option<&'a Member>,
    tops: &'a Tops,
    now: Timestamp,
}

impl<'a> Found<'a> {
    fn may(&self, act: Act) -> Result<(), Refusal> {
        let target = self.target.map(|target| target.role);
        Ok(permissions::check(act, Some(self.group), self.actor, target, self.now)?)
    }

    /// Whom it is about, if the actor may do that to them.
    fn member(&self, act: Act) -> Result<&'a Member, Refusal> {
        self.may(act)?;
        self.target.ok_or(Refusal::NoSuchMember)
    }

    /// A change of the record.
    fn regroup(&self, request: &Request, told: Told, change: impl FnOnce(&mut Group)) -> Decided {
        let mut group = self.group.clone();
        change(&mut group);
        group.version = self.tops.next(group.conversation());
        Decision::Commit(vec![request.tell(told)], vec![Write::Group(group)])
    }
}

impl Request {
    /// What it says of itself, before anything is read.
    pub fn check(&self) -> Result<(), Refusal> {
        match &self.change {
            // The actor may be named among them.
            Change::Create { members, .. } if members.len() > FIRST_MEMBERS_MAX => Err(Refusal::TooMany),
            _ => Ok(()),
        }
    }

    const fn conversation(&self) -> ConversationId {
        ConversationId::Group(self.group)
    }

    /// Whom it is about, beside the actor.
    pub const fn target(&self) -> Option<UserId> {
        match &self.change {
            Change::Answer { user, .. }
            | Change::Invite { user, .. }
            | Change::Kick { user }
            | Change::Role { user, .. }
            | Change::Transfer { user }
            | Change::Mute { user, .. } => Some(*user),
            Change::Create { .. }
            | Change::Update { .. }
            | Change::Join { .. }
            | Change::Leave
            | Change::MuteAll { .. }
            | Change::Announce { .. }
            | Change::Nickname { .. }
            | Change::Remark { .. }
            | Change::MakeLink(_)
            | Change::RevokeLink(_)
            | Change::Dissolve
            | Change::DissolveEmpty => None,
        }
    }

    /// What it must know.
    pub fn wanted(&self) -> Wanted {
        let members = [Some(self.actor), self.target()].into_iter().flatten().collect();
        let mut wanted = Wanted { members, ..Wanted::default() };
        match &self.change {
            Change::Join { link, .. } => {
                (wanted.asking, wanted.link) = (Some(self.actor), link.clone());
                wanted.spans = vec![self.actor];
            }
            Change::Answer { user, .. } | Change::Invite { user, .. } => {
                wanted.asking = Some(*user);
                wanted.spans = vec![*user];
            }
            Change::Leave | Change::Remark { .. } => wanted.spans = vec![self.actor],
            Change::Kick { user } => wanted.spans = vec![*user],
            Change::RevokeLink(code) => wanted.link = Some(code.clone()),
            _ => {}
        }
        wanted
    }

    /// Of whom it must know how they take the actor, with these records.
    pub fn people(&self, state: &State) -> Vec<UserId> {
        match &self.change {
            Change::Create { .. } => self.founders().into_iter().filter(|member| *member != self.actor).collect(),
            Change::Invite { user, .. } | Change::Answer { user, accept: true } => vec![*user],
            Change::Join { link: None, .. } => {
                let asks = |group: &&Group| group.settings.joining == Joining::Approval;
                state.group.as_ref().filter(asks).map(|group| group.owner).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn counts(&self, tops: &Tops) -> Counts {
        tops.of(self.conversation()).map_or(Counts::zero(self.conversation()), |head| head.counts)
    }

    fn tell(&self, what: Told) -> Tell<Told> {
        Tell { conversation: self.conversation(), what, joins: 0 }
    }

    fn notice(user: UserId, what: Told) -> Tell<Told> {
        Tell { conversation: ConversationId::Notices(user), what, joins: 0 }
    }

    /// Tells these people in their notices, each once. The first of them is the actor, whose notices are searched.
    fn notices(people: impl IntoIterator<Item = UserId>, what: &Told, mut writes: Vec<Write>) -> Decided {
        let mut told: Vec<Tell<Told>> = Vec::new();
        for user in people {
            if told.iter().all(|it| it.conversation != ConversationId::Notices(user)) {
                told.push(Self::notice(user, what.clone()));
                writes.push(Write::Notices(user));
            }
        }
        Decision::Commit(told, writes)
    }

    /// Whether the actor may not even learn that there is such a group (SEE-1).
    fn is_hidden(&self, state: &State) -> bool {
        let Some(group) = &state.group else { return true };
        let was_member = state.spans.get(&self.actor).is_some_and(|spans| !spans.as_slice().is_empty());
        let is_invited = state.asking.as_ref().is_some_and(|asking| asking.user == self.actor && !asking.unheard);
        let may_try = matches!(self.change, Change::Join { .. })
            && !group.dissolved
            && (group.settings.findable || group.settings.joining != Joining::Invitation);
        !(state.members.contains_key(&self.actor) || was_member || is_invited || may_try)
    }

    /// What is answered where there is nothing.
    const fn nothing_there(&self) -> Refusal {
        match self.change {
            Change::Join { link: Some(_), .. } => Refusal::LinkNotGood,
            _ => Refusal::Denied(Denied::NotAMember),
        }
    }

    /// Whom a group begins with: the founder, and who shall be in it.
    fn founders(&self) -> Vec<UserId> {
        let Change::Create { members, .. } = &self.change else { return Vec::new() };
        let mut founders = [members.as_slice(), &[self.actor]].concat();
        founders.sort_unstable();
        founders.dedup();
        founders
    }

    fn create(&self, state: &State, tops: &Tops, now: Timestamp) -> Decided {
        let Change::Create { name, description, settings, .. } = &self.change else { return Decision::Nothing };
        let everybody = self.founders();
        if everybody.len() > FIRST_MEMBERS_MAX {
            return Decision::Refuse(Refusal::TooMany);
        }
        let comes = |member: &UserId| *member == self.actor || state.people.get(member) == Some(&Reception::Welcome);
        if !everybody.iter().all(comes) {
            return Decision::Refuse(Refusal::Unwelcome);
        }
        let at = tops.next(self.conversation());
        let count = u64::try_from(everybody.len()).unwrap_or(u64::MAX);
        let read = ReadPosition { seq: at, counts: Counts::Group { messages: 0, members: count } };
        let mut writes = vec![Write::Group(Group {
            id: self.group,
            name: name.clone(),
            description: description.clone(),
            owner: self.actor,
            settings: *settings,
            muted: false,
            announced: None,
            buckets: GROUP_BUCKETS,
            version: at,
            created_at: now,
            dissolved: false,
        })];
        for member in &everybody {
            let role = if *member == self.actor { Role::Owner } else { Role::Member };
            writes.push(Write::Member(Member::new(*member, role, at, now)));
            writes.push(Write::Joined { user: *member, spans: Spans::default().joined(at), read });
        }
        let joins = i64::try_from(everybody.len()).unwrap_or(i64::MAX);
        let told = Told::Created { name: name.clone(), members: everybody };
        Decision::Commit(vec![Tell { joins, ..self.tell(told) }], writes)
    }

    /// Somebody becomes a member.
    fn admit(&self, found: &Found<'_>, user: UserId, by: Option<UserId>) -> Decided {
        let Found { state, group, tops, now, .. } = *found;
        let counts = self.counts(tops);
        if counts.members() >= GROUP_MEMBERS_MAX {
            return Decision::Refuse(Refusal::Full);
        }
        let at = tops.next(self.conversation());
        let from = if group.settings.history == History::All { Seq::FIRST } else { at };
        let spans = state.spans.get(&user).cloned().unwrap_or_default().joined(from);
        let read = ReadPosition { seq: at, counts: counts.with_members(1) };
        let mut told = vec![Tell { joins: 1, ..self.tell(Told::Joined { user, by }) }];
        let mut writes =
            vec![Write::Member(Member::new(user, Role::Member, from, now)), Write::Joined { user, spans, read }];
        if state.asking.is_some() {
            writes.push(Write::NoAsking(user));
        }
        // Whoever asked is answered where they are told of a refusal, so of two answers at once only one is given.
        if user != self.actor {
            told.push(Self::notice(user, Told::Answered { group: self.group, user, accepted: true }));
            writes.push(Write::Notices(user));
        }
        Decision::Commit(told, writes)
    }

    fn join(&self, found: &Found<'_>) -> Decided {
        let Found { state, group, now, .. } = *found;
        let Change::Join { link, greeting } = &self.change else { return Decision::Nothing };
        let asking = state.asking.as_ref().filter(|asking| asking.is_alive(now) && !asking.unheard);
        let (asks_already, invited_by) = (asking.is_some(), asking.and_then(|asking| asking.invited_by));
        if link.is_some() {
            // Whoever was removed shall not come back by a link that they alone may have.
            let good = |link: &&Link| link.is_good(now) && link.by != self.actor;
            let Some(link) = state.link.as_ref().filter(good) else {
                return Decision::Refuse(Refusal::LinkNotGood);
            };
            let admitted = self.admit(found, self.actor, Some(link.by));
            let (Decision::Commit(tells, mut writes), Some(uses)) = (admitted.clone(), link.uses_left) else {
                return admitted;
            };
            writes.push(Write::Link(Link { uses_left: Some(uses.saturating_sub(1)), ..link.clone() }));
            return Decision::Commit(tells, writes);
        }
        match group.settings.joining {
            _ if invited_by.is_some() => self.admit(found, self.actor, invited_by),
            Joining::Open => self.admit(found, self.actor, None),
            Joining::Invitation if self.is_hidden(state) => Decision::Refuse(self.nothing_there()),
            Joining::Invitation => Decision::Refuse(Refusal::InvitationOnly),
            Joining::Approval => {
                let greeting = greeting.clone();
                let asking =
                    Asking { user: self.actor, invited_by: None, greeting: greeting.clone(), at: now, unheard: false };
                let asked = Told::Asked { group: self.group, user: self.actor, greeting };
                // Should it have been handed over meanwhile, the new owner finds the request in the list. There, too, is
                // whoever asks again, and whom the owner blocks.
                let owner = self.owner.filter(|owner| *owner == group.owner && !asks_already);
                let owner = owner.filter(|owner| state.people.get(owner) != Some(&Reception::Blocked));
                Self::notices([self.actor].into_iter().chain(owner), &asked, vec![Write::Asking(asking)])
            }
        }
    }

    /// Somebody's membership is over.
    fn release(&self, found: &Found<'_>, user: UserId, told: Told) -> Decided {
        let Found { state, group, tops, now, .. } = *found;
        let at = tops.next(self.conversation());
        let counts = self.counts(tops);
        let seen = state.spans.get(&user).cloned().unwrap_or_default();
        let spans = if group.settings.leavers_keep { seen.left(at) } else { Spans::only(at) };
        let head_at = tops.of(self.conversation()).map_or(now, |head| head.sent_at.max(now));
        let head = Head { seq: at, at: head_at, counts: counts.with_members(-1) };
        // An invitation that is left over would let them in again.
        let writes = vec![Write::NoMember(user), Write::NoAsking(user), Write::Left { user, spans, head }];
        Decision::Commit(vec![Tell { joins: -1, ..self.tell(told) }], writes)
    }

    fn remember(&self, member: &Member, told: Told, change: impl FnOnce(&mut Member)) -> Decided {
        let mut member = member.clone();
        change(&mut member);
        Decision::Commit(vec![self.tell(told)], vec![Write::Member(member)])
    }

    fn act(&self, found: &Found<'_>) -> Result<Decided, Refusal> {
        match &self.change {
            Change::Create { .. } | Change::Join { .. } => Ok(Decision::Nothing),
            Change::Update { .. }
            | Change::Transfer { .. }
            | Change::MuteAll { .. }
            | Change::Announce { .. }
            | Change::Dissolve
            | Change::DissolveEmpty => self.change_record(found),
            Change::Leave
            | Change::Kick { .. }
            | Change::Role { .. }
            | Change::Mute { .. }
            | Change::Nickname { .. }
            | Change::Remark { .. } => self.change_member(found),
            Change::Answer { .. } | Change::Invite { .. } | Change::MakeLink(_) | Change::RevokeLink(_) => {
                self.let_in(found)
            }
        }
    }

    /// Changes of the group itself.
    fn change_record(&self, found: &Found<'_>) -> Result<Decided, Refusal> {
        Ok(match &self.change {
            Change::Update { version, edit } => {
                if edit.touches_settings() {
                    found.may(Act::Settle)?;
                }
                if edit.touches_card() || !edit.touches_settings() {
                    found.may(Act::Edit)?;
                }
                if version.is_some_and(|version| version != found.group.version) {
                    return Err(Refusal::Stale);
                }
                let mut changed = found.group.clone();
                edit.apply(&mut changed);
                if changed == *found.group {
                    return Ok(Decision::Nothing);
                }
                found.regroup(self, Told::Updated(edit.clone()), |group| edit.apply(group))
            }
            Change::Transfer { user } => {
                found.may(Act::HandOver)?;
                let heir = found.target.ok_or(Refusal::NoSuchMember)?;
                let Some(owner) = found.actor.filter(|owner| owner.user != heir.user) else {
                    return Ok(Decision::Nothing);
                };
                let (mut heir, mut owner) = (heir.clone(), owner.clone());
                (heir.role, owner.role) = (Role::Owner, Role::Admin);
                // Nobody could ever unmute an owner.
                heir.muted_until = None;
                let handed = found.regroup(self, Told::Owner { user: *user }, |group| group.owner = *user);
                let Decision::Commit(told, mut writes) = handed else { return Ok(handed) };
                writes.extend([Write::Member(heir), Write::Member(owner)]);
                Decision::Commit(told, writes)
            }
            Change::MuteAll { muted } => {
                found.may(Act::MuteAll)?;
                if found.group.muted == *muted {
                    return Ok(Decision::Nothing);
                }
                found.regroup(self, Told::AllMuted { muted: *muted }, |group| group.muted = *muted)
            }
            Change::Announce { text } => {
                found.may(Act::Announce)?;
                if text.is_none() && found.group.announced.is_none() {
                    return Ok(Decision::Nothing);
                }
                let announced = text.clone().map(|text| Announced { text, by: self.actor, at: found.now });
                found.regroup(self, Told::Announced { text: text.clone() }, |group| group.announced = announced)
            }
            Change::Dissolve => {
                found.may(Act::Dissolve)?;
                found.regroup(self, Told::Dissolved, |group| group.dissolved = true)
            }
            Change::DissolveEmpty => {
                found.may(Act::Dissolve)?;
                if self.counts(found.tops).members() > 1 {
                    return Err(Refusal::NotEmpty);
                }
                found.regroup(self, Told::Dissolved, |group| group.dissolved = true)
            }
            _ => Decision::Nothing,
        })
    }

    /// Changes of those who are in it.
    fn change_member(&self, found: &Found<'_>) -> Result<Decided, Refusal> {
        Ok(match &self.change {
            Change::Leave => {
                found.may(Act::Leave)?;
                self.release(found, self.actor, Told::Left { user: self.actor })
            }
            Change::Kick { user } => {
                found.member(Act::Remove)?;
                self.release(found, *user, Told::Removed { user: *user })
            }
            Change::Role { user, admin } => {
                let member = found.member(Act::Appoint)?;
                let role = if *admin { Role::Admin } else { Role::Member };
                if member.role == role {
                    return Ok(Decision::Nothing);
                }
                self.remember(member, Told::Role { user: *user, role }, |member| member.role = role)
            }
            Change::Mute { user, until } => {
                let member = found.member(Act::Mute)?;
                if member.muted_until == *until {
                    return Ok(Decision::Nothing);
                }
                self.remember(member, Told::Muted { user: *user, until: *until }, |member| member.muted_until = *until)
            }
            Change::Nickname { nickname } => {
                found.may(Act::Rename)?;
                let Some(member) = found.actor.filter(|member| member.nickname != *nickname) else {
                    return Ok(Decision::Nothing);
                };
                let told = Told::Nickname { user: self.actor, nickname: nickname.clone() };
                self.remember(member, told, |member| member.nickname.clone_from(nickname))
            }
            Change::Remark { remark } => {
                // Whoever left may still name what they keep.
                if found.state.spans.get(&self.actor).is_none_or(|spans| spans.as_slice().is_empty()) {
                    return Err(Denied::NotAMember.into());
                }
                let told = Told::Remarked { group: self.group, remark: remark.clone() };
                let writes =
                    vec![Write::Remark { user: self.actor, remark: remark.clone() }, Write::Notices(self.actor)];
                Decision::Commit(vec![Self::notice(self.actor, told)], writes)
            }
            _ => Decision::Nothing,
        })
    }

    fn invite(&self, found: &Found<'_>, user: UserId, greeting: Option<Greeting>) -> Result<Decided, Refusal> {
        let unheard = match found.state.people.get(&user) {
            None | Some(Reception::Nobody) => return Err(Refusal::NoSuchUser),
            Some(reception) => *reception == Reception::Blocked,
        };
        let standing = found.state.asking.as_ref().filter(|it| it.is_alive(found.now));
        // Whoever asked already is let in by it only if the inviter might have let them in anyway.
        if standing.is_some_and(|it| it.invited_by.is_none()) && found.may(Act::Admit).is_ok() {
            return Ok(self.admit(found, user, Some(self.actor)));
        }
        let invited = Told::Invited { group: self.group, name: found.group.name.clone(), greeting: greeting.clone() };
        // An invitation that stands is not told again.
        let tells = !unheard && standing.is_none_or(|it| it.invited_by.is_none() || it.unheard);
        // Nor can two inviters together: what stands stays as it is, heard or not.
        let asking = match standing.filter(|it| it.invited_by.is_some()) {
            Some(before) => Asking { unheard, ..before.clone() },
            None => Asking { user, invited_by: Some(self.actor), greeting, at: found.now, unheard },
        };
        let writes = if tells || standing.is_none() { vec![Write::Asking(asking)] } else { Vec::new() };
        // The inviter is told in any case, and so cannot tell a block.
        Ok(Self::notices([self.actor].into_iter().chain(tells.then_some(user)), &invited, writes))
    }

    /// What lets others in.
    fn let_in(&self, found: &Found<'_>) -> Result<Decided, Refusal> {
        Ok(match &self.change {
            Change::Answer { user, accept } => {
                found.may(Act::Admit)?;
                let waiting = found.state.asking.as_ref();
                waiting.filter(|it| it.is_alive(found.now) && it.invited_by.is_none()).ok_or(Refusal::NobodyAsks)?;
                // Whoever has come in by another way meanwhile is not let in again.
                let is_in = found.target.is_some();
                if found.state.people.get(user) == Some(&Reception::Nobody) {
                    return Err(Refusal::NoSuchUser);
                }
                if *accept && !is_in {
                    return Ok(self.admit(found, *user, Some(self.actor)));
                }
                let answered = Told::Answered { group: self.group, user: *user, accepted: is_in };
                Self::notices([self.actor, *user], &answered, vec![Write::NoAsking(*user)])
            }
            Change::Invite { user, greeting } => {
                found.may(Act::Invite)?;
                if found.target.is_some() {
                    return Err(Refusal::IsMember);
                }
                self.invite(found, *user, greeting.clone())?
            }
            Change::MakeLink(link) => {
                found.may(Act::Admit)?;
                let told = Told::LinkMade { expires_at: link.expires_at };
                Decision::Commit(vec![self.tell(told)], vec![Write::Link(link.clone())])
            }
            Change::RevokeLink(code) => {
                found.may(Act::Admit)?;
                if found.state.link.is_none() {
                    return Err(Refusal::LinkNotGood);
                }
                Decision::Commit(vec![self.tell(Told::LinkRevoked)], vec![Write::NoLink(code.clone())])
            }
            _ => Decision::Nothing,
        })
    }
}

impl Rules for Request {
    type State = State;
    type Told = Told;
    type Write = Write;
    type Refusal = Refusal;

    fn actor(&self) -> UserId {
        self.actor
    }

    fn client_id(&self) -> ClientId {
        self.client_id
    }

    fn fingerprint(&self) -> BodyHash {
        self.fingerprint
    }

    fn logs(&self) -> (Vec<ConversationId>, Vec<ConversationId>) {
        let group = self.conversation();
        let other = self.target().or(self.owner).filter(|other| *other != self.actor);
        match &self.change {
            // It depends on what is found whether the group is told or those two.
            Change::Join { .. } | Change::Answer { .. } | Change::Invite { .. } => (
                vec![group, ConversationId::Notices(self.actor)],
                other.map(ConversationId::Notices).into_iter().collect(),
            ),
            Change::Remark { .. } => (vec![ConversationId::Notices(self.actor)], Vec::new()),
            _ => (vec![group], Vec::new()),
        }
    }

    fn decide(&self, state: &State, tops: &Tops, now: Timestamp) -> Decided {
        if let Change::Create { .. } = self.change {
            return self.create(state, tops, now);
        }
        let Some(group) = &state.group else { return Decision::Refuse(self.nothing_there()) };
        let target = self.target().and_then(|user| state.members.get(&user));
        let actor = state.members.get(&self.actor);
        let found = Found { state, group, actor, target, tops, now };
        if let Change::Join { .. } = self.change {
            return match actor {
                _ if group.dissolved && self.is_hidden(state) => Decision::Refuse(self.nothing_there()),
                _ if group.dissolved => Decision::Refuse(Denied::Dissolved.into()),
                Some(_) => Decision::Nothing,
                None => self.join(&found),
            };
        }
        self.act(&found).unwrap_or_else(Decision::Refuse)
    }

    fn hides(&self, state: &State) -> Option<Refusal> {
        self.is_hidden(state).then_some(self.nothing_there())
    }

    fn audience(&self, state: &State, conversation: ConversationId) -> Audience {
        let ConversationId::Group(_) = conversation else { return Audience::default() };
        let buckets = state.group.as_ref().map_or(GROUP_BUCKETS, |group| group.buckets);
        let also = match self.change {
            Change::Leave => vec![self.actor],
            Change::Kick { user } => vec![user],
            _ => Vec::new(),
        };
        Audience { buckets, also }
    }
}
