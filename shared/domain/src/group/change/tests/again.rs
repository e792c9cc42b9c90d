//! Those who try to come in once more.

use super::*;

#[test]
fn whoever_was_removed_does_not_come_back_by_their_own_link() {
    let mut removed = club().linked(None, 1);
    removed.members.remove(&user(ADMIN));
    assert_eq!(removed.ask(ADMIN, join_by_link()), refused(Refusal::LinkNotGood));
    assert!(removed.ask(OUTSIDER, join_by_link()).is_ok(), "others do");
}

#[test]
fn nobody_lets_in_whose_account_has_ended() {
    let gone = Club { people: [(user(OUTSIDER), Reception::Nobody)].into(), ..club().asked(OUTSIDER, None, 1) };
    assert_eq!(gone.ask(ADMIN, answer(OUTSIDER, true)), refused(Refusal::NoSuchUser));
    assert!(gone.ask(ADMIN, answer(OUTSIDER, false)).is_ok());
}

#[test]
fn whoever_asks_is_told_to_the_owner_once_and_not_past_a_block() {
    let approval = club().with(|group| group.settings.joining = Joining::Approval);
    let told = |club: Club| club.ask(OUTSIDER, join()).unwrap().unwrap().told.into_iter().map(|(log, _)| log);
    let both = [notices(OUTSIDER), notices(OWNER)];
    assert!(told(approval.clone()).eq(both));
    assert!(told(approval.clone().asked(OUTSIDER, None, 1)).eq([notices(OUTSIDER)]));
    assert!(told(approval.clone().asked(OUTSIDER, None, ASKING_TTL_MS)).eq(both), "as if for the first time");
    let blocked = Club { people: [(user(OWNER), Reception::Blocked)].into(), ..approval };
    assert!(told(blocked).eq([notices(OUTSIDER)]), "by whom the owner blocks, not at all");
}
