//! Logical ids: letters and digits alone, a name each.

/// `message.send` as `MessageSend`, `INLINE_PUSH_MAX` as `InlinePushMax`, `$connect` as `Connect`. What is of mixed case
/// already stays so: `createAccount` is `CreateAccount`.
pub fn camel(name: &str) -> String {
    let shouted = !name.chars().any(|letter| letter.is_ascii_lowercase());
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| capital(word, shouted)).collect()
}

fn capital(word: &str, shouted: bool) -> String {
    let (first, rest) = word.split_at(1);
    let rest = if shouted { rest.to_ascii_lowercase() } else { rest.to_owned() };
    first.to_ascii_uppercase() + &rest
}

/// The function's own resource.
pub fn function(name: &str) -> String {
    format!("{}Function", camel(name))
}

/// What the function may do.
pub fn role(function: &str) -> String {
    format!("{}Role", camel(function))
}

/// What the function says.
pub fn log_group(function: &str) -> String {
    format!("{}LogGroup", camel(function))
}

/// A table.
pub fn table(name: &str) -> String {
    format!("{}Table", camel(name))
}

/// A queue's own resource, by its short name.
pub fn queue(name: &str) -> String {
    format!("{}Queue", camel(name))
}

/// A queue's dead-letter queue.
pub fn dead_letters(queue: &str) -> String {
    format!("{}DeadLetters", camel(queue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_logical_ids() {
        for (name, id) in [
            ("message.send", "MessageSend"),
            ("INLINE_PUSH_MAX", "InlinePushMax"),
            ("$connect", "Connect"),
            ("createAccount", "CreateAccount"),
            ("fanout-0", "Fanout0"),
        ] {
            assert_eq!(camel(name), id);
        }
    }
}
