//! Everything that is written from the tables: schemas, interface descriptions, client methods, documentation.
//!
//! [`files`] are whole files, [`sections`] are parts of Markdown pages between two markers. `cargo xtask generate`
//! writes them, a test compares them with what is checked in. All of it is deterministic: keys are sorted, so a
//! change of the tables shows as the same change everywhere.
//!
//! Another target language is another module here and another line in [`files`].

mod asyncapi;
mod definitions;
mod examples;
mod frames;
mod openapi;
mod rust_client;
mod tables;

use serde_json::Value;

pub use definitions::meaning;
pub use examples::{Frame, SERVER_FRAMES};
pub use tables::sections;

/// A generated file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it lies, from the root of the repository.
    pub path: &'static str,
    /// What it must say.
    pub content: String,
}

/// A generated part of a Markdown page, between `<!-- generated:NAME -->` and `<!-- /generated -->`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What the marker calls it.
    pub name: &'static str,
    /// What must stand between the markers.
    pub content: String,
}

/// The pages that may have generated sections.
pub const PAGES: &[&str] = &["shared/protocol/README.md", "README.md", "ARCHITECTURE.md"];

/// Every generated file.
pub fn files() -> Vec<File> {
    vec![
        File { path: "shared/protocol/schema/frames.schema.json", content: pretty(frames::document()) },
        File { path: "shared/protocol/schema/asyncapi.json", content: pretty(asyncapi::document()) },
        File { path: "shared/protocol/schema/openapi.json", content: pretty(openapi::document()) },
        File { path: "clients/rust/src/generated.rs", content: rust_client::source() },
    ]
}

/// The page with its generated sections as they must be, or what is wrong with its markers.
pub fn fill(page: &str) -> Result<String, String> {
    const OPEN: &str = "<!-- generated:";
    const CLOSE: &str = "<!-- /generated -->";
    let sections = sections();
    let mut filled = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (name, after) = after.split_once(" -->").ok_or("a marker is not closed with ` -->`")?;
        let (_, after) = after.split_once(CLOSE).ok_or_else(|| format!("no `{CLOSE}` after {name}"))?;
        let section = sections
            .iter()
            .find(|section| section.name == name)
            .ok_or_else(|| format!("there is no section {name}"))?;
        filled.extend([before, OPEN, name, " -->\n", &section.content, CLOSE]);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// Sorted, indented, with a line feed at the end. Sorting is explicit: whether `serde_json` keeps the order of
/// insertion depends on what else is compiled along.
fn pretty(mut document: Value) -> String {
    document.sort_all_objects();
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_filled_between_its_markers() {
        let page = "# Title\n<!-- generated:errors -->\nold\n<!-- /generated -->\nend\n";
        let filled = fill(page).unwrap();
        assert!(filled.starts_with("# Title\n<!-- generated:errors -->\n| "), "{filled}");
        assert!(filled.ends_with("|\n<!-- /generated -->\nend\n"), "{filled}");
        assert!(!filled.contains("old"));
        assert_eq!(fill(&filled).unwrap(), filled, "filling twice is filling once");
    }

    #[test]
    fn a_broken_marker_is_named() {
        assert!(fill("<!-- generated:errors -->").unwrap_err().contains("after errors"));
        assert!(fill("<!-- generated:nonsense --><!-- /generated -->").unwrap_err().contains("nonsense"));
    }
}
