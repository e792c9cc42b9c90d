//! `register`, `login`, `account`.

use std::io::IsTerminal;

use tidings_client::{Client, SignIn, SignUp};
use tidings_domain::identity::{DisplayName, Password, Platform, Username};

use crate::args::{Delete, Login, NewPassword, Place, Register};
use crate::problem::Problem;
use crate::profile::{Profile, leave};
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
    let password = new_password(register.password, "TIDINGS_PASSWORD")?;
    let person = SignUp { username: username.clone(), password: password.clone(), display_name };
    Client::sign_up(&profile.options.network, place.server(), person).await?;
    sign_in(place, &profile, username, password).await
}

/// Signs in on this device.
pub(crate) async fn login(place: &Place, login: Login) -> Result<(), Problem> {
    let profile = Profile::open_and(place, login.forget)?;
    let username: Username = login.username.parse()?;
    let password = password(login.password)?;
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

/// Changes the password; this device stays signed in.
pub(crate) async fn change_password(place: &Place, change: NewPassword) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let old = password(change.password)?;
    let new = new_password(change.new_password, "TIDINGS_NEW_PASSWORD")?;
    let result = client.change_password(old, new).await;
    leave(&client).await;
    result?;
    say::line("the password is changed; all other devices are signed out");
    Ok(())
}

/// Deletes the account.
pub(crate) async fn delete(place: &Place, delete: Delete) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let username = client.me().username.to_string();
    if !delete.yes {
        if !std::io::stdin().is_terminal() {
            return Err(Problem::told("this cannot be undone; add --yes to delete the account"));
        }
        say::note(format_args!("this cannot be undone; type the user name, {username}, to delete the account:"));
        let mut typed = String::new();
        std::io::stdin().read_line(&mut typed)?;
        if typed.trim() != username {
            return Err(Problem::told("nothing was deleted"));
        }
    }
    let result = client.delete_account(password(delete.password)?).await;
    leave(&client).await;
    result?;
    say::line(format_args!("the account {username} is deleted; --forget with another sign-in drops what is kept here"));
    Ok(())
}

/// The password as given, or as typed.
fn password(given: Option<String>) -> Result<Password, Problem> {
    Ok(given.map_or_else(|| typed("password: ", "TIDINGS_PASSWORD"), Ok)?.parse()?)
}

/// A new password as given, or as typed twice.
fn new_password(given: Option<String>, variable: &str) -> Result<Password, Problem> {
    if let Some(password) = given {
        return Ok(password.parse()?);
    }
    let password = typed("new password: ", variable)?;
    if typed("again: ", variable)? != password {
        return Err(Problem::told("the passwords differ"));
    }
    Ok(password.parse()?)
}

fn typed(prompt: &str, variable: &str) -> Result<String, Problem> {
    if !std::io::stdin().is_terminal() {
        let option = variable.trim_start_matches("TIDINGS_").to_ascii_lowercase().replace('_', "-");
        return Err(Problem::told(format!("no {}: use --{option} or {variable}", option.replace('-', " "))));
    }
    Ok(rpassword::prompt_password(prompt)?)
}
