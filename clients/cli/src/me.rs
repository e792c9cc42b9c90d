//! `profile`: who one is to others.

use serde_json::json;
use std::str::FromStr;
use tidings_client::{Client, Own, ProfileChange, User};

use crate::args::{self, Place};
use crate::problem::Problem;
use crate::profile::{ONLINE_WITHIN, Profile, leave, online};
use crate::say;

/// Changes what is named, and prints what there is now.
pub(crate) async fn profile(place: &Place, asked: args::Profile) -> Result<(), Problem> {
    let json = asked.json;
    let change = change(asked)?;
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = seen(&client, change).await;
    leave(&client).await;
    let (user, own) = result?;
    if json {
        say::json(&json!({ "user": user, "own": own }));
        return Ok(());
    }
    let none = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    for (what, text) in [
        ("id", user.id.to_string()),
        ("user name", user.username.to_string()),
        ("name", user.display_name.to_string()),
        ("bio", none(user.bio.to_string())),
        ("language", none(own.language.to_string())),
        ("time zone", none(own.time_zone.to_string())),
        ("messages from", own.messages_from.to_string()),
        ("presence to", own.presence_to.to_string()),
        ("version", own.version.to_string()),
    ] {
        say::line(format_args!("{what:<13}  {text}"));
    }
    Ok(())
}

async fn seen(client: &Client, change: Option<ProfileChange>) -> Result<(User, Own), Problem> {
    online(client, ONLINE_WITHIN).await?;
    Ok(match change {
        Some(change) => client.update_profile(change).await?,
        None => client.profile().await?,
    })
}

/// What is to become different, if anything is.
fn change(asked: args::Profile) -> Result<Option<ProfileChange>, Problem> {
    let args::Profile { name, username, bio, language, time_zone, messages_from, presence_to, if_version, json: _ } =
        asked;
    let named = [&name, &username, &bio, &language, &time_zone, &messages_from, &presence_to];
    if named.iter().all(|text| text.is_none()) {
        return Ok(None);
    }
    Ok(Some(ProfileChange {
        version: if_version,
        username: parse(username)?,
        display_name: parse(name)?,
        bio: parse(bio)?,
        language: parse(language)?,
        time_zone: parse(time_zone)?,
        messages_from: parse(messages_from)?,
        presence_to: parse(presence_to)?,
    }))
}

fn parse<T: FromStr<Err: Into<Problem>>>(text: Option<String>) -> Result<Option<T>, Problem> {
    text.map(|text| text.parse().map_err(Into::into)).transpose()
}
