//! What the grammar cannot see: ranges in TOML, references, what cannot work together.

mod domain;
mod hybrid;
mod lma;
mod mag;
mod without_effect;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use pmip_wire::auth::FIRST_SPI;

use super::limits::{NAME_CHARACTERS, SHORT_NAME_CHARACTERS, limit};
use super::model::{
    AuthOption, BindingTimes, Config, Dscp, Heartbeat, IpFamily, Revocation, Tunnel, TunnelAcl,
};
use super::report::{Problem, Severity};
use super::text::{Origins, nearest};

/// Everything that is wrong with a model, at the places where it was written.
pub(super) fn check(config: &Config, origins: &Origins) -> Vec<Problem> {
    let mut checker = Checker {
        config,
        origins,
        problems: Vec::new(),
    };
    checker.outside_blocks();
    domain::check(&mut checker);
    for (index, node) in config.lmas.iter().enumerate() {
        lma::check(&mut checker, node, &format!("lma[{index}]"));
    }
    for (index, node) in config.mags.iter().enumerate() {
        mag::check(&mut checker, node, &format!("mag[{index}]"));
    }
    without_effect::check(&mut checker);
    checker.problems
}

struct Checker<'a> {
    config: &'a Config,
    origins: &'a Origins,
    problems: Vec<Problem>,
}

impl<'a> Checker<'a> {
    /// Where `path` was written, or the nearest thing around it.
    fn place(&self, path: &str) -> Option<Range<usize>> {
        let mut path = path;
        loop {
            if let Some(span) = self.origins.get(path) {
                return Some(span.clone());
            }
            let cut = path.rfind(['.', '['])?;
            path = path.get(..cut)?;
        }
    }

    fn add(&mut self, severity: Severity, path: &str, message: String, label: &str, help: String) {
        self.problems.push(Problem {
            severity,
            span: self.place(path),
            message,
            label: label.to_owned(),
            note: None,
            help: (!help.is_empty()).then_some(help),
        });
    }

    fn error(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Error, path, message.into(), "here", help.into());
    }

    fn warning(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.add(Severity::Warning, path, message.into(), "here", help.into());
    }

    /// A number within the range called `range`.
    fn number(&mut self, path: &str, value: u32, range: &str) {
        let Some(limit) = limit(range).filter(|limit| !limit.contains(value)) else {
            return;
        };
        let message = format!("{value} is out of range: {}", limit.words());
        let help = format!(
            "the nearest allowed value is {}",
            limit.nearest(value.into())
        );
        self.error(path, message, help);
    }

    fn optional(&mut self, path: &str, value: Option<u32>, range: &str) {
        if let Some(value) = value {
            self.number(path, value, range);
        }
    }

    fn name(&mut self, path: &str, name: &str) {
        self.characters(path, name, NAME_CHARACTERS);
    }

    fn short_name(&mut self, path: &str, name: &str) {
        self.characters(path, name, SHORT_NAME_CHARACTERS);
    }

    fn characters(&mut self, path: &str, name: &str, most: usize) {
        let control = |character: char| character.is_control() || character == '"';
        if name.is_empty() {
            self.error(
                path,
                "a name is missing",
                format!("names have 1 to {most} characters"),
            );
        } else if name.chars().count() > most {
            let message = format!("the name is longer than {most} characters");
            self.error(path, message, "use a shorter name");
        } else if name.chars().any(control) {
            let message = "the name holds quotes or control characters";
            self.error(path, message, "use letters, digits and punctuation");
        }
    }

    fn optional_name(&mut self, path: &str, name: Option<&String>) {
        if let Some(name) = name {
            self.name(path, name);
        }
    }

    /// No two elements of a list share a name.
    fn unique<'n>(&mut self, list: &str, names: impl Iterator<Item = &'n str>) {
        self.unique_of_kind(list, names.map(|name| ((), name)));
    }

    /// The same where elements of different kinds may share a name.
    fn unique_of_kind<'n, K: Ord>(
        &mut self,
        list: &str,
        names: impl Iterator<Item = (K, &'n str)>,
    ) {
        let mut seen = BTreeMap::new();
        for (index, (kind, name)) in names.enumerate() {
            if let Some(first) = seen.insert((kind, name), index) {
                let message = format!("`{name}` is defined twice");
                let help = format!("it is also number {} of this list; merge them", first + 1);
                self.error(&format!("{list}[{index}]"), message, help);
            }
        }
    }

    /// A name that something should define; otherwise a warning that says what happens.
    fn defined<'n>(
        &mut self,
        path: &str,
        what: &str,
        name: &str,
        known: impl Iterator<Item = &'n str>,
        then: &str,
    ) {
        let known: Vec<&str> = known.collect();
        if known.contains(&name) {
            return;
        }
        let same = known.iter().find(|known| known.eq_ignore_ascii_case(name));
        let near = same
            .copied()
            .or_else(|| nearest(name, known.iter().copied()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`? names are compared exactly"),
            None if known.is_empty() => String::new(),
            None => format!("defined: {}", known.join(", ")),
        };
        self.warning(
            path,
            format!("{what} `{name}` is not defined; {then}"),
            help,
        );
    }

    fn label(&mut self, path: &str, domain: &str, name: &str) {
        self.name(path, name);
        let labels: Vec<&str> = self.known_labels(domain);
        let then = "it travels as no label and names no path of the peer";
        self.defined(path, "label", name, labels.into_iter(), then);
    }

    /// Labels of a domain's table, of roaming interfaces and of MAGs to come.
    fn known_labels(&self, domain: &str) -> Vec<&'a str> {
        let config = self.config;
        let tables = config.domain(domain).into_iter();
        let named = tables.flat_map(|domain| domain.link_labels.iter());
        let interfaces = config.mags.iter().flat_map(|mag| &mag.roaming_interface);
        named
            .map(|label| label.name.as_str())
            .chain(interfaces.map(|line| line.label_name()))
            .collect()
    }

    fn outside_blocks(&mut self) {
        let config = self.config;
        // The two families have names of their own.
        let lists = config.access_lists.iter();
        let lists = lists.map(|list| (list.family == IpFamily::Ipv6, list.name.as_str()));
        self.unique_of_kind("access-list", lists);
        self.unique(
            "ipv4-pool",
            config.ipv4_pools.iter().map(|pool| pool.name.as_str()),
        );
        self.unique(
            "ipv6-pool",
            config.ipv6_pools.iter().map(|pool| pool.name.as_str()),
        );
        self.unique(
            "dhcp-pool",
            config.dhcp_pools.iter().map(|pool| pool.name.as_str()),
        );
        self.unique(
            "interface",
            config.interfaces.iter().map(|block| block.name.as_str()),
        );
        self.unique(
            "domain",
            config.domains.iter().map(|domain| domain.name.as_str()),
        );
        self.unique("lma", config.lmas.iter().map(|node| node.id.as_str()));
        self.unique("mag", config.mags.iter().map(|node| node.id.as_str()));
        self.access_lists();
        self.pools();
        self.interfaces();
    }

    fn access_lists(&mut self) {
        for (index, list) in self.config.access_lists.iter().enumerate() {
            let path = format!("access-list[{index}]");
            self.name(&format!("{path}.name"), &list.name);
            let mut highest = None;
            for (place, rule) in list.rules.iter().enumerate() {
                let path = format!("{path}.rules[{place}]");
                if !rule.fits(list.family) {
                    let help = "IPv6 rules belong to a list with family = \"ipv6\"";
                    self.error(&path, "the rule's addresses are of the other family", help);
                }
                if let Some(sequence) = rule.sequence {
                    let descends = highest >= Some(sequence);
                    highest = highest.max(Some(sequence));
                    if descends {
                        let help = "number rules in ascending order, or leave the numbers out";
                        self.error(&path, "sequence numbers of rules must ascend", help);
                    }
                }
            }
        }
    }

    fn pools(&mut self) {
        for (index, pool) in self.config.ipv4_pools.iter().enumerate() {
            let path = format!("ipv4-pool[{index}]");
            self.name(&format!("{path}.name"), &pool.name);
            if pool.ranges.is_empty() {
                self.error(
                    &path,
                    "the pool has no addresses",
                    "give it at least one range",
                );
            }
            for (place, range) in pool.ranges.iter().enumerate() {
                if range.first > range.last {
                    let message = format!("the pool ends before it starts: {}", range.last);
                    let path = format!("{path}.ranges[{place}]");
                    self.error(&path, message, "write the lower address first");
                }
            }
        }
        for (index, pool) in self.config.ipv6_pools.iter().enumerate() {
            let path = format!("ipv6-pool[{index}]");
            self.name(&format!("{path}.name"), &pool.name);
            let length = pool.assigned_length;
            if pool.prefix.is_ipv4() {
                let help = "IPv4 ranges belong to an `ip local pool`";
                self.error(
                    &format!("{path}.prefix"),
                    "the pool's prefix is not IPv6",
                    help,
                );
            } else if length < pool.prefix.length().into() || length > 64 {
                let least = pool.prefix.length();
                let message = format!(
                    "prefixes of length {length} do not fit into {}",
                    pool.prefix
                );
                let help = format!("choose a length from {least} to 64");
                self.error(&format!("{path}.assigned-length"), message, help);
            }
        }
        for (index, pool) in self.config.dhcp_pools.iter().enumerate() {
            let path = format!("dhcp-pool[{index}]");
            self.name(&format!("{path}.name"), &pool.name);
            self.optional_name(&format!("{path}.domain-name"), pool.domain_name.as_ref());
            if let Some(nai) = &pool.from_mobile_network {
                let nodes = self.config.mags.iter().flat_map(|mag| &mag.logical_mn);
                let names: Vec<&str> = nodes.map(|node| node.nai.as_str()).collect();
                let path = format!("{path}.from-mobile-network");
                let then = "the pool stays empty";
                self.defined(&path, "logical mobile node", nai, names.into_iter(), then);
            }
        }
    }

    fn interfaces(&mut self) {
        for (index, block) in self.config.interfaces.iter().enumerate() {
            let path = format!("interface[{index}]");
            self.name(&format!("{path}.name"), &block.name);
            if let Some(vrf) = &block.vrf {
                self.short_name(&format!("{path}.vrf"), vrf);
            }
            self.optional_name(&format!("{path}.description"), block.description.as_ref());
            if let Some(device) = &block.device {
                self.device(&format!("{path}.device"), device);
            } else if block.name.contains('/') {
                let message = format!("`{}` is no Linux device", block.name);
                let help = "name its device: `device eth0` in this block";
                self.warning(&path, message, help);
            }
        }
    }

    /// What Linux allows as the name of a device (dev_valid_name of its kernel).
    fn device(&mut self, path: &str, device: &str) {
        let bad = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
        let wrong = device.is_empty()
            || device.len() > 15
            || matches!(device, "." | "..")
            || device.contains(bad);
        if wrong {
            let help = "device names have 1 to 15 octets, without white space, `/` and `:`";
            self.error(
                path,
                format!("`{device}` is no name of a Linux device"),
                help,
            );
        }
    }

    /// A name that a node uses: its block should say the device, or it should be one.
    fn interface(&mut self, path: &str, name: &str) {
        self.name(path, name);
        if name.contains('/') && self.config.interface(name).is_none() {
            let message = format!("interface `{name}` is not mapped to a Linux device");
            let help = format!("add a block `interface {name}` with `device eth0`");
            self.warning(path, message, help);
        }
    }

    /// The keys of one peer, customer or domain. Where there is one, TOML may write it as a table.
    fn auth(&mut self, path: &str, options: &[AuthOption]) {
        let mut seen = BTreeSet::new();
        for (index, option) in options.iter().enumerate() {
            let path = format!("{path}.auth-option[{index}]");
            self.auth_option(&path, option);
            if !seen.insert(option.spi) {
                let help = "a new key for roll-over needs its own SPI";
                self.error(&path, "two keys with the same SPI", help);
            }
        }
    }

    fn auth_option(&mut self, path: &str, option: &AuthOption) {
        if option.spi < FIRST_SPI {
            self.error(
                path,
                "the SPI is missing or reserved (RFC 4285 section 5.1)",
                "choose one from 100 to ffffffff, which is 256 and up in decimal",
            );
        }
        match option.key.octets() {
            None => self.error(
                path,
                "the key is not hexadecimal",
                "write an even number of digits 0-9 and a-f, or use an ascii key",
            ),
            Some(octets) if octets.is_empty() || octets.len() > NAME_CHARACTERS => {
                self.error(path, "the key must have 1 to 125 octets", "");
            }
            Some(octets) if octets.contains(&b'"') || octets.iter().any(u8::is_ascii_control) => {
                if matches!(option.key, super::model::Key::Ascii(_)) {
                    let help = "write it as a hex key";
                    self.error(
                        path,
                        "an ascii key holds quotes or control characters",
                        help,
                    );
                }
            }
            Some(_) => {}
        }
    }

    fn heartbeats(&mut self, path: &str, domain: &str, lines: &[Heartbeat]) {
        for (index, line) in lines.iter().enumerate() {
            let path = format!("{path}.heartbeat[{index}]");
            self.optional(
                &format!("{path}.interval"),
                line.interval,
                "heartbeat-interval",
            );
            let short = line.interval_ms;
            self.optional(
                &format!("{path}.interval-ms"),
                short,
                "heartbeat-interval-ms",
            );
            self.optional(
                &format!("{path}.timeout"),
                line.timeout,
                "heartbeat-timeout",
            );
            self.number(
                &format!("{path}.retries"),
                line.retries,
                "heartbeat-retries",
            );
            if let Some(label) = &line.label {
                self.label(&format!("{path}.label"), domain, label);
            }
            if line.interval.is_some() && line.interval_ms.is_some() {
                let help = "`interval-ms` is for laboratories alone; leave one out";
                self.error(&path, "the heartbeat has two intervals", help);
            }
            if line
                .interval
                .is_some_and(|interval| (10..30).contains(&interval))
            {
                let message = "heartbeats below 30 seconds go against RFC 5847 section 5";
                let help = "use 30 seconds or more unless the paths are cheap";
                self.warning(&format!("{path}.interval"), message, help);
            }
            let earlier = lines.iter().take(index);
            if earlier
                .into_iter()
                .any(|earlier| earlier.label == line.label)
            {
                let help = "each label, and the paths without, has one heartbeat";
                self.error(&path, "a second heartbeat for the same paths", help);
            }
        }
    }

    fn binding_times(&mut self, path: &str, times: &BindingTimes) {
        for (name, value, range) in [
            ("maximum", times.maximum, "bce-maximum"),
            ("lifetime", times.lifetime, "bce-lifetime"),
            ("refresh-time", times.refresh_time, "bce-refresh"),
            ("delete-wait-time", times.delete_wait_time, "bce-wait"),
            ("create-wait-time", times.create_wait_time, "bce-wait"),
            ("init-retx-time", times.init_retx_time, "bce-wait"),
            ("max-retx-time", times.max_retx_time, "bce-wait"),
        ] {
            self.optional(&format!("{path}.{name}"), value, range);
        }
        if times
            .refresh_time
            .is_some_and(|refresh| !refresh.is_multiple_of(4))
        {
            let message = "the refresh time must be a multiple of 4 seconds";
            self.error(
                &format!("{path}.refresh-time"),
                message,
                "lifetimes count in 4 seconds",
            );
        }
        if let (Some(first), Some(longest)) = (times.init_retx_time, times.max_retx_time)
            && first > longest
        {
            let message = "the first retransmission is later than the longest wait";
            self.error(&format!("{path}.max-retx-time"), message, "");
        }
    }

    fn revocation(&mut self, path: &str, bri: &Revocation) {
        self.optional(&format!("{path}.bri.delay-min"), bri.delay_min, "bri-delay");
        self.optional(&format!("{path}.bri.delay-max"), bri.delay_max, "bri-delay");
        self.optional(&format!("{path}.bri.retries"), bri.retries, "bri-retries");
        if let (Some(least), Some(most)) = (bri.delay_min, bri.delay_max)
            && least > most
        {
            self.error(
                &format!("{path}.bri"),
                "the least delay is above the largest",
                "",
            );
        }
    }

    fn tunnel(&mut self, path: &str, tunnel: &Tunnel) {
        self.optional(&format!("{path}.tunnel.mtu"), tunnel.mtu, "tunnel-mtu");
        if let Some(TunnelAcl::List(name)) = &tunnel.acl {
            self.acl(&format!("{path}.tunnel.acl"), name, "nothing is filtered");
        }
    }

    fn acl(&mut self, path: &str, name: &str, then: &str) {
        self.name(path, name);
        let config = self.config;
        let known = config.access_lists.iter().map(|list| list.name.as_str());
        self.defined(path, "access list", name, known, then);
    }

    fn dscp(&mut self, path: &str, dscp: Option<&Dscp>) {
        self.optional(path, dscp.map(|dscp| dscp.value), "dscp");
    }

    fn domain_of(&mut self, path: &str, name: &str) {
        let path = format!("{path}.domain");
        self.name(&path, name);
        let config = self.config;
        let known = config.domains.iter().map(|domain| domain.name.as_str());
        self.defined(&path, "domain", name, known, "the node runs with defaults");
    }

    fn active_map(&mut self, path: &str, domain: &str, map: Option<&String>) {
        let Some(name) = map else {
            return;
        };
        let path = format!("{path}.mobile-map");
        self.name(&path, name);
        let Some(domain) = self.config.domain(domain) else {
            return;
        };
        let known = domain.mobile_maps.iter().map(|map| map.name.as_str());
        let then = "all packets use every live path";
        self.defined(&path, "mobile map", name, known, then);
    }
}
