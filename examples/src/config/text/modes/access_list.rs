//! `ip access-list extended` and `ipv6 access-list`: rules, which are read as a whole.

use super::{Command, Context, Mode, Token};
use crate::config::model::{AclRule, IpFamily};
use crate::config::report::Problem;

/// Rules do not start with a keyword of their own; see [`rule`].
pub(super) static COMMANDS: &[Command] = &[];

/// Whether a line is a rule: `[SEQUENCE] permit|deny ...`, or a bare sequence number where an
/// access list is open.
pub(in crate::config::text) fn is_rule(mode: Mode, tokens: &[Token<'_>]) -> bool {
    let action = |token: &Token<'_>| {
        token.text.eq_ignore_ascii_case("permit") || token.text.eq_ignore_ascii_case("deny")
    };
    let number = |token: &Token<'_>| token.text.parse::<u32>().is_ok();
    match tokens {
        [first, ..] if action(first) => true,
        [first, second, ..] if number(first) && action(second) => true,
        [first] => mode == Mode::AccessList && number(first),
        _ => false,
    }
}

/// Adds a rule to the open access list, or takes it out.
pub(in crate::config::text) fn rule(
    context: &mut Context,
    tokens: &[Token<'_>],
    no: bool,
    end: usize,
) {
    let start = tokens.first().map_or(end, |token| token.start);
    let Some(list) = context.access_list() else {
        let problem = Problem::error(start..end, "a rule outside an access list")
            .label("no access list is open")
            .help("enter one with `ip access-list extended NAME` first");
        context.problems.push(problem);
        return;
    };
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    if let ([number], true) = (words.as_slice(), no) {
        let number = number.parse().ok();
        list.rules.retain(|rule| rule.sequence != number);
        return;
    }
    let rule = match AclRule::from_words(&words) {
        Ok(rule) => rule,
        Err(error) => {
            let span = tokens.get(error.word).map_or(end..end, Token::span);
            let problem = Problem::error(span, error.message)
                .label("in this rule")
                .note(SYNTAX);
            context.problems.push(problem);
            return;
        }
    };
    if no {
        list.rules.retain(|known| known.body() != rule.body());
    } else if rule.fits(list.family) {
        insert(&mut list.rules, rule);
    } else {
        let family = match list.family {
            IpFamily::Ipv4 => "IPv4",
            IpFamily::Ipv6 => "IPv6",
        };
        let message = format!("the access list is for {family}, this rule is not");
        context
            .problems
            .push(Problem::error(start..end, message).label("other family"));
    }
}

const SYNTAX: &str = "syntax: [SEQUENCE] {permit | deny} PROTOCOL SOURCE [PORTS] DESTINATION [PORTS] [dscp N] \
     [established] [log]";

/// A numbered rule takes its place among the numbered ones and replaces its equal; others go last.
fn insert(rules: &mut Vec<AclRule>, rule: AclRule) {
    let Some(sequence) = rule.sequence else {
        rules.push(rule);
        return;
    };
    if let Some(same) = rules
        .iter_mut()
        .find(|known| known.sequence == rule.sequence)
    {
        *same = rule;
        return;
    }
    let after = |known: &AclRule| known.sequence.is_some_and(|known| known > sequence);
    let place = rules.iter().position(after).unwrap_or(rules.len());
    rules.insert(place, rule);
}
