//! How messages look.

use tidings_client::{Body, Entry};
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{Date, OffsetDateTime, UtcOffset};

const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute]");
const DAY: &[BorrowedFormatItem<'_>] = format_description!("[weekday] [day padding:none] [month repr:long] [year]");
const SHORT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]");

/// The local time of day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(UtcOffset);

impl Clock {
    /// This machine's time zone; UTC where it cannot be found out.
    pub(crate) fn local() -> Self {
        Self(UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC))
    }

    fn at(self, millis: u64) -> OffsetDateTime {
        let seconds = i64::try_from(millis / 1_000).unwrap_or_default();
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH).to_offset(self.0)
    }

    /// `12:03`
    pub(crate) fn time(self, millis: u64) -> String {
        self.at(millis).format(TIME).unwrap_or_default()
    }

    /// `2026-11-24 12:03`
    pub(crate) fn short(self, millis: u64) -> String {
        self.at(millis).format(SHORT).unwrap_or_default()
    }

    /// The day, for dividers.
    pub(crate) fn day(self, millis: u64) -> Date {
        self.at(millis).date()
    }
}

/// `Tuesday 24 November 2026`
pub(crate) fn day_name(day: Date) -> String {
    day.format(DAY).unwrap_or_default()
}

/// What an entry says, harmless on a terminal.
pub(crate) fn of(entry: &Entry) -> String {
    match &entry.body {
        Body::Text { text } => harmless(text),
        _ => "(something that this version cannot show)".into(),
    }
}

/// Without anything that would move the cursor, recolour the screen or turn the direction of writing: what somebody
/// else wrote must not look like what it is not. Line breaks stay, and what follows is set in.
pub(crate) fn harmless(text: &str) -> String {
    let turns = |character: char| matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.trim_end_matches(['\n', '\r'])
        .replace("\r\n", "\n")
        .chars()
        .map(|character| match character {
            '\n' => '\n',
            '\t' => ' ',
            _ if character.is_control() || turns(character) => '\u{fffd}',
            _ => character,
        })
        .collect::<String>()
        .replace('\n', "\n        ")
}

/// At most `width` characters of the first line.
pub(crate) fn preview(text: &str, width: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_write_cannot_drive_the_terminal() {
        assert_eq!(harmless("hi\u{1b}[2J\u{202e}x\n\n"), "hi\u{fffd}[2J\u{fffd}x");
        assert_eq!(harmless("one\r\ntwo"), "one\n        two");
    }

    #[test]
    fn previews_are_cut_with_a_mark() {
        assert_eq!(preview("hello", 5), "hello");
        assert_eq!(preview("hello world\nmore", 6), "hello…");
    }
}
