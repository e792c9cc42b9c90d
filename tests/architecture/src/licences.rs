//! Under which licences we take other people's code: permissive ones, so that everybody may use Tidings as they
//! like, in binaries too.

/// Somebody else's package.
#[derive(Clone, Debug)]
pub struct Package {
    /// Name and version.
    pub name: String,
    /// What it declares: an SPDX expression, or the older `A/B`.
    pub licence: Option<String>,
}

const PERMISSIVE: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Every package whose licence is not permissive, or unknown.
pub fn check(packages: &[Package]) -> Vec<String> {
    packages
        .iter()
        .filter_map(|package| match &package.licence {
            None => Some(format!("{} declares no licence", package.name)),
            Some(licence) if permissive(licence) => None,
            Some(licence) => {
                Some(format!("{} is under {licence}, which is not on the list of permissive ones", package.name))
            }
        })
        .collect()
}

/// Whether an expression leaves us a choice of nothing but permissive licences.
fn permissive(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest) == Some(true) && rest.is_empty()
}

/// `a OR b ...`; `None` if it cannot be read.
fn any(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = all(rest)?;
    while let [word, tail @ ..] = *rest
        && *word == "OR"
    {
        *rest = tail;
        allowed |= all(rest)?;
    }
    Some(allowed)
}

/// `a AND b ...`, which binds closer.
fn all(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(rest)?;
    while let [word, tail @ ..] = *rest
        && *word == "AND"
    {
        *rest = tail;
        allowed &= one(rest)?;
    }
    Some(allowed)
}

/// A name, possibly `WITH` an exception (which only ever allows more), or a group in brackets.
fn one(rest: &mut &[&str]) -> Option<bool> {
    let [word, tail @ ..] = *rest else { return None };
    *rest = tail;
    if *word == "(" {
        let allowed = any(rest)?;
        let [")", tail @ ..] = *rest else { return None };
        *rest = tail;
        return Some(allowed);
    }
    if let ["WITH", _, tail @ ..] = *rest {
        *rest = tail;
    }
    Some(PERMISSIVE.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_passes_if_it_leaves_a_permissive_choice() {
        for (expression, want) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/GPL-3.0", true),
            ("GPL-3.0 OR MIT", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("ISC AND (GPL-2.0 OR ISC)", true),
            ("GPL-3.0-only", false),
            ("AGPL-3.0", false),
            ("MIT AND GPL-3.0", false),
            ("GPL-2.0 OR MIT AND LGPL-3.0", false),
            ("(MIT", false),
            ("MIT GPL-3.0", false),
            ("", false),
        ] {
            assert_eq!(permissive(expression), want, "{expression}");
        }
    }

    #[test]
    fn a_package_without_a_licence_is_named() {
        let package = Package { name: "mystery 1.0.0".into(), licence: None };
        assert_eq!(check(&[package]), ["mystery 1.0.0 declares no licence"]);
    }
}
