//! What a domain consists of, before anything of it exists.

use pmip_binding::testing::LinkConfig;

use super::{Break, Edit, text};
use crate::config::node::Role;

/// A domain to be built. Nodes, hosts and correspondents are known by their names.
#[derive(Clone, Debug)]
pub(in crate::lab) struct Plan {
    pub(super) lmas: Vec<Node>,
    pub(super) mags: Vec<Node>,
    pub(super) hosts: Vec<Host>,
    /// Of each correspondent `cn1`, `cn2`, ... the LMA that it stands behind, from 1.
    pub(super) correspondents: Vec<u8>,
    pub(super) ipv6_transport: bool,
    /// WANs with a NAT: MAG, WAN, first port.
    pub(super) nats: Vec<(u8, u8, u16)>,
    /// What every WAN's emulator begins with; none: there are none.
    pub(super) emulator: Option<LinkConfig>,
}

/// A program and its configuration.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) role: Role,
    /// WANs of a MAG.
    pub(super) wans: u8,
    /// Whether it starts with the domain.
    pub(super) starts: bool,
    pub(super) settings: Settings,
}

/// A host on an access link of a MAG.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) name: String,
    /// The MAG, from 1.
    pub(super) mag: u8,
    /// Its interface: `lan1`, `lan2`, ...
    pub(super) lan: String,
}

/// Configuration text in parts, so that a scenario adds its lines at the right place.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Settings {
    globals: String,
    domain: String,
    head: String,
    node: String,
    logical: String,
    whole: Option<String>,
    edits: Vec<(String, String)>,
}

impl Settings {
    /// Adds lines of the global mode: access lists, pools, interfaces.
    pub(in crate::lab) fn global(&mut self, lines: &str) -> &mut Self {
        add(&mut self.globals, "", lines);
        self
    }

    /// Adds lines of the domain mode: maps, peers, profiles.
    pub(in crate::lab) fn domain(&mut self, lines: &str) -> &mut Self {
        add(&mut self.domain, " ", lines);
        self
    }

    /// Adds lines of the node's own mode.
    pub(in crate::lab) fn node(&mut self, lines: &str) -> &mut Self {
        add(&mut self.node, " ", lines);
        self
    }

    /// Takes the standard logical mobile node away.
    pub(in crate::lab) fn no_logical(&mut self) -> &mut Self {
        self.logical.clear();
        self
    }

    /// Replaces every line that reads `line`; an empty `by` removes it.
    pub(in crate::lab) fn replace(&mut self, line: &str, by: &str) -> &mut Self {
        self.edits.push((line.to_owned(), by.to_owned()));
        self
    }

    /// Takes `text` in place of everything.
    pub(in crate::lab) fn whole(&mut self, text: &str) -> &mut Self {
        self.whole = Some(text.to_owned());
        self
    }

    /// The text of the file.
    pub(super) fn text(&self) -> String {
        let parts = || {
            format!(
                "{}ipv6 mobile pmipv6-domain LAB\n{}{}{}{}",
                self.globals, self.domain, self.head, self.node, self.logical
            )
        };
        let mut text = self.whole.clone().unwrap_or_else(parts);
        for (line, by) in &self.edits {
            text = replace(&text, line, by).0;
        }
        text
    }
}

/// Adds `lines` with each indented by `indent`.
fn add(text: &mut String, indent: &str, lines: &str) {
    for line in lines.lines() {
        *text += indent;
        *text += line;
        text.push('\n');
    }
}

/// The text with every line that reads `line` as `by`, at the same indentation, and how many there
/// were.
fn replace(text: &str, line: &str, by: &str) -> (String, usize) {
    let mut count = 0;
    let mut result = String::new();
    for old in text.lines() {
        if old.trim() == line {
            count += 1;
            let depth = old.len() - old.trim_start().len();
            add(&mut result, &" ".repeat(depth), &dedented(by));
        } else {
            add(&mut result, "", old);
        }
    }
    (result, count)
}

/// The lines without the indentation of the first.
fn dedented(lines: &str) -> String {
    let depth = lines.len() - lines.trim_start().len();
    let lines = lines.lines().map(|line| line.get(depth..).unwrap_or(line));
    lines.collect::<Vec<&str>>().join("\n")
}

impl Plan {
    /// `LMA1`, `MAG1` with `wans` WANs and its logical mobile node, `h1` on its `lan1`, and `cn1`.
    pub(in crate::lab) fn standard(wans: u8) -> Self {
        let mut plan = Self {
            lmas: Vec::new(),
            mags: Vec::new(),
            hosts: Vec::new(),
            correspondents: Vec::new(),
            ipv6_transport: false,
            emulator: None,
            nats: Vec::new(),
        };
        plan.lma();
        plan.correspondent(1);
        plan.mag(wans);
        plan.host("h1", 1, "lan1");
        plan
    }

    /// Gives every WAN an emulator that begins with `link` each way: `network().emulator(1, 2)`
    /// changes what WAN 2 of MAG 1 does, and knows what it did.
    pub(in crate::lab) fn emulated(&mut self, link: LinkConfig) -> &mut Self {
        self.emulator = Some(link);
        self
    }

    /// Adds the next LMA with its standard configuration, without any correspondent.
    pub(in crate::lab) fn lma(&mut self) -> &mut Settings {
        let number = number_of(&self.lmas);
        let mut settings = Settings {
            globals: text::POOLS.to_owned(),
            domain: text::domain(4),
            head: format!("ipv6 mobile pmipv6-lma LMA{number} domain LAB\n"),
            ..Settings::default()
        };
        settings.head += &text::lma(number);
        self.lmas.push(Node {
            name: format!("LMA{number}"),
            role: Role::Lma,
            wans: 0,
            starts: true,
            settings,
        });
        self.settings(&format!("LMA{number}"))
    }

    /// Adds the next MAG with its standard configuration, without any host.
    pub(in crate::lab) fn mag(&mut self, wans: u8) -> &mut Settings {
        let number = number_of(&self.mags);
        let mut settings = Settings {
            domain: text::domain(4),
            head: format!("ipv6 mobile pmipv6-mag MAG{number} domain LAB\n"),
            logical: text::logical(number),
            ..Settings::default()
        };
        settings.head += &text::mag(wans);
        self.mags.push(Node {
            name: format!("MAG{number}"),
            role: Role::Mag,
            wans,
            starts: true,
            settings,
        });
        self.settings(&format!("MAG{number}"))
    }

    /// Adds a host on interface `lan` of MAG `mag`, counted from 1.
    pub(in crate::lab) fn host(&mut self, name: &str, mag: u8, lan: &str) -> &mut Self {
        self.hosts.push(Host {
            name: name.to_owned(),
            mag,
            lan: lan.to_owned(),
        });
        self
    }

    /// Adds the next correspondent (`cn1`, `cn2`, ...) behind LMA `lma`, counted from 1. The first
    /// is on the LMA's interface `core`, correspondent `n` on `core<n>`.
    pub(in crate::lab) fn correspondent(&mut self, lma: u8) -> &mut Self {
        self.correspondents.push(lma);
        self
    }

    /// Makes a WAN a NAT from the start; see [`super::network::Network::nat`].
    pub(in crate::lab) fn nat(&mut self, mag: u8, wan: u8, port: u16) -> &mut Self {
        self.nats.push((mag, wan, port));
        self
    }

    /// Gives transport links IPv6 addresses and routes too.
    pub(in crate::lab) fn ipv6_transport(&mut self) -> &mut Self {
        self.ipv6_transport = true;
        self
    }

    /// A node that is started by [`super::lab::Lab::start`] and not with the domain.
    pub(in crate::lab) fn starting_later(mut self, name: &str) -> Self {
        for node in self.nodes_mut().filter(|node| node.name == name) {
            node.starts = false;
        }
        self
    }

    /// The configuration of a node.
    ///
    /// # Panics
    /// When there is no such node: a scenario that names one is wrong.
    pub(in crate::lab) fn config(&mut self, name: &str) -> &mut Settings {
        self.settings(name)
    }

    /// Applies the parts of a break that concern configurations.
    ///
    /// # Errors
    /// When it edits nothing.
    pub(super) fn apply(&mut self, fault: &Break) -> Result<(), String> {
        for edit in fault.edits {
            let Edit::Line { node, line, by } = edit else {
                continue;
            };
            let settings = self.settings(node);
            let (_, count) = replace(&settings.text(), line, by);
            if count == 0 {
                return Err(format!("{node} has no line `{line}`"));
            }
            settings.replace(line, by);
        }
        Ok(())
    }

    /// Name and configuration text of every node.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<(&str, String)> {
        let nodes = self.nodes();
        nodes
            .map(|node| (node.name.as_str(), node.settings.text()))
            .collect()
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.lmas.iter().chain(&self.mags)
    }

    fn nodes_mut(&mut self) -> impl Iterator<Item = &mut Node> {
        self.lmas.iter_mut().chain(&mut self.mags)
    }

    fn settings(&mut self, name: &str) -> &mut Settings {
        let mut nodes = self.nodes_mut();
        let found = nodes.find(|node| node.name == name);
        &mut found.expect("the plan has a node of this name").settings
    }
}

/// The number of the next node.
fn number_of(nodes: &[Node]) -> u8 {
    u8::try_from(nodes.len() + 1).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_replaced_wherever_it_stands_and_nothing_like_it() {
        let text = " multipath\n multipath more\nmultipath\n";
        assert_eq!(
            replace(text, "multipath", ""),
            (" multipath more\n".into(), 2)
        );
        assert_eq!(replace(text, "multi", "x").1, 0);
        let two = replace(" multipath", "multipath", "  a\n   b").0;
        assert_eq!(two, " a\n  b\n");
    }
}
