//! The sources: which tests there are, and which trace comments.

use std::{
    fs,
    path::{Path, PathBuf},
};

const URL: &str = "//= https://www.rfc-editor.org/rfc/rfc";
const ID: &str = "//# ";

/// Whether the file of `place`, as `tests/vectors.rs::heartbeat` seen from `root`, has this test.
pub(crate) fn has_test(root: &Path, place: &str) -> bool {
    let Some((file, name)) = place.split_once("::") else {
        return false;
    };
    fs::read_to_string(root.join(file)).is_ok_and(|source| tests(&source).any(|test| test == name))
}

/// Names of the functions under a `#[test]`.
fn tests(source: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    source.lines().filter_map(move |line| {
        let line = line.trim();
        if line == "#[test]" {
            marked = true;
        }
        let name = function(line)?;
        std::mem::take(&mut marked).then_some(name)
    })
}

fn function(line: &str) -> Option<&str> {
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// A trace comment: which requirement which test says it shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Comment {
    /// The file, seen from the root that was searched, and the line.
    pub(crate) place: String,
    /// The id in its `//#` line.
    pub(crate) id: String,
    /// `rfc5213-8.3-`, by the address in its `//=` line.
    pub(crate) section: String,
    /// The test below it, as `tests/vectors.rs::heartbeat`.
    pub(crate) test: String,
}

/// The trace comments of all Rust files below `folder` of `root`.
pub(crate) fn comments(root: &Path, folder: &str) -> Vec<Comment> {
    let mut found = Vec::new();
    for path in rust_files(&root.join(folder)) {
        let source = fs::read_to_string(&path).expect("a source file is text");
        let file = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .display()
            .to_string();
        found.extend(comments_of(&file, &source));
    }
    found
}

fn comments_of(file: &str, source: &str) -> Vec<Comment> {
    let mut found: Vec<Comment> = Vec::new();
    let mut section = String::new();
    let mut waiting = 0;
    for (number, line) in (1..).zip(source.lines()) {
        let line = line.trim();
        if let Some(target) = line.strip_prefix(URL) {
            section = format!("rfc{}-", target.replace("#section-", "-"));
        } else if let Some(id) = line.strip_prefix(ID) {
            let place = format!("{file}:{number}");
            found.push(Comment {
                place,
                id: id.trim().to_owned(),
                section: section.clone(),
                test: String::new(),
            });
        } else if let Some(name) = function(line) {
            for comment in found.iter_mut().skip(waiting) {
                comment.test = format!("{file}::{name}");
            }
            waiting = found.len();
        }
    }
    found
}

/// The Rust files below a folder, in the order of their names.
fn rust_files(path: &Path) -> Vec<PathBuf> {
    let mut paths = super::folder(path);
    paths.sort();
    let files = paths.into_iter().flat_map(|path| {
        if path.is_dir() {
            rust_files(&path)
        } else {
            vec![path]
        }
    });
    files
        .filter(|path| path.extension().is_some_and(|end| end == "rs"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_test_is_a_test() {
        let source = "fn helper() {}\n#[test]\n#[ignore]\nfn shown() {}\nproptest! {\n    #[test]\n    fn drawn(a in any()) {}\n}";
        assert_eq!(super::tests(source).collect::<Vec<_>>(), ["shown", "drawn"]);
    }

    #[test]
    fn a_comment_belongs_to_the_test_below_it() {
        // Put together here, so that this file holds no trace comment.
        let source = format!(
            "{URL}5213#section-8.3\n//= type=test\n{ID}rfc5213-8.3-1\n#[test]\nfn one() {{}}\n"
        );
        let expected = Comment {
            place: "a.rs:3".into(),
            id: "rfc5213-8.3-1".into(),
            section: "rfc5213-8.3-".into(),
            test: "a.rs::one".into(),
        };
        assert_eq!(comments_of("a.rs", &source), [expected]);
    }
}
