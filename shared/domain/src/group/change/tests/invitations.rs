//! Whom an invitation lets in, and who is told of it.

use super::*;

#[test]
fn an_invitation_lets_in_whoever_else_may_not_until_it_expires() {
    for joining in [Joining::Open, Joining::Approval, Joining::Invitation] {
        let invited = club().with(|group| group.settings.joining = joining).asked(OUTSIDER, Some(MEMBER), 1);
        let [member, inbox] = comes(OUTSIDER, Spans::default().joined(NEXT), NEXT);
        let writes = [member, inbox, Write::NoAsking(user(OUTSIDER))];
        assert_eq!(invited.ask(OUTSIDER, join()), done([joined(OUTSIDER, Some(MEMBER))], 5, writes));
    }
    let late = club().asked(OUTSIDER, Some(MEMBER), ASKING_TTL_MS);
    assert_eq!(late.ask(OUTSIDER, join()), refused(Refusal::InvitationOnly));
    assert_eq!(late.ask(ADMIN, answer(OUTSIDER, true)), refused(Refusal::NobodyAsks));
    let findable = club().with(|group| group.settings.findable = true);
    assert_eq!(findable.ask(OUTSIDER, join()), refused(Refusal::InvitationOnly));
}

#[test]
fn an_invitation_is_told_to_both() {
    let invited = Told::Invited { group: club_id(), name: "Club".parse().unwrap(), greeting: None };
    let asking = club().asked(OUTSIDER, Some(MEMBER), 0).asking.unwrap();
    let told = || [(notices(MEMBER), invited.clone()), (notices(OUTSIDER), invited.clone())];
    let writes = || [Write::Asking(asking.clone()), Write::Notices(user(MEMBER)), Write::Notices(user(OUTSIDER))];
    assert_eq!(club().ask(MEMBER, invite(OUTSIDER)), done(told(), 4, writes()));
    let asked = club().asked(OUTSIDER, None, 1);
    assert_eq!(asked.ask(MEMBER, invite(OUTSIDER)), done(told(), 4, writes()), "who may not answer invites");
    let welcome = club().taken_by_outsider(Reception::Welcome);
    assert_eq!(
        welcome.ask(MEMBER, invite(OUTSIDER)),
        done(told(), 4, writes()),
        "who would come is asked all the same"
    );
    assert_eq!(club().ask(MEMBER, invite(OTHER)), refused(Refusal::IsMember));
    assert_eq!(club().ask(MEMBER, invite(MEMBER)), refused(Refusal::IsMember));
    let nobody = club().taken_by_outsider(Reception::Nobody);
    assert_eq!(nobody.ask(MEMBER, invite(OUTSIDER)), refused(Refusal::NoSuchUser));
}

#[test]
fn an_invitation_that_stands_is_told_to_the_inviter_alone() {
    let invited = Told::Invited { group: club_id(), name: "Club".parse().unwrap(), greeting: None };
    for inviter in [MEMBER, ADMIN] {
        let told = [(notices(inviter), invited.clone())];
        let stands = club().asked(OUTSIDER, Some(MEMBER), ASKING_TTL_MS - 1);
        assert_eq!(stands.ask(inviter, invite(OUTSIDER)), done(told, 4, [Write::Notices(user(inviter))]));
    }
    let expired = club().asked(OUTSIDER, Some(MEMBER), ASKING_TTL_MS);
    assert_eq!(expired.ask(MEMBER, invite(OUTSIDER)).unwrap().unwrap().told.len(), 2);
}

#[test]
fn who_blocks_the_inviter_hears_nothing_and_the_inviter_what_they_always_hear() {
    let invited = Told::Invited { group: club_id(), name: "Club".parse().unwrap(), greeting: None };
    let told = || [(notices(MEMBER), invited.clone())];
    let only = || done(told(), 4, [Write::Notices(user(MEMBER))]);
    let blocked = club().taken_by_outsider(Reception::Blocked);
    let asking = club().unheard(MEMBER, 0).asking.unwrap();
    let kept = done(told(), 4, [Write::Asking(asking), Write::Notices(user(MEMBER))]);
    assert_eq!(blocked.ask(MEMBER, invite(OUTSIDER)), kept, "the list of requests shows it");
    assert_eq!(blocked.clone().unheard(MEMBER, 1).ask(MEMBER, invite(OUTSIDER)), only());
    assert_eq!(blocked.clone().asked(OUTSIDER, None, 1).ask(MEMBER, invite(OUTSIDER)), only(), "their request stays");
    let heard = club().unheard(MEMBER, 1).ask(ADMIN, invite(OUTSIDER)).unwrap().unwrap();
    assert_eq!(heard.told.len(), 2, "another one's invitation is heard");
    assert!(
        matches!(&heard.writes[0], Write::Asking(asking) if asking.invited_by == Some(user(MEMBER)) && !asking.unheard)
    );

    // What was not heard is not there.
    let unheard = club().unheard(MEMBER, 1);
    assert_eq!(unheard.ask(OUTSIDER, join()), denied(Denied::NotAMember));
    let approval = unheard.with(|group| group.settings.joining = Joining::Approval);
    let asking = club().asked(OUTSIDER, None, 0).asking.unwrap();
    assert!(approval.ask(OUTSIDER, join()).unwrap().unwrap().writes.contains(&Write::Asking(asking)));
}
