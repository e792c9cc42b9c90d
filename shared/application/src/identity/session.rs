//! Sessions and the rule of refresh tokens.

use std::fmt;
use std::str::FromStr;

use tidings_domain::identity::{DisplayName, Platform};
use tidings_domain::ids::{DeviceId, UserId};
use tidings_domain::time::Timestamp;

use super::records::Principal;

/// How long the refresh token before the current one still answers, in milliseconds. It covers a lost reply (the
/// client resends after 10 s) and two tabs that refresh at once; a thief has as long, and no longer.
pub const REFRESH_GRACE_MS: u64 = 60 * 1_000;

/// A session's name: 128 random bits, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(u128);

impl SessionId {
    /// The id with these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The text is no session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is 32 hexadecimal digits")]
pub struct InvalidSessionId;

impl FromStr for SessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        let bits = u128::from_str_radix(text, 16).map_err(|_| InvalidSessionId)?;
        let id = Self(bits);
        (id.to_string() == text).then_some(id).ok_or(InvalidSessionId)
    }
}

/// That somebody is signed in on a device. There is one at most for each device; signing in again replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub user: UserId,
    /// On which device.
    pub device: DeviceId,
    /// The device's name, for the person's list of devices.
    pub name: DisplayName,
    /// The device's class.
    pub platform: Platform,
    /// Which session of the device: the next sign-in has another one.
    pub id: SessionId,
    /// Which refresh token is the current one. Only grows (MONO-1).
    pub generation: u64,
    /// When they signed in.
    pub created_at: Timestamp,
    /// When the generation last grew.
    pub rotated_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
}

impl Session {
    /// Who speaks in it.
    pub fn principal(&self) -> Principal {
        Principal { user: self.user, device: self.device.clone(), platform: self.platform, session: self.id }
    }

    /// What its current refresh token says.
    pub fn refresh_claims(&self) -> RefreshClaims {
        RefreshClaims { user: self.user, device: self.device.clone(), session: self.id, generation: self.generation }
    }

    /// Whether it is this very session of the device, and still good.
    pub fn is_alive(&self, id: SessionId, now: Timestamp) -> bool {
        self.id == id && now < self.expires_at
    }
}

/// What a refresh token says. A token is a function of these and a key, so the same one can be given out again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshClaims {
    /// Whose.
    pub user: UserId,
    /// For which device.
    pub device: DeviceId,
    /// For which session of it.
    pub session: SessionId,
    /// The token's place in the session's row of tokens.
    pub generation: u64,
}

/// What becomes of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is the current one: advance the generation, on condition that it still is.
    Rotate,
    /// It is the one before, and recent: its answer was lost or it raced, so the current one is given out again.
    Repeat,
    /// It was used before: somebody has a copy. The session must end, whoever asks.
    Reused,
    /// It belongs to a session that has ended or never was. Nothing is known about the present one.
    Ended,
}

/// Judges a token, whose seal has been checked, by what the table has for its device.
pub fn judge(claims: &RefreshClaims, session: Option<&Session>, now: Timestamp) -> Judgement {
    let Some(session) = session.filter(|session| session.is_alive(claims.session, now)) else {
        return Judgement::Ended;
    };
    let recent = now.millis_since(session.rotated_at) <= REFRESH_GRACE_MS;
    match session.generation.checked_sub(claims.generation) {
        Some(0) => Judgement::Rotate,
        Some(1) if recent => Judgement::Repeat,
        Some(_) => Judgement::Reused,
        // A generation that was never written: the table was set back. Signing in again heals it.
        None => Judgement::Ended,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_764_000_000_000;

    fn session(generation: u64, rotated_ago_ms: u64) -> Session {
        Session {
            user: UserId::from_bits(1),
            device: "phone".parse().unwrap(),
            name: "Phone".parse().unwrap(),
            platform: Platform::Phone,
            id: SessionId::from_bits(7),
            generation,
            created_at: Timestamp::from_millis(NOW - 1_000_000),
            rotated_at: Timestamp::from_millis(NOW - rotated_ago_ms),
            expires_at: Timestamp::from_millis(NOW + 1),
        }
    }

    #[test]
    fn tokens_are_judged_by_their_generation_and_age() {
        for (presented, current, rotated_ago_ms, want) in [
            (3, 3, 0, Judgement::Rotate),
            (3, 3, 999_999, Judgement::Rotate),
            (2, 3, 0, Judgement::Repeat),
            (2, 3, REFRESH_GRACE_MS, Judgement::Repeat),
            (2, 3, REFRESH_GRACE_MS + 1, Judgement::Reused),
            (1, 3, 0, Judgement::Reused),
            (4, 3, 0, Judgement::Ended),
        ] {
            let session = session(current, rotated_ago_ms);
            let claims = RefreshClaims { generation: presented, ..session.refresh_claims() };
            let now = Timestamp::from_millis(NOW);
            assert_eq!(judge(&claims, Some(&session), now), want, "{presented} of {current} after {rotated_ago_ms}");
        }
    }

    #[test]
    fn another_session_or_none_or_an_expired_one_has_ended() {
        let session = session(3, 0);
        let claims = session.refresh_claims();
        let now = Timestamp::from_millis(NOW);
        let other = RefreshClaims { session: SessionId::from_bits(8), generation: 1, ..claims.clone() };
        assert_eq!(judge(&other, Some(&session), now), Judgement::Ended);
        assert_eq!(judge(&claims, None, now), Judgement::Ended);
        assert_eq!(judge(&claims, Some(&session), session.expires_at), Judgement::Ended);
    }

    #[test]
    fn session_ids_have_one_spelling() {
        let id = SessionId::from_bits(0xab);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "ab", &id.to_string().to_uppercase(), "+00000000000000000000000000000ab"] {
            assert_eq!(bad.parse::<SessionId>(), Err(InvalidSessionId), "{bad}");
        }
    }
}
