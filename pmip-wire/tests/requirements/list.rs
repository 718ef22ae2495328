//! The committed lists: one TOML file an RFC, one entry a sentence.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use super::extract::{self, Sentence, Strength};

const HEAD: &str = "\
# Sentences with an RFC 2119 keyword, in our own words. `id`, `level` and `hash` are written by
# `tests/requirements/update`; `says`, `test` and `exception` by us. See tests/requirements/README.md.
";

/// What is traced of one RFC.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// Its number.
    pub(crate) rfc: u16,
    /// Sections in scope, each with all below it.
    pub(crate) sections: Vec<String>,
    /// Their requirements, in the order of the text.
    #[serde(default, rename = "requirement")]
    pub(crate) requirements: Vec<Requirement>,
}

/// One sentence.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Requirement {
    /// RFC, section and place in it: `rfc5213-8.3-2`.
    pub(crate) id: String,
    /// Its strongest keyword.
    pub(crate) level: String,
    /// Start of the SHA-256 of the sentence.
    pub(crate) hash: String,
    /// What it asks for, in our own words.
    pub(crate) says: String,
    /// Whom it binds: one of [`ROLES`]. All entries of a list have one, or none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<String>,
    /// Tests that show it, as `tests/vectors.rs::heartbeat`, seen from the crate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) test: Vec<String>,
    /// Why no test shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) exception: Option<String>,
    /// What kind of exception it is: one of [`KINDS`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
}

/// Whom a requirement may bind.
pub(crate) const ROLES: [&str; 4] = ["LMA", "MAG", "both", "other"];

/// Kinds of exceptions, each with what the report says of it.
pub(crate) const KINDS: [(&str, &str); 9] = [
    ("open", "Not done, or done in part"),
    ("deviation", "Done otherwise, on purpose"),
    ("untested", "Done, and shown by no test"),
    ("program", "The job of the program around the library"),
    ("scope", "Procedures that this project leaves out"),
    ("party", "The duty of another party"),
    ("security", "The job of the security layer below"),
    ("pointer", "Points elsewhere and asks for nothing itself"),
    ("internal", "Not to be seen from outside"),
];

impl Requirement {
    /// The entry that a sentence opens, yet to be put in our words.
    fn new(rfc: u16, sentence: &Sentence) -> Self {
        Self {
            id: id(rfc, sentence),
            level: sentence.level.to_owned(),
            hash: sentence.hash(),
            ..Self::default()
        }
    }

    /// The section in the id.
    pub(crate) fn section(&self) -> &str {
        self.id.split('-').nth(1).unwrap_or("")
    }

    /// What its keyword asks for; an unknown level, which the check reports, counts as MUST.
    pub(crate) fn strength(&self) -> Strength {
        Strength::of(&self.level).unwrap_or(Strength::Must)
    }
}

/// The id of a sentence.
pub(crate) fn id(rfc: u16, sentence: &Sentence) -> String {
    format!("rfc{rfc}-{}-{}", sentence.section, sentence.ordinal)
}

impl List {
    /// Reads a list.
    pub(crate) fn load(path: &Path) -> Self {
        let text =
            fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Writes it back in its one form.
    pub(crate) fn save(&self, path: &Path) {
        let text = toml::to_string(self).expect("a list is TOML");
        fs::write(path, format!("{HEAD}{text}"))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// The sentences of its scope in the text of the RFC.
    pub(crate) fn sentences(&self, text: &str) -> Vec<Sentence> {
        extract::sentences(text, &self.sections)
    }

    /// Where the list and the sentences of the RFC part, one line each.
    pub(crate) fn differences(&self, sentences: &[Sentence]) -> Vec<String> {
        let mut differences = Vec::new();
        for sentence in sentences {
            let id = id(self.rfc, sentence);
            match self.requirements.iter().find(|entry| entry.id == id) {
                None => differences.push(format!(
                    "{id}: not in the list: [{}] {}",
                    sentence.level, sentence.text
                )),
                Some(entry) if entry.hash != sentence.hash() || entry.level != sentence.level => {
                    differences.push(format!(
                        "{id}: the list has another sentence: [{}] {}",
                        sentence.level, sentence.text
                    ));
                }
                Some(_) => {}
            }
        }
        for entry in &self.requirements {
            if !sentences
                .iter()
                .any(|sentence| id(self.rfc, sentence) == entry.id)
            {
                differences.push(format!("{}: not in the text of the RFC", entry.id));
            }
        }
        differences
    }

    /// Takes the sentences as they are now and keeps what we wrote about each: by its hash within its
    /// section, so that a sentence may move, else by its id.
    pub(crate) fn merge(&mut self, sentences: &[Sentence]) {
        let mut old = std::mem::take(&mut self.requirements);
        let mut entries: Vec<_> = sentences
            .iter()
            .map(|one| (Requirement::new(self.rfc, one), false))
            .collect();
        for same in [
            |old: &Requirement, new: &Requirement| old.id == new.id && old.hash == new.hash,
            |old: &Requirement, new: &Requirement| {
                old.section() == new.section() && old.hash == new.hash
            },
            |old: &Requirement, new: &Requirement| old.id == new.id,
        ] {
            for (new, found) in entries.iter_mut().filter(|(_, found)| !found) {
                if let Some(place) = old.iter().position(|old| same(old, new)) {
                    let sentence = std::mem::take(new);
                    *new = Requirement {
                        id: sentence.id,
                        level: sentence.level,
                        hash: sentence.hash,
                        ..old.remove(place)
                    };
                    *found = true;
                }
            }
        }
        self.requirements = entries.into_iter().map(|(entry, _)| entry).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> List {
        List {
            rfc: 1,
            sections: vec!["2".to_owned()],
            requirements: Vec::new(),
        }
    }

    #[test]
    fn our_words_follow_a_sentence_that_moves() {
        let mut list = list();
        list.merge(&list.sentences("2.  Two\n\n   A MUST.\n\n   B MUST.\n"));
        for (entry, says) in list.requirements.iter_mut().zip(["a", "b"]) {
            entry.says = says.to_owned();
        }
        let moved = list.sentences("2.  Two\n\n   New MAY.\n\n   A MUST.\n\n   B MUST.\n");
        assert_eq!(list.differences(&moved).len(), 3);
        list.merge(&moved);
        assert!(list.differences(&moved).is_empty());
        let says: Vec<_> = list
            .requirements
            .iter()
            .map(|entry| (entry.id.as_str(), entry.says.as_str()))
            .collect();
        assert_eq!(
            says,
            [("rfc1-2-1", ""), ("rfc1-2-2", "a"), ("rfc1-2-3", "b")]
        );
    }

    #[test]
    fn a_list_that_parts_from_its_text_is_found() {
        let mut list = list();
        list.merge(&list.sentences("2.  Two\n\n   A MUST.\n\n   B MUST.\n"));
        let fewer = list.sentences("2.  Two\n\n   A MUST.\n");
        assert_eq!(
            list.differences(&fewer),
            ["rfc1-2-2: not in the text of the RFC"]
        );
        let other = list.sentences("2.  Two\n\n   A MUST.\n\n   C MUST.\n");
        assert_eq!(
            list.differences(&other),
            ["rfc1-2-2: the list has another sentence: [MUST] C MUST."]
        );
    }
}
