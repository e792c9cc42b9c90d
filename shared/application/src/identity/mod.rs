//! Who somebody is: signing up and in, staying signed in, tickets for sockets, public cards.
//!
//! A sign-in makes a [`Session`] of one device. Its refresh token names the session and a generation; each refresh
//! advances the generation, so an old token shows that it was copied ([`judge`]). Access tokens and tickets are
//! signed and not looked up; tickets are issued only while the session exists.

pub mod ports;

mod admit;
mod get_user;
mod issue_ticket;
mod kick;
mod list_devices;
mod records;
mod refresh;
mod session;
mod sign_in;
mod sign_out;
mod sign_up;

pub use admit::{Admit, AdmitError, Admitted};
pub use get_user::{GetUser, GetUserError, Who};
pub use issue_ticket::{IssueTicket, IssueTicketError, IssuedTicket};
pub use kick::{Ended, Kick};
pub use list_devices::{ListDevices, SignedInDevice};
pub use records::{Account, Card, Device, Lifetimes, PasswordHash, Principal, Token};
pub use refresh::{Refresh, RefreshError};
pub use session::{Judgement, REFRESH_GRACE_MS, RefreshClaims, Session, SessionId, judge};
pub use sign_in::{SignIn, SignInCommand, SignInError, SignedIn};
pub use sign_out::{SignOut, SignOutDevices, SignOutError, SignOutWhom};
pub use sign_up::{SignUp, SignUpCommand, SignUpError};
