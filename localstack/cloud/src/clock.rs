//! The wall clock, read in one place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// The wall clock's time since 1970.
#[expect(clippy::disallowed_methods, reason = "the local cloud's one look at the wall clock")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The same as a point in time, for signatures.
pub(crate) fn now() -> SystemTime {
    UNIX_EPOCH + since_1970()
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(since_1970().as_millis()).unwrap_or(u64::MAX)
}

/// API Gateway's `requestTime`, for instance `09/Feb/2024:18:23:28 +0000`.
pub(crate) fn gateway_time(epoch_ms: u64) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] =
        format_description!("[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000");
    at(epoch_ms).format(FORMAT).unwrap_or_default()
}

/// ISO 8601 to the second, as the management API answers.
pub(crate) fn iso_time(epoch_ms: u64) -> String {
    const FORMAT: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    at(epoch_ms).format(FORMAT).unwrap_or_default()
}

fn at(epoch_ms: u64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(i64::try_from(epoch_ms / 1000).unwrap_or_default())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    #[test]
    fn times_look_like_the_gateways() {
        assert_eq!(super::gateway_time(1_707_503_008_941), "09/Feb/2024:18:23:28 +0000");
        assert_eq!(super::iso_time(1_707_503_008_941), "2024-02-09T18:23:28Z");
    }
}
