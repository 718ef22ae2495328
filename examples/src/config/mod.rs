//! Node configuration: one typed model, its TOML, the line-based language, printing and checks.
//!
//! [`load`] reads a file of either kind and gives the model with its warnings, or a [`Report`] of
//! everything that is wrong, each with line, column and what would be right. [`node::select`]
//! picks the node that a program runs.

use std::path::Path;

pub use self::model::Config;
pub use self::print::text as to_text;
pub use self::report::{Problem, Report, Severity};
pub use self::toml_text::print as to_toml;

mod check;
pub mod cli;
pub mod cost;
mod limits;
pub mod model;
pub mod node;
mod print;
mod report;
mod text;
mod toml_text;

/// A file that was read without errors.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// What is probably not meant so; may be empty.
    pub warnings: Report,
}

/// Which of the two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The line-based language.
    Text,
    /// TOML.
    Toml,
}

impl Format {
    /// By the name: `.toml` is TOML, anything else is the language.
    pub fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("toml") => Self::Toml,
            Some(_) | None => Self::Text,
        }
    }
}

/// Octets of a configuration file at most.
pub const MAX_FILE_OCTETS: u64 = 16 << 20;

/// Reads the configuration file at `path`; a name ending in `.toml` is TOML, anything else the
/// configuration language.
///
/// # Errors
/// Every error of the file, with its warnings beside them.
pub fn load(path: &Path) -> Result<Loaded, Report> {
    let name = path.display().to_string();
    let source = read(path).map_err(|why| Report::unreadable(&name, &why))?;
    parse(&name, &source, Format::of(path))
}

/// Reads configuration text; `name` is what its problems call the file.
///
/// # Errors
/// Every error of the text, with its warnings beside them.
pub fn parse(name: &str, source: &str, format: Format) -> Result<Loaded, Report> {
    let (config, origins, mut problems) = match format {
        Format::Toml => toml_text::parse(source),
        Format::Text => text::parse(source),
    };
    let broken = problems
        .iter()
        .any(|problem| problem.severity == Severity::Error);
    if broken && let Some(problem) = of_the_other_format(source, format) {
        return Err(Report::new(name, source, vec![problem]));
    }
    let found = check::check(&config, &origins);
    // What is missing in a broken file may stand in a line that was not understood.
    problems.extend(
        found
            .into_iter()
            .filter(|problem| !broken || problem.severity == Severity::Error),
    );
    let report = Report::new(name, source, problems);
    match report.counts() {
        (0, _) => Ok(Loaded {
            config,
            warnings: report,
        }),
        (_, _) => Err(report),
    }
}

/// Reads lines of the configuration language into a configuration, as if they stood behind it.
///
/// # Errors
/// Every error of the lines and of the whole.
pub fn amend(config: &Config, lines: &str) -> Result<Loaded, Report> {
    let (config, origins, mut problems) = text::amend(config.clone(), lines);
    let found = check::check(&config, &origins);
    // Warnings about what stood there before were given before.
    problems.extend(
        found
            .into_iter()
            .filter(|problem| problem.severity == Severity::Error || problem.span.is_some()),
    );
    let report = Report::new("configure", lines, problems);
    match report.counts() {
        (0, _) => Ok(Loaded {
            config,
            warnings: report,
        }),
        (_, _) => Err(report),
    }
}

/// One problem in place of one for every line, when the name of a file says the wrong format.
fn of_the_other_format(source: &str, format: Format) -> Option<Problem> {
    let comment = |line: &&str| line.is_empty() || line.starts_with(['#', '!']);
    let mut lines = source.lines().map(str::trim).filter(|line| !comment(line));
    let first = lines.next()?;
    let word = |text: &str| {
        text.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    let is_table = first.starts_with('[') && first.ends_with(']');
    let key = first.split_once('=').map(|(key, _)| key.trim());
    let is_toml = is_table || key.is_some_and(|key| !key.is_empty() && word(key));
    let start = source.find(first)?;
    let span = start..start + first.len();
    let problem = match (format, is_toml) {
        (Format::Text, true) => {
            Problem::error(span, "this is TOML, and the file's name does not say so")
                .label("TOML")
                .help("give the file a name that ends in `.toml`")
        }
        (Format::Toml, false) if text::is_language(first) => {
            let message = "this is the configuration language, and the file's name says TOML";
            Problem::error(span, message)
                .label("the configuration language")
                .help("give the file a name that does not end in `.toml`, such as `.cfg`")
        }
        (Format::Text | Format::Toml, _) => return None,
    };
    Some(problem)
}

fn read(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.len() > MAX_FILE_OCTETS {
        return Err(format!("it is larger than {MAX_FILE_OCTETS} octets"));
    }
    let octets = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(octets).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        format!("it is not UTF-8 text (octet {at})")
    })
}
