//! Login policies: on how many devices a person is signed in at once, and why a device was signed out.

use std::fmt;
use std::str::FromStr;

use crate::identity::Platform;

/// Which devices of one person may be signed in side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LoginPolicy {
    /// All of them.
    #[default]
    Unlimited,
    /// One of each class.
    OnePerClass,
    /// One.
    Single,
}

/// The text is no login policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLoginPolicy;

impl fmt::Display for InvalidLoginPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a login policy is unlimited, one_per_class or single")
    }
}

impl std::error::Error for InvalidLoginPolicy {}

impl FromStr for LoginPolicy {
    type Err = InvalidLoginPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidLoginPolicy> {
        match text {
            "unlimited" => Ok(Self::Unlimited),
            "one_per_class" => Ok(Self::OnePerClass),
            "single" => Ok(Self::Single),
            _ => Err(InvalidLoginPolicy),
        }
    }
}

impl LoginPolicy {
    /// Whether two devices of these classes may be signed in side by side.
    pub fn allows(self, one: Platform, other: Platform) -> bool {
        match self {
            Self::Unlimited => true,
            Self::OnePerClass => one != other,
            Self::Single => false,
        }
    }

    /// Of what is signed in, those that must go once `new` is there: all that may not stand beside it but the newest
    /// of them, itself included. `of` tells a device's class and its place in the order of sign-ins, which is total.
    ///
    /// Of several sign-ins at once at most one stays: each is written before its own look at the others, so of any two
    /// the one that is written last sees both, and ends the older one even if that is itself. Were each to end only
    /// those older than itself, two would stay whenever the older one is written after the newer one has looked.
    pub fn displaced<'a, T, O: Ord>(
        self,
        new: &'a T,
        signed_in: &'a [T],
        of: impl Fn(&'a T) -> (Platform, O),
    ) -> Vec<&'a T> {
        let (class, place) = of(new);
        let rivals: Vec<_> =
            signed_in.iter().map(|one| (one, of(one))).filter(|(_, (other, _))| !self.allows(*other, class)).collect();
        let newest = rivals.iter().map(|(_, (_, place))| place).chain([&place]).max();
        rivals.iter().filter(|(_, (_, place))| Some(place) < newest).map(|(one, _)| *one).collect()
    }
}

/// Why a device was signed out by somebody else than its own client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KickReason {
    /// The person signed it out, there or on another device.
    SignedOut,
    /// They signed in elsewhere, and the deployment's policy allows no more devices.
    LoginPolicy,
    /// They have a new password.
    PasswordChanged,
    /// They ended their account.
    AccountDeleted,
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: Platform = Platform::Phone;
    const WEB: Platform = Platform::Web;

    fn displaced(policy: LoginPolicy, new: (Platform, u8), signed_in: &[(Platform, u8)]) -> Vec<u8> {
        policy.displaced(&new, signed_in, |one| *one).iter().map(|(_, place)| *place).collect()
    }

    #[test]
    fn the_newest_of_those_that_exclude_each_other_stays() {
        let all = [(PHONE, 1), (WEB, 2), (PHONE, 3), (WEB, 4)];
        for (policy, new, want) in [
            (LoginPolicy::Unlimited, (WEB, 4), vec![]),
            (LoginPolicy::OnePerClass, (WEB, 4), vec![2]),
            (LoginPolicy::OnePerClass, (PHONE, 3), vec![1]),
            (LoginPolicy::Single, (WEB, 4), vec![1, 2, 3]),
            // Somebody newer was faster: the new one goes itself.
            (LoginPolicy::OnePerClass, (WEB, 2), vec![2]),
            (LoginPolicy::Single, (WEB, 2), vec![1, 2, 3]),
        ] {
            assert_eq!(displaced(policy, new, &all), want, "{policy:?} {new:?}");
        }
        // Its own writing may be undone before it looks.
        assert_eq!(displaced(LoginPolicy::Single, (WEB, 9), &all), [1, 2, 3, 4]);
    }

    /// Each sign-in writes, then looks and ends what it should. Every order of these steps leaves one.
    #[test]
    fn of_three_sign_ins_at_once_one_stays_in_every_order() {
        fn go(left: &mut [u8; 3], signed_in: &mut Vec<(Platform, u8)>, orders: &mut u32) {
            if *left == [0; 3] {
                *orders += 1;
                assert_eq!(signed_in.len(), 1, "{signed_in:?}");
                return;
            }
            for device in 0..3_usize {
                let (place, before) = (u8::try_from(device).unwrap(), signed_in.clone());
                match left[device] {
                    2 => signed_in.push((WEB, place)),
                    1 => {
                        let out = displaced(LoginPolicy::Single, (WEB, place), signed_in);
                        signed_in.retain(|(_, place)| !out.contains(place));
                    }
                    _ => continue,
                }
                left[device] -= 1;
                go(left, signed_in, orders);
                left[device] += 1;
                *signed_in = before;
            }
        }
        let mut orders = 0;
        go(&mut [2; 3], &mut Vec::new(), &mut orders);
        assert_eq!(orders, 90);
    }

    #[test]
    fn policies_are_read_by_their_names() {
        assert_eq!("unlimited".parse(), Ok(LoginPolicy::default()));
        assert_eq!("one_per_class".parse(), Ok(LoginPolicy::OnePerClass));
        assert_eq!("single".parse(), Ok(LoginPolicy::Single));
        assert_eq!("Single".parse::<LoginPolicy>(), Err(InvalidLoginPolicy));
    }
}
