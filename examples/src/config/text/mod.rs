//! The line-based configuration language.
//!
//! A line is looked up in the present mode and, when it is unknown there, in the modes around it.
//! Modes are tables of commands ([`modes`]); each command is a syntax ([`grammar`]) and a function
//! that changes the model. What follows a block by indentation or by `exit`, `end` and prompts
//! alike is found here.

mod context;
mod diagnose;
mod grammar;
mod lexer;
mod matcher;
mod modes;

use std::collections::BTreeMap;
use std::ops::Range;

pub(super) use self::diagnose::nearest;

use self::context::Context;
use self::lexer::{Line, Token};
use self::matcher::Mismatch;
use self::modes::{Command, Compiled, Mode};
use super::model::Config;
use super::report::Problem;

/// Where each part of the model was written, by its TOML path such as `lma[0].mobile-map`.
pub(super) type Origins = BTreeMap<String, Range<usize>>;

/// Reads configuration text. The model is complete where there is no error.
pub(super) fn parse(source: &str) -> (Config, Origins, Vec<Problem>) {
    amend(Config::default(), source)
}

/// Reads configuration text that goes on after `config`.
pub(super) fn amend(config: Config, source: &str) -> (Config, Origins, Vec<Problem>) {
    let mut reader = Reader {
        context: Context {
            config,
            ..Context::default()
        },
        frames: vec![Frame::global()],
        indented: false,
        skipping: None,
        last: None,
    };
    for (number, line) in lexer::lines(source).enumerate() {
        if number == MAX_LINES {
            let message = format!("more than {MAX_LINES} commands");
            let problem = Problem::error(line.span(), message).label("not read from here on");
            reader.context.problems.push(problem);
            break;
        }
        reader.read(&line);
        if reader.context.problems.len() > MAX_PROBLEMS {
            break;
        }
    }
    let context = reader.context;
    (context.config, context.origins, context.problems)
}

/// Whether a line could be the first one of a configuration in this language.
pub(super) fn is_language(line: &str) -> bool {
    let line = lexer::lines(line).next();
    line.is_some_and(|line| matches!(modes::find(Mode::Global, &line.tokens), Ok(Some(_))))
}

/// After so many problems reading on only costs time.
const MAX_PROBLEMS: usize = 200;

/// Lines with commands at most.
const MAX_LINES: usize = 200_000;

/// A mode that was entered.
#[derive(Debug)]
struct Frame {
    mode: Mode,
    /// TOML path of what it configures.
    path: String,
    /// Columns in front of the command that entered it; `None` after a prompt.
    opener: Option<usize>,
    /// Columns in front of its first line.
    body: Option<usize>,
}

impl Frame {
    fn global() -> Self {
        Self {
            mode: Mode::Global,
            path: String::new(),
            opener: None,
            body: None,
        }
    }
}

/// The last command, for a line that only continues it.
struct Last<'a> {
    depth: usize,
    tokens: Vec<Token<'a>>,
    no: bool,
    /// Its problem, when it ended too early.
    incomplete: Option<usize>,
}

/// A block whose opening line was wrong: its lines would only repeat the problem.
struct Skipped {
    indent: Option<usize>,
    /// A deeper line was skipped: the block is indented.
    deeper: bool,
}

/// Whether a command of `mode` that opens a block starts like this line.
fn first_opens(mode: Mode, tokens: &[Token<'_>]) -> bool {
    let Some(first) = tokens.first() else {
        return false;
    };
    modes::leads(mode).any(|(lead, opens)| {
        opens && lead.split(' ').next() == Some(first.text.to_ascii_lowercase().as_str())
    })
}

struct Reader<'a> {
    context: Context,
    frames: Vec<Frame>,
    /// Some block so far was indented.
    indented: bool,
    skipping: Option<Skipped>,
    last: Option<Last<'a>>,
}

/// How a line was found among the commands.
enum Found {
    /// In the mode of this frame.
    Command(usize, &'static Compiled),
    /// The first words fit, a later one does not.
    Wrong(usize, Mismatch),
    /// No mode around knows its first word.
    Unknown,
}

impl<'a> Reader<'a> {
    fn read(&mut self, line: &Line<'a>) {
        if self.is_skipped(line) {
            return;
        }
        self.dedent(line.indent);
        if let Some(top) = self.frames.last_mut()
            && top.body.is_none()
        {
            top.body = line.indent;
            let deeper = top
                .body
                .zip(top.opener)
                .is_some_and(|(body, opener)| body > opener);
            self.indented |= deeper;
        }
        let no = line
            .tokens
            .first()
            .is_some_and(|token| token.text.eq_ignore_ascii_case("no"));
        let tokens = line.tokens.get(usize::from(no)..).unwrap_or_default();
        let Some(first) = tokens.first() else {
            let problem = Problem::error(line.span(), "`no` of what?")
                .label("a command is missing")
                .help("write the command to take back after `no`");
            self.context.problems.push(problem);
            return;
        };
        match first.text.to_ascii_lowercase().as_str() {
            "end" if tokens.len() == 1 => {
                self.frames.truncate(1);
                self.skipping = None;
            }
            "exit" if tokens.len() == 1 => self.exit(),
            "do" => {}
            _ if modes::is_rule(self.mode(), tokens) => self.rule(line, tokens, no),
            _ => self.command(line, tokens, no),
        }
    }

    fn mode(&self) -> Mode {
        self.frames.last().map_or(Mode::Global, |frame| frame.mode)
    }

    fn exit(&mut self) {
        if self.skipping.take().is_none() && self.frames.len() > 1 {
            self.frames.pop();
        }
    }

    /// Lines of a block that was never entered, when indentation tells.
    fn is_skipped(&mut self, line: &Line<'_>) -> bool {
        let Some(skipped) = &mut self.skipping else {
            return false;
        };
        match (skipped.indent, line.indent) {
            (Some(opener), Some(indent)) if indent > opener => {
                skipped.deeper = true;
                true
            }
            (Some(_), Some(_)) => {
                if self.indented || skipped.deeper {
                    self.skipping = None;
                }
                false
            }
            _ => false,
        }
    }

    /// Leaves the blocks that indentation has closed.
    fn dedent(&mut self, indent: Option<usize>) {
        let Some(indent) = indent else {
            return;
        };
        while let Some(frame) = self
            .frames
            .last()
            .filter(|frame| frame.mode != Mode::Global)
        {
            let Some(opener) = frame.opener else {
                return;
            };
            let is_indented = frame.body.map_or(self.indented, |body| body > opener);
            if !is_indented || indent > opener {
                return;
            }
            self.frames.pop();
        }
    }

    fn rule(&mut self, line: &Line<'a>, tokens: &[Token<'a>], no: bool) {
        // `permit` and `deny` return to the last access list, wherever they are typed.
        if self.mode() != Mode::AccessList && self.context.at.access_list.is_some() {
            self.frames.truncate(1);
            let path = self.context.access_list_path();
            self.frames.push(Frame {
                mode: Mode::AccessList,
                path,
                opener: None,
                body: line.indent,
            });
        }
        self.last = None;
        modes::rule(&mut self.context, tokens, no, line.end);
    }

    fn command(&mut self, line: &Line<'a>, tokens: &[Token<'a>], no: bool) {
        match self.find(tokens, line.at_global) {
            Found::Command(depth, command) => {
                self.frames.truncate(depth + 1);
                self.run(line, tokens, no, command);
            }
            Found::Wrong(depth, mismatch) => {
                self.last = None;
                let mode = self
                    .frames
                    .get(depth)
                    .map_or(Mode::Global, |frame| frame.mode);
                let problem = diagnose::mismatch(mode, None, tokens, line.end, &mismatch);
                self.context.problems.push(problem);
                if first_opens(mode, tokens) {
                    self.skip(line);
                }
            }
            Found::Unknown => self.unknown(line, tokens),
        }
    }

    /// Looks a line up, from the innermost mode outwards.
    fn find(&self, tokens: &[Token<'a>], at_global: bool) -> Found {
        let mut wrong = None;
        let depths = (0..self.frames.len()).rev();
        let global_first = at_global.then_some(0).into_iter();
        for depth in global_first.chain(depths) {
            let Some(frame) = self.frames.get(depth) else {
                continue;
            };
            match modes::find(frame.mode, tokens) {
                Ok(Some(command)) => return Found::Command(depth, command),
                Ok(None) => {}
                Err(mismatch) => wrong = wrong.or(Some((depth, mismatch))),
            }
        }
        match wrong {
            Some((depth, mismatch)) => Found::Wrong(depth, mismatch),
            None => Found::Unknown,
        }
    }

    fn run(&mut self, line: &Line<'a>, tokens: &[Token<'a>], no: bool, command: &'static Compiled) {
        let depth = self.frames.len() - 1;
        self.last = Some(Last {
            depth,
            tokens: tokens.to_vec(),
            no,
            incomplete: None,
        });
        let mut args = match modes::matches(command, tokens, no) {
            Ok(args) => args,
            Err(mismatches) => {
                for mismatch in &mismatches {
                    self.mismatch(line, tokens, command.command, mismatch);
                }
                return;
            }
        };
        args.no = no;
        args.span = line.span();
        args.tokens = tokens.to_vec();
        self.apply(line.indent, command.command, &args);
    }

    fn apply(
        &mut self,
        indent: Option<usize>,
        command: &'static Command,
        args: &matcher::Args<'a>,
    ) {
        let Some(frame) = self.frames.last() else {
            return;
        };
        self.context.mode = frame.mode;
        self.context.path.clone_from(&frame.path);
        let path = self.context.path.clone();
        let done = (command.run)(&mut self.context, args);
        let entered = command.opens.filter(|_| done.is_some() && !args.no);
        if let Some(mode) = entered {
            self.skipping = None;
            self.frames.push(Frame {
                mode,
                path: self.context.path.clone(),
                opener: indent,
                body: None,
            });
            let entered = self.context.path.clone();
            self.context
                .origins
                .entry(entered)
                .or_insert_with(|| args.span.clone());
        } else if command.opens.is_some() && !args.no {
            self.skipping = Some(Skipped {
                indent,
                deeper: false,
            });
        } else {
            self.context.path = path;
        }
    }

    fn mismatch(
        &mut self,
        line: &Line<'a>,
        tokens: &[Token<'a>],
        command: &'static Command,
        mismatch: &Mismatch,
    ) {
        if command.opens.is_some() {
            self.skip(line);
        }
        let problem = diagnose::mismatch(self.mode(), Some(command), tokens, line.end, mismatch);
        if let Some(last) = &mut self.last
            && mismatch.at >= tokens.len()
        {
            last.incomplete = Some(self.context.problems.len());
        }
        self.context.problems.push(problem);
    }

    /// A line that no mode knows: perhaps it continues the last command.
    fn unknown(&mut self, line: &Line<'a>, tokens: &[Token<'a>]) {
        if self.continues(line, tokens) || self.skipping.is_some() {
            return;
        }
        let modes: Vec<Mode> = self.frames.iter().map(|frame| frame.mode).collect();
        let (problem, opens) = diagnose::unknown(&modes, tokens);
        self.context.problems.push(problem);
        self.last = None;
        if opens {
            self.skip(line);
        }
    }

    /// The block that this line should have opened is not there.
    fn skip(&mut self, line: &Line<'_>) {
        self.skipping = Some(Skipped {
            indent: line.indent,
            deeper: false,
        });
    }

    fn continues(&mut self, line: &Line<'a>, tokens: &[Token<'a>]) -> bool {
        let Some(last) = &self.last else {
            return false;
        };
        let Some(frame) = self.frames.get(last.depth) else {
            return false;
        };
        let mut whole = last.tokens.clone();
        whole.extend_from_slice(tokens);
        let Ok(Some(command)) = modes::find(frame.mode, &whole) else {
            return false;
        };
        let Ok(mut args) = modes::matches(command, &whole, last.no) else {
            return false;
        };
        let start = whole.first().map_or(line.end, |token| token.start);
        (args.no, args.span, args.tokens) = (last.no, start..line.end, whole);
        if let Some(incomplete) = last.incomplete
            && incomplete < self.context.problems.len()
        {
            self.context.problems.remove(incomplete);
        }
        self.frames.truncate(last.depth + 1);
        self.last = None;
        self.apply(line.indent, command.command, &args);
        true
    }
}
