//! Where a chat is shown and typed: a terminal with a line editor, or plain lines in and out.

use std::io::{IsTerminal, Write};

use rustyline_async::{Readline, ReadlineError, ReadlineEvent, SharedWriter};
use tokio::io::{AsyncBufReadExt, BufReader, Lines, Stdin};

use crate::problem::Problem;
use crate::say;

/// What was typed.
#[derive(Debug)]
pub(super) enum Typed {
    Line(String),
    /// The end of the input.
    End,
    /// Ctrl-C.
    Interrupt,
}

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Mine,
    Theirs,
    Aside,
    Alert,
}

/// A terminal, or lines.
pub(super) enum Screen {
    /// Keeps the line that is being typed below what arrives.
    Terminal { editor: Readline, writer: SharedWriter, colour: bool },
    /// One message a line: for scripts and tests.
    Lines(Lines<BufReader<Stdin>>),
}

fn broken(error: ReadlineError) -> Problem {
    match error {
        ReadlineError::IO(error) => error.into(),
        ReadlineError::Closed => Problem::told("the terminal is closed"),
    }
}

impl Screen {
    pub(super) fn open(colour: bool) -> Result<Self, Problem> {
        if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
            return Ok(Self::Lines(BufReader::new(tokio::io::stdin()).lines()));
        }
        let (mut editor, writer) = Readline::new(String::new()).map_err(broken)?;
        // A line that was sent is shown as a message, not a second time as typed.
        editor.should_print_line_on(false, false);
        Ok(Self::Terminal { editor, writer, colour })
    }

    /// Whether somebody looks at it.
    pub(super) const fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal { .. })
    }

    /// The next line. Cancel-safe; on a terminal it also draws what was printed.
    pub(super) async fn typed(&mut self) -> Result<Typed, Problem> {
        match self {
            Self::Terminal { editor, .. } => match editor.readline().await.map_err(broken)? {
                ReadlineEvent::Line(line) => {
                    if !line.trim().is_empty() {
                        editor.add_history_entry(line.clone());
                    }
                    Ok(Typed::Line(line))
                }
                ReadlineEvent::Eof => Ok(Typed::End),
                ReadlineEvent::Interrupted => Ok(Typed::Interrupt),
            },
            Self::Lines(lines) => Ok(lines.next_line().await?.map_or(Typed::End, Typed::Line)),
        }
    }

    /// Prints above the line that is being typed.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Problem> {
        match self {
            Self::Terminal { writer, .. } => Ok(writeln!(writer, "{text}")?),
            Self::Lines(_) => {
                say::line(text);
                Ok(())
            }
        }
    }

    /// What stands before the line that is being typed.
    pub(super) fn prompt(&mut self, text: &str) -> Result<(), Problem> {
        match self {
            Self::Terminal { editor, .. } => editor.update_prompt(text).map_err(broken),
            Self::Lines(_) => Ok(()),
        }
    }

    /// Draws what was printed and takes the prompt away.
    pub(super) fn close(&mut self) -> Result<(), Problem> {
        match self {
            Self::Terminal { editor, .. } => editor.flush().map_err(broken),
            Self::Lines(_) => Ok(()),
        }
    }

    /// The text in its style, where there are colours.
    pub(super) fn styled(&self, style: Style, text: &str) -> String {
        let code = match (self, style) {
            (Self::Terminal { colour: true, .. }, Style::Mine) => "36",
            (Self::Terminal { colour: true, .. }, Style::Theirs) => "1;33",
            (Self::Terminal { colour: true, .. }, Style::Aside) => "2",
            (Self::Terminal { colour: true, .. }, Style::Alert) => "1;31",
            _ => return text.to_owned(),
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
