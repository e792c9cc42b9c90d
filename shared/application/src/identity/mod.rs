//! Who somebody is: signing up and in, staying signed in, tickets for sockets, profiles, the end of an account.
//!
//! A sign-in makes a [`Session`] of one device. Its refresh token names the session and a generation; each refresh
//! advances the generation, so an old token shows that it was copied ([`judge`]). Access tokens and tickets are
//! signed and not looked up; tickets are issued only while the session exists.

pub mod ports;

mod admit;
mod change_password;
mod delete_account;
mod get_user;
mod issue_ticket;
mod kick;
mod leave_all;
mod list_devices;
mod records;
mod refresh;
mod search_people;
mod session;
mod sign_in;
mod sign_out;
mod sign_up;
mod update_user;

pub use admit::{Admit, AdmitError, Admitted};
pub use change_password::{ChangePassword, ChangePasswordError};
pub use delete_account::{DeleteAccount, DeleteAccountError};
pub use get_user::{GetUser, GetUserError, Seen, Who};
pub use issue_ticket::{IssueTicket, IssueTicketError, IssuedTicket};
pub use kick::{Ended, Kick};
pub use leave_all::{LeaveAll, LeaveEverything, NoNewcomers};
pub use list_devices::{ListDevices, SignedInDevice};
pub use records::{Account, Card, Device, Lifetimes, PasswordHash, Principal, Token};
pub use refresh::{Refresh, RefreshError};
pub use search_people::{Found, SearchPeople, SearchPeopleError};
pub use session::{Judgement, REFRESH_GRACE_MS, RefreshClaims, Session, SessionId, judge};
pub use sign_in::{SignIn, SignInCommand, SignInError, SignedIn};
pub use sign_out::{SignOut, SignOutDevices, SignOutError, SignOutWhom};
pub use sign_up::{SignUp, SignUpCommand, SignUpError};
pub use update_user::{Change, UpdateUser, UpdateUserCommand, UpdateUserError};
