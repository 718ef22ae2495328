//! `pmip show`, `clear` and `debug` in words: the short ones, and those of a router after
//! `ipv6 mobile pmipv6 {mag | lma}`.

use super::flow_spec::FlowSpec;
use super::{Only, What};
use crate::config::node::Role;
use crate::node::hints::Hint;
use crate::node::logging::Debug;

/// What is to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Of a node of this role.
    pub role: Option<Role>,
    /// What.
    pub what: What,
    /// Which of it.
    pub only: Option<Only>,
}

/// What is to be cleared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cleared {
    /// All bindings.
    Bindings,
    /// Those of one mobile node.
    Binding(String),
    /// What probes measured.
    Sla,
    /// The counters.
    Stats,
}

/// A part of the log that is wanted or no more; none = which are shown.
pub type Wanted = Option<(Debug, bool)>;

const SHOWN: [(&str, What); 16] = [
    ("bindings", What::Bindings),
    ("paths", What::Paths),
    ("heartbeats", What::Heartbeat),
    ("flows", What::Flows),
    ("mobile-map", What::MobileMap),
    ("tunnels", What::Tunnels),
    ("sla", What::Sla),
    ("hybrid-access", What::Sla),
    ("stats", What::Stats),
    ("statistics", What::Stats),
    ("globals", What::Globals),
    ("running-config", What::RunningConfig),
    ("running", What::RunningConfig),
    ("path", What::Paths),
    ("path-decision", What::PathDecision),
    ("customers", What::Customers),
];

const PARTS: [(&str, Debug); 5] = [
    ("events", Debug::Events),
    ("errors", Debug::Errors),
    ("info", Debug::Info),
    ("packets", Debug::Packets),
    ("api", Debug::Api),
];

/// Reads what follows `pmip show`.
///
/// # Errors
/// What is wrong and what would be right.
pub fn show(words: &[String]) -> Result<Shown, String> {
    let (role, words) = role(words)?;
    let (first, rest) = words
        .split_first()
        .ok_or_else(|| format!("show what? {}", list(&SHOWN)))?;
    let what = pick(first, &SHOWN)?;
    let only = match rest {
        [] => None,
        ["summary"] if what == What::Bindings => Some(Only::Summary),
        ["nai", nai] if what == What::Bindings => Some(Only::Nai((*nai).into())),
        ["path" | "profile" | "sla"] if what == What::Sla => None,
        ["history"] if what == What::Sla => Some(Only::History),
        ["global"] if what == What::Stats => None,
        ["top", most] if what == What::Flows => Some(Only::Busiest(number(most)?)),
        ["counters"] if what == What::MobileMap => None,
        ["mag" | "lma" | "peer", peer] if has_peers(what) => Some(Only::Peer((*peer).into())),
        ["customer", name] if has_peers(what) => Some(Only::Customer((*name).into())),
        [name] if what == What::Customers => Some(Only::Customer((*name).into())),
        [_, _, ..] if what == What::PathDecision => {
            let flow: FlowSpec = rest.join(" ").parse()?;
            Some(Only::Flow(flow.to_string()))
        }
        [word, ..] => {
            return Err(format!(
                "`{word}` is not understood after `{first}`{}",
                more(what)
            ));
        }
    };
    Ok(Shown { role, what, only })
}

/// Reads what follows `pmip clear`.
///
/// # Errors
/// What is wrong and what would be right.
pub fn clear(words: &[String]) -> Result<(Option<Role>, Cleared), String> {
    #[derive(Clone, Copy, PartialEq)]
    enum Kind {
        Binding,
        Sla,
        Stats,
    }
    const CLEARED: [(&str, Kind); 4] = [
        ("binding", Kind::Binding),
        ("bindings", Kind::Binding),
        ("sla", Kind::Sla),
        ("stats", Kind::Stats),
    ];
    let (role, words) = role(words)?;
    let usage = "write `clear binding all`, `clear binding nai NAI`, `clear sla` or `clear stats`";
    let (first, rest) = words.split_first().ok_or(usage)?;
    let cleared = match (pick(first, &CLEARED)?, rest) {
        (Kind::Binding, ["all"]) => Cleared::Bindings,
        (Kind::Binding, ["nai", nai]) => Cleared::Binding((*nai).into()),
        (Kind::Binding, [nai]) if nai.contains('@') => Cleared::Binding((*nai).into()),
        (Kind::Sla, []) => Cleared::Sla,
        (Kind::Stats, []) => Cleared::Stats,
        _ => return Err(usage.into()),
    };
    Ok((role, cleared))
}

/// Reads what follows `pmip hint`; nothing: what was said is asked for.
///
/// # Errors
/// What is wrong and what would be right.
pub fn hint(words: &[String]) -> Result<Option<(String, Hint)>, String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let words = match words.as_slice() {
        ["path", rest @ ..] => rest,
        all => all,
    };
    let usage = "write `hint path NAME` and one of `usable yes`, `usable no`, `cost NUMBER`, \
                 `capacity KBIT/S`, `clear`";
    let number = |word: &str| {
        let number = word.parse::<u32>();
        number.map_err(|_| format!("`{word}` is no number; {usage}"))
    };
    let (name, hint) = match words {
        [] => return Ok(None),
        [name, "clear"] => (name, Hint::Clear),
        [name, "usable", "yes"] => (name, Hint::Usable(true)),
        [name, "usable", "no"] => (name, Hint::Usable(false)),
        [name, "cost", cost] => (name, Hint::Cost(number(cost)?)),
        [name, "capacity", kbps] => (name, Hint::Capacity(number(kbps)?)),
        _ => return Err(usage.into()),
    };
    Ok(Some(((*name).to_owned(), hint)))
}

/// Reads what follows `pmip debug`.
///
/// # Errors
/// What is wrong and what would be right.
pub fn debug(words: &[String]) -> Result<(Option<Role>, Wanted), String> {
    let (role, words) = role(words)?;
    let wanted = match words.as_slice() {
        [] => None,
        [part] | [part, "on"] => Some((pick(part, &PARTS)?, true)),
        [part, "off"] => Some((pick(part, &PARTS)?, false)),
        _ => return Err("write `debug PART` or `debug PART off`".into()),
    };
    Ok((role, wanted))
}

fn number(word: &str) -> Result<usize, String> {
    let number = word.parse();
    number.map_err(|_| format!("`{word}` is no number"))
}

/// Takes the router's words off the front.
fn role(words: &[String]) -> Result<(Option<Role>, Vec<&str>), String> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ipv6", "mobile", "pmipv6", "mag", rest @ ..] => Ok((Some(Role::Mag), rest.to_vec())),
        ["ipv6", "mobile", "pmipv6", "lma", rest @ ..] => Ok((Some(Role::Lma), rest.to_vec())),
        ["ipv6", ..] => Err("write `ipv6 mobile pmipv6 mag` or `ipv6 mobile pmipv6 lma`".into()),
        _ => Ok((None, words)),
    }
}

/// The word that `written` is or begins.
fn pick<T: Copy + PartialEq>(written: &str, words: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, exact)) = words.iter().find(|(word, _)| *word == written) {
        return Ok(*exact);
    }
    let begun = words.iter().filter(|(word, _)| word.starts_with(written));
    let mut begun: Vec<T> = begun.map(|(_, value)| *value).collect();
    begun.dedup();
    match begun.as_slice() {
        [only] => Ok(*only),
        [] => Err(format!("`{written}` is not known; {}", list(words))),
        _ => Err(format!("`{written}` is ambiguous; {}", list(words))),
    }
}

fn list<T: PartialEq>(words: &[(&str, T)]) -> String {
    let mut named: Vec<&str> = Vec::new();
    for (index, (word, value)) in words.iter().enumerate() {
        let mut earlier = words.iter().take(index);
        if earlier.all(|(_, other)| other != value) {
            named.push(word);
        }
    }
    format!("one of: {}", named.join(", "))
}

const fn has_peers(what: What) -> bool {
    match what {
        What::Bindings
        | What::Paths
        | What::Heartbeat
        | What::Tunnels
        | What::Sla
        | What::Stats => true,
        What::Flows
        | What::PathDecision
        | What::Customers
        | What::MobileMap
        | What::Globals
        | What::RunningConfig => false,
    }
}

/// What may follow.
const fn more(what: What) -> &'static str {
    match what {
        What::Bindings => {
            "; it may be followed by `nai NAI`, `peer NAME`, `customer NAME` or `summary`"
        }
        What::Stats => {
            "; it may be followed by `global`, `mag NAME`, `lma NAME` or `customer NAME`"
        }
        What::Sla => "; it may be followed by `history`, `peer NAME` or `customer NAME`",
        What::Paths | What::Heartbeat | What::Tunnels => {
            "; it may be followed by `peer NAME` or `customer NAME`"
        }
        What::PathDecision => "; it is followed by a flow, PROTOCOL SOURCE DESTINATION",
        What::Customers => "; it may be followed by a customer's name",
        What::MobileMap => "; it may be followed by `counters`",
        What::Flows => "; it may be followed by `top NUMBER`",
        What::Globals | What::RunningConfig => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn short_words_and_a_routers_words_are_the_same() {
        for (text, what, only) in [
            ("bindings", What::Bindings, None),
            ("binding", What::Bindings, None),
            ("b nai a@x", What::Bindings, Some(Only::Nai("a@x".into()))),
            ("binding summary", What::Bindings, Some(Only::Summary)),
            ("stats global", What::Stats, None),
            (
                "stats mag MAG1",
                What::Stats,
                Some(Only::Peer("MAG1".into())),
            ),
            ("heartbeat", What::Heartbeat, None),
            ("sla", What::Sla, None),
            ("hybrid-access profile", What::Sla, None),
            ("hy history", What::Sla, Some(Only::History)),
            ("flow", What::Flows, None),
            (
                "binding customer C",
                What::Bindings,
                Some(Only::Customer("C".into())),
            ),
            (
                "path-decision udp 10.0.0.1:1 10.0.0.2:2",
                What::PathDecision,
                Some(Only::Flow("udp 10.0.0.1:1 > 10.0.0.2:2".into())),
            ),
            ("tunnel", What::Tunnels, None),
            ("mobile-map", What::MobileMap, None),
            ("mobile-map counters", What::MobileMap, None),
            ("run", What::RunningConfig, None),
            ("st", What::Stats, None),
        ] {
            let short = show(&words(text)).expect(text);
            let role = None;
            assert_eq!(
                short,
                Shown {
                    role,
                    what,
                    only: only.clone()
                },
                "{text}"
            );
            let long = show(&words(&format!("ipv6 mobile pmipv6 lma {text}"))).expect(text);
            let role = Some(Role::Lma);
            assert_eq!(long, Shown { role, what, only }, "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_says_what_would_be() {
        for (text, expected) in [
            ("frobs", "bindings, paths"),
            ("ipv6 mobile bindings", "pmipv6 mag"),
            ("flows nai a@x", "not understood after `flows`"),
            ("path-decision udp 10.0.0.1", "PROTOCOL SOURCE"),
        ] {
            let why = show(&words(text)).expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
        }
        assert!(clear(&words("binding")).is_err());
        assert!(debug(&words("packets maybe")).is_err());
    }

    #[test]
    fn what_is_cleared_is_named() {
        let cleared = |text: &str| clear(&words(text)).map(|(_, cleared)| cleared);
        assert_eq!(cleared("binding all"), Ok(Cleared::Bindings));
        let one = Ok(Cleared::Binding("a@x".into()));
        assert_eq!(cleared("binding nai a@x"), one);
        assert_eq!(cleared("binding a@x"), one);
        assert_eq!(cleared("stats"), Ok(Cleared::Stats));
        assert_eq!(cleared("sla"), Ok(Cleared::Sla));
        let hinted = Ok(Some(("LTE".to_owned(), Hint::Cost(5))));
        assert_eq!(hint(&words("path LTE cost 5")), hinted);
        assert_eq!(hint(&[]), Ok(None));
        assert!(hint(&words("path LTE usable maybe")).is_err());
        let off = debug(&words("ipv6 mobile pmipv6 mag packets off"));
        assert_eq!(off, Ok((Some(Role::Mag), Some((Debug::Packets, false)))));
    }
}
