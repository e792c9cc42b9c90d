//! How many tests a command ran, read from what nextest and `cargo test` print at their end.

use std::ops::AddAssign;

/// Who writes the summaries of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// `Summary [  0.1s] 9 tests run: 7 passed (1 slow), 1 failed, 1 timed out, 2 skipped`
    Nextest,
    /// `test result: FAILED. 7 passed; 2 failed; 0 ignored; ...`
    CargoTest,
}

impl Tool {
    /// The tool that a command line calls.
    pub(crate) fn of(command: &[String]) -> Self {
        if command.iter().any(|word| word == "nextest") { Self::Nextest } else { Self::CargoTest }
    }
}

/// Tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Passed.
    pub(crate) passed: u64,
    /// Failed, timed out or could not be started.
    pub(crate) failed: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Counts {
    /// Reads a summary line of the tool; `None` for any other line. nextest shows what a failed test printed, and
    /// with it a line of `cargo test`'s form, which must not count twice.
    pub(crate) fn read(tool: Tool, line: &str) -> Option<Self> {
        let line = without_colours(line);
        let line = line.trim();
        let parts = match tool {
            Tool::Nextest => line.strip_prefix("Summary [")?.split_once(" run: ")?.1,
            Tool::CargoTest => line.strip_prefix("test result: ")?.split_once(". ")?.1,
        };
        let mut counts = Self::default();
        for part in parts.split([',', ';']) {
            let Some((number, what)) = part.trim().split_once(' ') else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            if what.starts_with("passed") {
                counts.passed += number;
            } else if ["failed", "timed out", "exec failed"].iter().any(|word| what.starts_with(word)) {
                counts.failed += number;
            }
        }
        Some(counts)
    }
}

/// The text without ANSI colour sequences.
fn without_colours(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        rest = sequence.split_once('m').map_or("", |(_, after)| after);
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_are_read_and_nothing_else() {
        use Tool::{CargoTest, Nextest};
        for (tool, line, want) in [
            (Nextest, "     Summary [   0.005s] 5 tests run: 5 passed, 0 skipped", Some((5, 0))),
            (Nextest, "     Summary [   1.005s] 1 test run: 1 passed (1 slow), 40 skipped", Some((1, 0))),
            (
                Nextest,
                "Summary [ 9.1s] 9 tests run: 6 passed (1 leaky), 1 failed, 1 timed out, 1 exec failed, 2 skipped",
                Some((6, 3)),
            ),
            (
                Nextest,
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \
                 \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m skipped",
                Some((2, 0)),
            ),
            (Nextest, "    test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured", None),
            (CargoTest, "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out", Some((3, 0))),
            (CargoTest, "test result: FAILED. 3 passed; 2 failed; 1 ignored; 0 measured", Some((3, 2))),
            (CargoTest, "running 3 tests", None),
            (CargoTest, "7 passed, 1 failed", None),
            (Nextest, "", None),
        ] {
            let want = want.map(|(passed, failed)| Counts { passed, failed });
            assert_eq!(Counts::read(tool, line), want, "{line}");
        }
    }
}
