//! The model as canonical text of the configuration language. Reading it gives the same model.

mod domain;
mod hybrid;
mod lma;
mod mag;
mod shared;

use std::fmt::{Display, Write};

use super::model::{AccessList, Config, DhcpPool, Interface, IpFamily};

/// The canonical text of a configuration: lists in their order, one space of indentation a level,
/// `!` between blocks, nothing that was not set.
pub fn text(config: &Config) -> String {
    let mut page = Page::default();
    for list in &config.access_lists {
        access_list(&mut page, list);
    }
    pools(&mut page, config);
    for pool in &config.dhcp_pools {
        dhcp_pool(&mut page, pool);
    }
    for block in &config.domains {
        domain::print(&mut page, block);
    }
    for node in &config.lmas {
        lma::print(&mut page, node);
    }
    for node in &config.mags {
        mag::print(&mut page, node);
    }
    for block in &config.interfaces {
        interface(&mut page, block);
    }
    page.text
}

/// Text under construction.
#[derive(Debug, Default)]
struct Page {
    text: String,
    depth: usize,
}

impl Page {
    /// One command.
    fn line(&mut self, line: impl Display) {
        let depth = self.depth;
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{:depth$}{line}", "");
    }

    /// One command when a switch is on.
    fn flag(&mut self, on: bool, line: &str) {
        if on {
            self.line(line);
        }
    }

    /// A command and its value, when set.
    fn value(&mut self, command: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(format_args!("{command} {value}"));
        }
    }

    /// A command that names something, when set.
    fn name(&mut self, command: &str, name: Option<&String>) {
        self.value(command, name.map(|name| word(name)));
    }

    /// A block with its lines. An empty one is closed, so that what follows cannot fall into it.
    fn block(&mut self, opener: impl Display, body: impl FnOnce(&mut Self)) {
        self.line(opener);
        let before = self.text.len();
        self.depth += 1;
        body(self);
        if self.text.len() == before {
            self.line("exit");
        }
        self.depth -= 1;
        if self.depth == 0 {
            self.text.push_str("!\n");
        }
    }
}

/// A name as one word: in quotes when it holds white space or would read as something else.
fn word(name: &str) -> String {
    if name.is_empty() || name.contains(char::is_whitespace) || name.starts_with('!') {
        format!("\"{name}\"")
    } else {
        name.to_owned()
    }
}

/// ` keyword value` when set, for the middle of a line.
fn part(keyword: &str, value: Option<impl Display>) -> String {
    match value {
        Some(value) => format!(" {keyword} {value}"),
        None => String::new(),
    }
}

/// ` keyword` when on, for the middle of a line.
fn switch(keyword: &str, on: bool) -> String {
    if on {
        format!(" {keyword}")
    } else {
        String::new()
    }
}

fn access_list(page: &mut Page, list: &AccessList) {
    let opener = match list.family {
        IpFamily::Ipv4 => "ip access-list extended",
        IpFamily::Ipv6 => "ipv6 access-list",
    };
    page.block(format_args!("{opener} {}", word(&list.name)), |page| {
        for rule in &list.rules {
            page.line(rule);
        }
    });
}

fn pools(page: &mut Page, config: &Config) {
    for pool in &config.ipv4_pools {
        let name = word(&pool.name);
        for range in &pool.ranges {
            let (first, last) = (range.first, range.last);
            page.line(format_args!("ip local pool {name} {first} {last}"));
        }
    }
    for pool in &config.ipv6_pools {
        let (prefix, length) = (pool.prefix, pool.assigned_length);
        let name = word(&pool.name);
        page.line(format_args!("ipv6 local pool {name} {prefix} {length}"));
    }
}

fn dhcp_pool(page: &mut Page, pool: &DhcpPool) {
    page.block(format_args!("ip dhcp pool {}", word(&pool.name)), |page| {
        page.name(
            "network from mobile-network",
            pool.from_mobile_network.as_ref(),
        );
        page.value("network", pool.network);
        page.value("default-router", list(&pool.default_router));
        page.value("dns-server", list(&pool.dns_server));
        page.name("domain-name", pool.domain_name.as_ref());
        if let Some(minutes) = pool.lease_minutes {
            let (days, hours) = (minutes / 1440, minutes / 60 % 24);
            page.line(format_args!("lease {days} {hours} {}", minutes % 60));
        }
    });
}

fn list<T: Display>(items: &[T]) -> Option<String> {
    let words: Vec<String> = items.iter().map(ToString::to_string).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn interface(page: &mut Page, block: &Interface) {
    page.block(format_args!("interface {}", word(&block.name)), |page| {
        page.name("device", block.device.as_ref());
        page.value("description", block.description.as_ref());
        page.name("vrf forwarding", block.vrf.as_ref());
        for address in &block.address {
            let family = if address.address.is_ipv4() {
                "ip"
            } else {
                "ipv6"
            };
            page.line(format_args!("{family} address {address}"));
        }
        page.flag(block.shutdown, "shutdown");
    });
}
