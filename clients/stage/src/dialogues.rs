//! The file: dialogues of two people each, one message a line.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use tidings_client::Body;

use crate::error::StageError;

/// A message of the file. Its order there counts, not `at`: several can share a second.
#[derive(Debug, Deserialize)]
struct Line {
    conversation: String,
    sender: String,
    text: String,
}

fn told(what: impl Into<String>) -> StageError {
    StageError::File(what.into())
}

/// How much of a file is taken; all of it by default.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// Only the first so many dialogues.
    pub dialogues: Option<usize>,
    /// Only messages among the first so many lines.
    pub messages: Option<usize>,
}

/// One dialogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialogue {
    /// What the file calls it.
    pub name: String,
    /// What the two people are called.
    pub people: [String; 2],
    /// Who says what, in order.
    pub said: Vec<(usize, String)>,
}

impl Dialogue {
    /// The dialogues of the file, in the order of their beginnings.
    pub fn read(file: &Path, part: Part) -> Result<Vec<Self>, StageError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| told(format!("{} cannot be read: {error}", file.display())))?;
        Self::parse(&text, part)
    }

    fn parse(text: &str, part: Part) -> Result<Vec<Self>, StageError> {
        let mut all: Vec<(Vec<String>, Self)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let lines = (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        for (number, line) in lines.take(part.messages.unwrap_or(usize::MAX)) {
            let wrong = |what: &str| told(format!("line {number}: {what}"));
            let line: Line = serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
            Body::text(line.text.clone()).encode().map_err(|error| wrong(&error.to_string()))?;
            let place = *places.entry(line.conversation.clone()).or_insert_with(|| {
                let dialogue = Self { name: line.conversation, people: Default::default(), said: Vec::new() };
                all.push((Vec::new(), dialogue));
                all.len() - 1
            });
            let (people, dialogue) = &mut all[place];
            let sender = people.iter().position(|name| *name == line.sender).unwrap_or_else(|| {
                people.push(line.sender);
                people.len() - 1
            });
            if sender > 1 {
                return Err(wrong("a third person in a dialogue of two"));
            }
            dialogue.said.push((sender, line.text));
        }
        let mut dialogues: Vec<Self> = all
            .into_iter()
            .take(part.dialogues.unwrap_or(usize::MAX))
            .map(|(people, mut dialogue)| {
                let mut people = people.into_iter();
                // Somebody who only listened has no name in the file.
                dialogue.people = [(); 2].map(|()| people.next().unwrap_or_else(|| "silent".into()));
                dialogue
            })
            .collect();
        dialogues.retain(|dialogue| !dialogue.said.is_empty());
        if dialogues.is_empty() {
            return Err(told("there is no dialogue in this file"));
        }
        Ok(dialogues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
{"conversation":"x","sender":"a","at":"2018-04-10T18:32:05Z","text":"1"}
{"conversation":"y","sender":"c","at":"2018-04-10T18:32:05Z","text":"2"}
{"conversation":"x","sender":"b","at":"2018-04-10T18:32:05Z","text":"3"}
{"conversation":"x","sender":"a","at":"2018-04-10T18:32:06Z","text":"4"}
"#;

    #[test]
    fn lines_become_dialogues() {
        let [x, y] = &Dialogue::parse(FILE, Part::default()).unwrap()[..] else { panic!("two dialogues") };
        assert_eq!(x.people, ["a", "b"]);
        assert_eq!(x.said, [(0, "1".into()), (1, "3".into()), (0, "4".into())]);
        assert_eq!(y.people, ["c", "silent"]);
    }

    #[test]
    fn a_part_can_be_taken() {
        let one = Part { dialogues: Some(1), ..Part::default() };
        assert_eq!(Dialogue::parse(FILE, one).unwrap().len(), 1);
        let three = Part { messages: Some(3), ..Part::default() };
        assert_eq!(Dialogue::parse(FILE, three).unwrap()[0].said.len(), 2);
    }

    #[test]
    fn what_is_no_dialogue_is_named() {
        let third = r#"{"conversation":"x","sender":"c","text":"5"}"#;
        let error = Dialogue::parse(&format!("{FILE}{third}"), Part::default()).unwrap_err().to_string();
        assert_eq!(error, "line 6: a third person in a dialogue of two");
        assert!(Dialogue::parse("", Part::default()).is_err());
        assert!(Dialogue::parse("{}", Part::default()).unwrap_err().to_string().starts_with("line 1: "));
    }
}
