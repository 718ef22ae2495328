//! Requirement tracing of one crate: its lists (`tests/requirements/*.toml`), the tests they name, the
//! RFC texts they come from, and the report.
//!
//! Another crate takes it in with a `#[path]` to this file. A section stands in one list of the
//! workspace; a test of another crate is named as `../pmip-binding/tests/order.rs::name`.

mod extract;
mod list;
mod report;
mod sources;

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use extract::Strength;
use list::{KINDS, List, ROLES, Requirement};
use sources::Comment;

const FOLDER: &str = "tests/requirements";
const REPORT: &str = "REQUIREMENTS.md";
/// A paraphrase or a reason of fewer letters says nothing.
const LEAST_LETTERS: usize = 8;

/// The tracing of the crate in whose test this module is compiled.
pub(crate) struct Tracing {
    root: PathBuf,
    lists: Vec<List>,
}

impl Tracing {
    /// Reads the crate's lists.
    pub(crate) fn load() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let lists = load_lists(&root);
        assert!(
            !lists.is_empty(),
            "no list in {}",
            root.join(FOLDER).display()
        );
        Self { root, lists }
    }

    /// What is wrong with the lists themselves and with the trace comments, one line each.
    pub(crate) fn problems(&self) -> Vec<String> {
        let workspace = self.workspace_lists();
        let mut problems = doubles(&workspace);
        for list in &self.lists {
            problems.extend(
                list.requirements
                    .iter()
                    .flat_map(|entry| self.entry_problems(list, entry)),
            );
        }
        problems.extend(
            self.comments()
                .iter()
                .filter_map(|comment| comment_problem(comment, &workspace)),
        );
        problems
    }

    /// Where the lists part from the RFC texts, one line each; `None` without the texts.
    pub(crate) fn differences(&self) -> Option<Vec<String>> {
        let folder = self.rfc_folder()?;
        let differences =
            |list: &List| list.differences(&list.sentences(&read_rfc(&folder, list.rfc)));
        Some(self.lists.iter().flat_map(differences).collect())
    }

    /// Coverage per RFC, MUST and SHOULD apart.
    pub(crate) fn summary(&self) -> String {
        report::summary(&self.lists)
    }

    /// Whether the committed report is the one the lists give.
    pub(crate) fn report_is_current(&self) -> bool {
        fs::read_to_string(self.root.join(REPORT)).is_ok_and(|found| found == self.report())
    }

    /// Writes lists and report anew and keeps our words. Gives what the RFC texts have that is new or
    /// changed; `None` without the texts.
    pub(crate) fn update(&mut self) -> Option<Vec<String>> {
        let folder = self.rfc_folder();
        let mut news = Vec::new();
        for list in &mut self.lists {
            if let Some(folder) = &folder {
                let sentences = list.sentences(&read_rfc(folder, list.rfc));
                news.extend(list.differences(&sentences));
                list.merge(&sentences);
            }
            list.save(&self.root.join(FOLDER).join(format!("rfc{}.toml", list.rfc)));
        }
        fs::write(self.root.join(REPORT), self.report()).expect("the report can be written");
        folder.map(|_| news)
    }

    fn report(&self) -> String {
        report::render(env!("CARGO_PKG_NAME"), &self.lists)
    }

    /// The folder with the RFC texts, which are not ours to commit.
    fn rfc_folder(&self) -> Option<PathBuf> {
        let workspace = self.root.join("..");
        let folder =
            workspace.join(env::var_os("PMIP_RFC_DIR").unwrap_or_else(|| "../shared/rfc".into()));
        let found = folder.is_dir();
        assert!(
            found || env::var_os("PMIP_REQUIRE_RFCS").is_none(),
            "no RFC texts in {}",
            folder.display()
        );
        found.then_some(folder)
    }

    fn entry_problems(&self, list: &List, entry: &Requirement) -> Vec<String> {
        let mut problems = Vec::new();
        let mut problem = |what: String| problems.push(format!("{}: {what}", entry.id));
        if !entry.id.starts_with(&format!("rfc{}-", list.rfc)) {
            problem(format!("is not of RFC {}", list.rfc));
        }
        if !list
            .sections
            .iter()
            .any(|scope| extract::within(entry.section(), scope))
        {
            problem("is outside the sections of its list".to_owned());
        }
        if Strength::of(&entry.level).is_none() {
            problem(format!("{} is no RFC 2119 keyword", entry.level));
        }
        if entry.says.len() < LEAST_LETTERS {
            problem("is not put in our words".to_owned());
        }
        for place in entry
            .test
            .iter()
            .filter(|place| !sources::has_test(&self.root, place))
        {
            problem(format!("there is no test {place}"));
        }
        match (&entry.exception, entry.test.is_empty()) {
            (Some(_), false) => problem("has both a test and an exception".to_owned()),
            (Some(reason), true) if reason.len() < LEAST_LETTERS => {
                problem("an exception without a reason".to_owned())
            }
            (None, true) if entry.strength() > Strength::May => {
                problem("has neither test nor exception".to_owned())
            }
            (Some(_), true) | (None, _) => {}
        }
        let kinds = KINDS.map(|(kind, _)| kind);
        match (&entry.exception, entry.kind.as_deref()) {
            (Some(_), None) => problem("an exception of no kind".to_owned()),
            (None, Some(_)) => problem("has a kind and no exception".to_owned()),
            (Some(_), Some(kind)) if !kinds.contains(&kind) => {
                problem(format!("{kind} is no kind of exception"));
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
        let roles = list.requirements.iter().any(|entry| entry.role.is_some());
        match entry.role.as_deref() {
            None if roles => problem("binds nobody".to_owned()),
            Some(role) if !ROLES.contains(&role) => problem(format!("{role} is no role")),
            Some(_) | None => {}
        }
        problems
    }

    fn comments(&self) -> Vec<Comment> {
        let folders = ["src", "tests"].into_iter();
        folders
            .flat_map(|folder| sources::comments(&self.root, folder))
            .collect()
    }

    /// The lists of all crates of the workspace.
    fn workspace_lists(&self) -> Vec<List> {
        folder(&self.root.join(".."))
            .iter()
            .flat_map(|root| load_lists(root))
            .collect()
    }
}

/// Ids that more than one entry has.
fn doubles(lists: &[List]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let entries = lists.iter().flat_map(|list| &list.requirements);
    entries
        .filter(|entry| !seen.insert(&entry.id))
        .map(|entry| format!("{}: twice in the lists", entry.id))
        .collect()
}

/// A trace comment names a requirement of its section, and the list names its test in turn.
fn comment_problem(comment: &Comment, lists: &[List]) -> Option<String> {
    let Comment {
        place,
        id,
        section,
        test,
    } = comment;
    let Some(entry) = lists
        .iter()
        .flat_map(|list| &list.requirements)
        .find(|entry| entry.id == *id)
    else {
        return Some(format!("{place}: no list has {id}"));
    };
    if !entry.id.starts_with(section.as_str()) {
        return Some(format!("{place}: {id} is of another section"));
    }
    let named = entry
        .test
        .iter()
        .any(|named| named.ends_with(test.as_str()));
    (!named).then(|| format!("{place}: the list does not name {test} for {id}"))
}

/// The lists of the crate at `root`, by the number of their RFC.
fn load_lists(root: &Path) -> Vec<List> {
    let mut lists: Vec<List> = folder(&root.join(FOLDER))
        .iter()
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| List::load(path))
        .collect();
    lists.sort_by_key(|list| list.rfc);
    lists
}

/// What a folder holds; nothing if there is none.
fn folder(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten();
    entries
        .map(|entry| entry.expect("a folder can be read").path())
        .collect()
}

fn read_rfc(folder: &Path, rfc: u16) -> String {
    let path = folder.join(format!("rfc{rfc}.txt"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list with one entry that nothing is wrong with.
    fn list() -> List {
        let requirement = Requirement {
            id: "rfc1-2.3-1".to_owned(),
            level: "MUST".to_owned(),
            hash: "00".to_owned(),
            says: "Our words for it.".to_owned(),
            test: vec![
                "../pmip-wire/tests/requirements/mod.rs::every_gap_in_an_entry_is_named".to_owned(),
            ],
            ..Requirement::default()
        };
        List {
            rfc: 1,
            sections: vec!["2".to_owned()],
            requirements: vec![requirement],
        }
    }

    fn problems(change: impl FnOnce(&mut Requirement)) -> Vec<String> {
        let tracing = Tracing {
            root: env!("CARGO_MANIFEST_DIR").into(),
            lists: Vec::new(),
        };
        let list = list();
        let mut entry = list.requirements[0].clone();
        change(&mut entry);
        tracing.entry_problems(&list, &entry)
    }

    #[test]
    fn every_gap_in_an_entry_is_named() {
        assert_eq!(problems(|_| {}), Vec::<String>::new());
        assert_eq!(
            problems(|entry| entry.level = "MAY".to_owned()),
            Vec::<String>::new()
        );
        let one = |change: fn(&mut Requirement)| match &problems(change)[..] {
            [problem] => problem.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            one(|entry| entry.id = "rfc1-4-1".to_owned()),
            "rfc1-4-1: is outside the sections of its list"
        );
        assert_eq!(
            one(|entry| entry.id = "rfc2-2-1".to_owned()),
            "rfc2-2-1: is not of RFC 1"
        );
        assert_eq!(
            one(|entry| entry.level = "WILL".to_owned()),
            "rfc1-2.3-1: WILL is no RFC 2119 keyword"
        );
        assert_eq!(
            one(|entry| entry.says.clear()),
            "rfc1-2.3-1: is not put in our words"
        );
        assert_eq!(
            one(|entry| entry.test.clear()),
            "rfc1-2.3-1: has neither test nor exception"
        );
        assert_eq!(
            one(|entry| entry.test.push("tests/vectors.rs::no_such".to_owned())),
            "rfc1-2.3-1: there is no test tests/vectors.rs::no_such"
        );
        assert_eq!(
            one(|entry| {
                entry.exception = Some("A good reason.".to_owned());
                entry.kind = Some("open".to_owned());
            }),
            "rfc1-2.3-1: has both a test and an exception"
        );
        assert_eq!(
            one(|entry| entry.kind = Some("open".to_owned())),
            "rfc1-2.3-1: has a kind and no exception"
        );
        let of_kind = |kind: Option<&'static str>| {
            problems(|entry| {
                entry.test.clear();
                entry.exception = Some("A good reason.".to_owned());
                entry.kind = kind.map(str::to_owned);
            })
        };
        assert_eq!(of_kind(Some("scope")), Vec::<String>::new());
        assert_eq!(of_kind(None), ["rfc1-2.3-1: an exception of no kind"]);
        assert_eq!(
            of_kind(Some("mood")),
            ["rfc1-2.3-1: mood is no kind of exception"]
        );
        assert_eq!(
            one(|entry| entry.role = Some("MN".to_owned())),
            "rfc1-2.3-1: MN is no role"
        );
        let unreasoned = |entry: &mut Requirement| {
            entry.test.clear();
            entry.exception = Some(" ".to_owned());
            entry.kind = Some("open".to_owned());
        };
        assert_eq!(one(unreasoned), "rfc1-2.3-1: an exception without a reason");
    }

    #[test]
    fn a_requirement_without_need_of_a_test_is_a_may() {
        let may = problems(|entry| {
            entry.level = "MAY".to_owned();
            entry.test.clear();
        });
        assert_eq!(may, Vec::<String>::new());
    }

    #[test]
    fn the_same_id_twice_is_found_in_different_lists_too() {
        assert_eq!(doubles(&[list()]), Vec::<String>::new());
        assert_eq!(
            doubles(&[list(), list()]),
            ["rfc1-2.3-1: twice in the lists"]
        );
    }

    #[test]
    fn a_trace_comment_and_its_list_must_agree() {
        let comment = |id: &str, section: &str, test: &str| Comment {
            place: "a.rs:1".to_owned(),
            id: id.to_owned(),
            section: section.to_owned(),
            test: test.to_owned(),
        };
        let problem = |comment| comment_problem(&comment, &[list()]);
        let test = "mod.rs::every_gap_in_an_entry_is_named";
        assert_eq!(problem(comment("rfc1-2.3-1", "rfc1-2.3-", test)), None);
        let unknown = problem(comment("rfc1-2.3-9", "rfc1-2.3-", test));
        assert_eq!(unknown.as_deref(), Some("a.rs:1: no list has rfc1-2.3-9"));
        let elsewhere = problem(comment("rfc1-2.3-1", "rfc1-2.4-", test));
        assert_eq!(
            elsewhere.as_deref(),
            Some("a.rs:1: rfc1-2.3-1 is of another section")
        );
        let unnamed = problem(comment("rfc1-2.3-1", "rfc1-2.3-", "b.rs::other"));
        assert_eq!(
            unnamed.as_deref(),
            Some("a.rs:1: the list does not name b.rs::other for rfc1-2.3-1")
        );
    }
}
