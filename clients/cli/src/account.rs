//! `register`, `login`.

use std::io::IsTerminal;

use tidings_client::{Client, SignIn, SignUp};
use tidings_domain::identity::{DisplayName, Password, Platform, Username};

use crate::args::{Login, Place, Register};
use crate::problem::Problem;
use crate::profile::Profile;
use crate::say;

/// Makes an account and signs in on this device.
pub(crate) async fn register(place: &Place, register: Register) -> Result<(), Problem> {
    let profile = Profile::open_and(place, register.forget)?;
    // Said before the account is made: a new person never owns what is here.
    if let Some(owner) = Client::owner(&profile.store).await? {
        return Err(Problem::told(format!(
            "the profile `{}` belongs to {}; take another --profile, or drop what it holds with --forget",
            place.profile, owner.username
        )));
    }
    let username: Username = register.username.parse()?;
    let display_name: DisplayName = register.name.as_deref().unwrap_or(&register.username).parse()?;
    let password = password(register.password, true)?;
    let person = SignUp { username: username.clone(), password: password.clone(), display_name };
    Client::sign_up(&profile.options.network, place.server(), person).await?;
    sign_in(place, &profile, username, password).await
}

/// Signs in on this device.
pub(crate) async fn login(place: &Place, login: Login) -> Result<(), Problem> {
    let profile = Profile::open_and(place, login.forget)?;
    let username: Username = login.username.parse()?;
    let password = password(login.password, false)?;
    sign_in(place, &profile, username, password).await
}

async fn sign_in(place: &Place, profile: &Profile, username: Username, password: Password) -> Result<(), Problem> {
    let login = SignIn {
        server: place.server().to_owned(),
        username,
        password,
        device_name: "Terminal".parse()?,
        platform: Platform::Desktop,
    };
    let client = Client::sign_in(profile.store.clone(), profile.options.clone(), login).await?;
    let me = client.me();
    say::line(format_args!("signed in as {} ({}), {}", me.username, me.display_name, me.id));
    client.close().await;
    Ok(())
}

/// The password as given, or as typed.
fn password(given: Option<String>, new: bool) -> Result<Password, Problem> {
    if let Some(password) = given {
        return Ok(password.parse()?);
    }
    if !std::io::stdin().is_terminal() {
        return Err(Problem::told("no password: use --password or TIDINGS_PASSWORD"));
    }
    let password = rpassword::prompt_password("password: ")?;
    if new && rpassword::prompt_password("again: ")? != password {
        return Err(Problem::told("the passwords differ"));
    }
    Ok(password.parse()?)
}
