//! Modes and their commands, as data: one file per mode or family of modes.

mod access_list;
mod customer;
mod domain;
mod global;
mod hybrid;
mod interface;
mod lma;
mod mag;
mod peer;
mod shared;

use std::sync::LazyLock;

use super::context::Context;
use super::grammar::Pattern;
use super::lexer::Token;
use super::matcher::{self, Args, Fit, Mismatch, MismatchKind};

pub(super) use self::access_list::{is_rule, rule};

/// One command of a mode.
#[derive(Debug)]
pub(super) struct Command {
    /// See [`grammar`](super::grammar).
    pub(super) syntax: &'static str,
    /// Changes the model. `None`: something was missing; a problem tells what.
    pub(super) run: fn(&mut Context, &Args<'_>) -> Option<()>,
    /// The mode it enters.
    pub(super) opens: Option<Mode>,
}

impl Command {
    const fn new(syntax: &'static str, run: fn(&mut Context, &Args<'_>) -> Option<()>) -> Self {
        Self {
            syntax,
            run,
            opens: None,
        }
    }

    const fn opens(mut self, mode: Mode) -> Self {
        self.opens = Some(mode);
        self
    }
}

/// Declares the modes: name, commands, what people call it, how it is entered.
macro_rules! modes {
    ($($(#[$attribute:meta])* $mode:ident: $commands:expr, $description:literal, $entered:literal;)*) => {
        /// Where a command may stand.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(super) enum Mode {
            $($(#[$attribute])* $mode,)*
        }

        impl Mode {
            pub(super) const ALL: [Self; [$($description),*].len()] = [$(Self::$mode),*];

            fn commands(self) -> &'static [Command] {
                match self {
                    $(Self::$mode => $commands,)*
                }
            }

            /// What people call it.
            pub(super) fn description(self) -> &'static str {
                match self {
                    $(Self::$mode => $description,)*
                }
            }

            /// The command that enters it.
            pub(super) fn entered_by(self) -> &'static str {
                match self {
                    $(Self::$mode => $entered,)*
                }
            }
        }
    };
}

modes! {
    #[default]
    Global: global::COMMANDS, "global configuration", "configure terminal";
    AccessList: access_list::COMMANDS, "access-list mode", "ip access-list extended NAME";
    Interface: interface::COMMANDS, "interface mode", "interface NAME";
    DhcpPool: interface::DHCP_COMMANDS, "DHCP pool mode", "ip dhcp pool NAME";
    Domain: domain::COMMANDS, "domain mode", "ipv6 mobile pmipv6-domain NAME";
    DomainMag: peer::COMMANDS, "the domain's MAG mode", "mag ID DOMAIN";
    DomainLma: peer::COMMANDS, "the domain's LMA mode", "lma ID";
    Nai: domain::NAI_COMMANDS, "NAI mode", "nai USER@REALM";
    MobileMap: domain::MAP_COMMANDS, "mobile-map mode", "mobile-map NAME SEQUENCE";
    Lma: lma::COMMANDS, "LMA mode", "ipv6 mobile pmipv6-lma ID domain NAME";
    LmaMag: peer::COMMANDS, "the LMA's MAG mode", "mag ID DOMAIN";
    Network: lma::NETWORK_COMMANDS, "LMA network mode", "network NAME";
    LocalLoop: customer::LOOP_COMMANDS, "the LMA's mobile-local-loop mode", "mobility-service mobile-local-loop";
    Customer: customer::COMMANDS, "customer mode", "customer NAME vrf VRF";
    Transport: customer::TRANSPORT_COMMANDS, "transport mode", "transport vrf NAME";
    CustomerNetwork: customer::NETWORK_COMMANDS, "the customer's network mode", "network NAME";
    Mag: mag::COMMANDS, "MAG mode", "ipv6 mobile pmipv6-mag ID domain NAME";
    Dynamic: mag::DYNAMIC_COMMANDS, "the MAG's dynamic address mode", "address dynamic";
    MagLma: mag::LMA_COMMANDS, "the MAG's LMA mode", "lma ID DOMAIN";
    LogicalMn: mag::LMN_COMMANDS, "logical-mn mode", "logical-mn NAI";
    MagLoop: mag::LOOP_COMMANDS, "the MAG's mobile-local-loop mode", "mobility-service mobile-local-loop";
    HybridAccess: hybrid::COMMANDS, "hybrid-access mode", "mobility-service hybrid-access";
    Profile: hybrid::PROFILE_COMMANDS, "profile mode", "profile-definition NAME";
}

/// A command with its compiled syntax.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) command: &'static Command,
    pattern: Pattern,
}

/// Compiled tables, in the order of [`Mode::ALL`].
static TABLES: LazyLock<Vec<Vec<Compiled>>> = LazyLock::new(|| {
    let compile = |command: &'static Command| Compiled {
        command,
        pattern: Pattern::compile(command.syntax).unwrap_or_default(),
    };
    let modes = Mode::ALL.into_iter();
    modes
        .map(|mode| mode.commands().iter().map(compile).collect())
        .collect()
});

fn table(mode: Mode) -> &'static [Compiled] {
    TABLES
        .get(mode as usize)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// The command of `mode` whose first keywords these are, abbreviated or not; `Ok(None)` when the
/// first word fits none.
pub(super) fn find(
    mode: Mode,
    tokens: &[Token<'_>],
) -> Result<Option<&'static Compiled>, Mismatch> {
    let mut candidates: Vec<&'static Compiled> = table(mode).iter().collect();
    for depth in 0.. {
        let next = |entry: &&'static Compiled| entry.pattern.lead().nth(depth);
        let complete = candidates
            .iter()
            .find(|entry| next(entry).is_none())
            .copied();
        let words = candidates
            .iter()
            .filter_map(next)
            .filter_map(|names| names.first().copied());
        let Some(token) = tokens.get(depth) else {
            return match complete {
                Some(entry) => Ok(Some(entry)),
                None => Err(mismatch(depth, MismatchKind::Unexpected, words.collect())),
            };
        };
        let fits = |fit: Fit| -> Vec<&'static Compiled> {
            let entries = candidates.iter().copied();
            entries
                .filter(|entry| {
                    next(entry).is_some_and(|names| matcher::fit(names, token.text) == fit)
                })
                .collect()
        };
        let exact = fits(Fit::Exact);
        let chosen = if exact.is_empty() {
            fits(Fit::Abbreviation)
        } else {
            exact
        };
        let mut keywords: Vec<&'static str> = chosen
            .iter()
            .filter_map(|entry| next(entry)?.first().copied())
            .collect();
        keywords.dedup();
        match (keywords.as_slice(), complete) {
            ([], Some(entry)) => return Ok(Some(entry)),
            ([], None) if depth == 0 => return Ok(None),
            ([], None) => {
                return Err(mismatch(depth, MismatchKind::Unexpected, words.collect()));
            }
            ([_], _) => candidates = chosen,
            (_, _) => return Err(mismatch(depth, MismatchKind::Ambiguous, keywords)),
        }
    }
    Ok(None)
}

fn mismatch(at: usize, kind: MismatchKind, words: Vec<&'static str>) -> Mismatch {
    Mismatch {
        at,
        kind,
        words,
        expected: Vec::new(),
    }
}

/// Matches a line against its command.
pub(super) fn matches<'a>(
    command: &Compiled,
    tokens: &[Token<'a>],
    no: bool,
) -> Result<Args<'a>, Vec<Mismatch>> {
    matcher::matches(&command.pattern, tokens, no)
}

/// The first keywords of every command of `mode`, and whether it opens a block.
pub(super) fn leads(mode: Mode) -> impl Iterator<Item = (String, bool)> {
    table(mode).iter().map(|entry| {
        let words = entry
            .pattern
            .lead()
            .filter_map(|names| names.first().copied());
        let opens = entry.command.opens.is_some();
        (words.collect::<Vec<_>>().join(" "), opens)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_compiles_and_starts_with_a_keyword() {
        for mode in Mode::ALL {
            for command in mode.commands() {
                let pattern = Pattern::compile(command.syntax).expect(command.syntax);
                assert!(pattern.lead().next().is_some(), "{}", command.syntax);
            }
        }
    }

    #[test]
    fn the_file_of_everything_has_every_command() {
        let everything = include_str!("../../../../tests/golden/everything.cfg");
        let lines: Vec<_> = crate::config::text::lexer::lines(everything).collect();
        for mode in Mode::ALL {
            for entry in table(mode) {
                let used = lines.iter().any(|line| {
                    let found = find(mode, &line.tokens);
                    found.is_ok_and(|found| {
                        found.is_some_and(|found| std::ptr::eq(found.command, entry.command))
                    })
                });
                let aside = ["enable", "disable", "configure", "mn-profile-load-aaa"];
                let aside = aside
                    .iter()
                    .any(|word| entry.command.syntax.starts_with(word));
                assert!(used || aside, "{mode:?}: {}", entry.command.syntax);
            }
        }
    }

    #[test]
    fn tables_stand_in_the_order_of_their_modes() {
        for (index, mode) in Mode::ALL.into_iter().enumerate() {
            assert_eq!(mode as usize, index);
        }
    }
}
