//! `pmip doctor`: whether this host is fit for a node, and what to do where it is not.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use pmip_wire::udp::{CONTROL_PORT, DATA_PORT};
use serde::Serialize;

use crate::config::node::{Engine, NodeConfig, Role, select};
use crate::control::client;
use crate::node::uplinks::Uplinks;
use crate::platform::netlink::watch;
use crate::platform::network::NetworkState;
use crate::platform::rights::{Right, require};

/// Arguments of `pmip doctor`.
#[derive(Clone, Debug, clap::Args)]
pub struct DoctorArgs {
    /// Check for the node of this configuration too: its addresses, uplinks and gateways
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Which node of the file
    #[arg(long, value_name = "NAME", requires = "config")]
    id: Option<String>,
    /// Print JSON and nothing else on standard output
    #[arg(long)]
    json: bool,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warning,
    Failure,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Finding {
    check: &'static str,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Finding {
    fn new(check: &'static str, verdict: Verdict, found: impl Into<String>, advice: &str) -> Self {
        Self {
            check,
            verdict,
            found: found.into(),
            advice: (!advice.is_empty()).then(|| advice.to_owned()),
        }
    }

    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self::new(check, Verdict::Ok, found, "")
    }

    fn warning(check: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(check, Verdict::Warning, found, advice)
    }

    fn failure(check: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self::new(check, Verdict::Failure, found, advice)
    }
}

/// `pmip doctor`: returns whether a node could run.
///
/// # Errors
/// When the report cannot be written.
pub fn doctor(args: &DoctorArgs) -> Result<bool> {
    let host = Host {
        root: PathBuf::from("/"),
    };
    let mut findings = vec![rights(), host.tun()];
    findings.extend(ports(&host));
    findings.extend([host.forwarding(), host.reverse_path_filter(), host.clock()]);
    findings.extend(host.managers());
    match &args.config {
        None => {}
        Some(_) => match node_config(args) {
            Ok(config) => {
                findings.push(Finding::ok(
                    "configuration",
                    format!("{} can be run", config.id),
                ));
                findings.extend(network(&config, &host));
            }
            Err(complaint) => findings.push(Finding::failure(
                "configuration",
                complaint,
                "correct it; `pmip config check FILE` says where",
            )),
        },
    }
    let fit = findings
        .iter()
        .all(|found| found.verdict != Verdict::Failure);
    let text = match args.json {
        true => format!("{}\n", serde_json::to_string_pretty(&findings)?),
        false => render(&findings, fit),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(fit)
}

fn render(findings: &[Finding], fit: bool) -> String {
    let mut text = String::new();
    for Finding {
        check,
        verdict,
        found,
        advice,
    } in findings
    {
        let mark = match verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warning => "warn",
            Verdict::Failure => "FAIL",
        };
        text.push_str(&format!("{mark}  {check}: {found}\n"));
        if let Some(advice) = advice {
            text.push_str(&format!("      {advice}\n"));
        }
    }
    text.push_str(match fit {
        true => "this host is fit\n",
        false => "this host is not fit yet\n",
    });
    text
}

fn rights() -> Finding {
    match require("lma", &[Right::NetAdmin, Right::NetRaw]) {
        Ok(()) => Finding::ok("rights", "CAP_NET_ADMIN and CAP_NET_RAW are there"),
        Err(_) => Finding::failure(
            "rights",
            "CAP_NET_ADMIN or CAP_NET_RAW is missing",
            "run as root, or: sudo setcap cap_net_admin,cap_net_raw+ep \"$(command -v lma)\"",
        ),
    }
}

/// Whether somebody else has our ports.
fn ports(host: &Host) -> Vec<Finding> {
    // One with a socket elsewhere is known by the name of its process.
    let named = ["lma", "mag"].iter().any(|name| host.runs(name));
    let running = named || client::find(None, None).is_ok();
    let port = |port: u16| match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Ok(_) => Finding::ok("ports", format!("UDP {port} is free")),
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            Finding::failure("ports", format!("UDP {port} cannot be opened: {error}"), "")
        }
        Err(_) if running => Finding::ok("ports", format!("UDP {port} is a running node's")),
        Err(_) => Finding::failure(
            "ports",
            format!("UDP {port} is taken by another program"),
            "find it with `ss -ulnp` and stop it: another mobility daemon, as a rule",
        ),
    };
    vec![port(CONTROL_PORT), port(DATA_PORT)]
}

fn node_config(args: &DoctorArgs) -> Result<NodeConfig, String> {
    let file = args.config.clone().unwrap_or_default();
    let loaded = crate::config::load(&file).map_err(|report| report.to_string())?;
    let id = args.id.as_deref();
    let lma = select(&loaded.config, Role::Lma, id);
    match (lma, select(&loaded.config, Role::Mag, id)) {
        (Ok(_), Ok(_)) => Err("the file holds an LMA and a MAG; choose one with --id".into()),
        (Ok(node), Err(_)) | (Err(_), Ok(node)) => Ok(node),
        (Err(lma), Err(mag)) => Err(format!("{lma}; {mag}")),
    }
}

/// What the kernel has of a node's addresses and uplinks.
fn network(config: &NodeConfig, host: &Host) -> Vec<Finding> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let events = runtime.and_then(|runtime| runtime.block_on(watch()));
    let mut network = NetworkState::default();
    match events {
        Ok((_, events)) => events.into_iter().for_each(|event| network.apply(event)),
        Err(error) => {
            let found = format!("the kernel's interfaces cannot be read: {error}");
            return vec![Finding::failure("interfaces", found, "")];
        }
    }
    match &config.engine {
        Engine::Lma(lma) => lma
            .ipv4_address
            .map(|address| own_address(address.into()))
            .into_iter()
            .collect(),
        Engine::Mag(mag) => {
            let uplinks = Uplinks::new(config, mag);
            let mut findings = Vec::new();
            for (uplink, found) in uplinks.find(&network) {
                findings.push(match found {
                    Ok(address) => {
                        Finding::ok("uplink", format!("{} has {address}", uplink.egress()))
                    }
                    Err(why) => Finding::failure(
                        "uplink",
                        why.to_string(),
                        "the path stays down until then; the node itself runs",
                    ),
                });
                findings.extend(mtu(uplink.egress(), &network));
                findings.extend(host.strict_filter(uplink.egress()));
            }
            let networks = config.mobile_networks.iter();
            let missing = networks.filter(|access| network.link(&access.device).is_none());
            findings.extend(missing.map(|access| {
                let found = format!("there is no interface {}", access.device);
                let advice = "the MAG does not start without the interface of a mobile network";
                Finding::failure("mobile network", found, advice)
            }));
            findings
        }
    }
}

fn own_address(address: IpAddr) -> Finding {
    match UdpSocket::bind((address, 0)) {
        Ok(_) => Finding::ok("address", format!("{address} is an address of this host")),
        Err(error) => Finding::failure(
            "address",
            format!("{address} cannot be used: {error}"),
            "give it to an interface, or let the file do so: `interface DEVICE` with `ip address`",
        ),
    }
}

/// IPv6 needs 1280 octets inside (RFC 8200 section 5), after the tunnel's 28.
fn mtu(device: &str, network: &NetworkState) -> Option<Finding> {
    const LEAST: u32 = 1280 + 28;
    let mtu = network.link(device)?.mtu;
    (mtu < LEAST).then(|| {
        Finding::warning(
            "MTU",
            format!("{device} takes {mtu} octets: less than IPv6 in a tunnel needs ({LEAST})"),
            "raise its MTU; packets are fragmented or refused until then",
        )
    })
}

/// The files of this host.
struct Host {
    root: PathBuf,
}

/// Programs that change routes and rules of others, by the name of their process.
const MANAGERS: [(&str, &str); 5] = [
    (
        "NetworkManager",
        "keep it off the uplinks, the TUN device and mobile networks: `nmcli device set DEVICE managed no`",
    ),
    (
        "systemd-networkd",
        "set ManageForeignRoutingPolicyRules=no and ManageForeignRoutes=no in networkd.conf, else it removes ours",
    ),
    (
        "firewalld",
        "let UDP 5436 and 5437 in, and traffic between the TUN device and the access interfaces pass",
    ),
    (
        "dockerd",
        "it drops forwarded packets: accept those of the TUN device in the chain DOCKER-USER",
    ),
    (
        "connmand",
        "keep it off the uplinks: NetworkInterfaceBlacklist in main.conf",
    ),
];

impl Host {
    fn read(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.root.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    fn tun(&self) -> Finding {
        match self.root.join("dev/net/tun").exists() {
            true => Finding::ok("TUN", "/dev/net/tun is there"),
            false => Finding::failure(
                "TUN",
                "/dev/net/tun is missing",
                "load it with `modprobe tun`; a container needs --device /dev/net/tun",
            ),
        }
    }

    fn forwarding(&self) -> Finding {
        let key = "proc/sys/net/ipv4/ip_forward";
        let writable = fs::OpenOptions::new().write(true).open(self.root.join(key));
        match (self.read(key).as_deref(), writable.is_ok()) {
            (Some("1"), _) => Finding::ok("forwarding", "on"),
            (Some(_), true) => Finding::ok("forwarding", "off; a node turns it on while it runs"),
            (Some(_), false) => Finding::failure(
                "forwarding",
                "off, and this process may not turn it on",
                "sysctl -w net.ipv4.ip_forward=1 (in a container: on its host)",
            ),
            (None, _) => Finding::warning("forwarding", "unknown: /proc/sys cannot be read", ""),
        }
    }

    fn reverse_path_filter(&self) -> Finding {
        let all = self.read("proc/sys/net/ipv4/conf/all/rp_filter");
        match all.as_deref() {
            Some("1") => Finding::warning(
                "reverse path filter",
                "strict for all interfaces",
                "a node makes it loose on its own devices; where it may not: sysctl -w net.ipv4.conf.all.rp_filter=2",
            ),
            Some(_) => Finding::ok("reverse path filter", "not strict"),
            None => Finding::ok("reverse path filter", "none"),
        }
    }

    /// A strict filter on one uplink drops what comes in while another is the better way back.
    fn strict_filter(&self, device: &str) -> Option<Finding> {
        let key = format!("proc/sys/net/ipv4/conf/{device}/rp_filter");
        let strict = self.read(&key).as_deref() == Some("1");
        strict.then(|| {
            let advice = format!("a node makes it loose; where it may not: sysctl -w net.ipv4.conf.{device}.rp_filter=2");
            Finding::warning("reverse path filter", format!("strict on {device}"), &advice)
        })
    }

    /// Timestamps order registrations: a clock that is wrong by more than the window is refused
    /// (RFC 5213 section 5.5).
    fn clock(&self) -> Finding {
        const YEAR_2024: u64 = 1_704_067_200;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        if now.map_or(0, |now| now.as_secs()) < YEAR_2024 {
            return Finding::failure(
                "clock",
                "the clock is years behind",
                "set it: registrations with such timestamps are refused",
            );
        }
        let synchronised = self.root.join("run/systemd/timesync/synchronized").exists();
        let keepers = ["chronyd", "ntpd", "systemd-timesyn", "openntpd", "ptp4l"];
        match synchronised || keepers.iter().any(|name| self.runs(name)) {
            true => Finding::ok("clock", "something keeps it right"),
            false => Finding::warning(
                "clock",
                "nothing seems to keep it right",
                "run chrony or systemd-timesyncd: it may be off by the timestamp window at most (7 s by `replay-protection timestamp`)",
            ),
        }
    }

    fn managers(&self) -> Vec<Finding> {
        let running = MANAGERS.iter().filter(|(name, _)| self.runs(name));
        let found: Vec<Finding> = running
            .map(|(name, advice)| {
                Finding::warning("other managers", format!("{name} runs here"), advice)
            })
            .collect();
        match found.is_empty() {
            true => vec![Finding::ok(
                "other managers",
                "none that changes routes or rules",
            )],
            false => found,
        }
    }

    /// Whether a process of this name runs. The kernel keeps 15 octets of names.
    fn runs(&self, name: &str) -> bool {
        let name = name.get(..15).unwrap_or(name);
        let Ok(entries) = fs::read_dir(self.root.join("proc")) else {
            return false;
        };
        let mut comms = entries
            .flatten()
            .filter(|entry| {
                entry
                    .file_name()
                    .to_string_lossy()
                    .starts_with(|c: char| c.is_ascii_digit())
            })
            .filter_map(|entry| fs::read_to_string(entry.path().join("comm")).ok());
        comms.any(|comm| comm.trim() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A host made of files.
    struct Made(Host);

    impl Made {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let name = format!("pmip-doctor-{}-{name}", std::process::id());
            let root = std::env::temp_dir().join(name);
            for (path, text) in files {
                let path = root.join(path);
                let parent = path.parent().expect("a directory");
                fs::create_dir_all(parent).expect("a directory");
                fs::write(path, text).expect("a file");
            }
            Self(Host { root })
        }
    }

    impl Drop for Made {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0.root).expect("clean up");
        }
    }

    #[test]
    fn what_stands_in_the_way_is_found_with_a_way_out() {
        let made = Made::new(
            "bad",
            &[
                ("proc/sys/net/ipv4/conf/all/rp_filter", "1\n"),
                ("proc/sys/net/ipv4/conf/wan1/rp_filter", "1\n"),
                ("proc/12/comm", "systemd-network\n"),
                ("proc/13/comm", "bash\n"),
            ],
        );
        let host = &made.0;
        let mut findings = vec![host.tun(), host.reverse_path_filter(), host.clock()];
        findings.extend(host.strict_filter("wan1"));
        findings.extend(host.managers());
        assert!(host.strict_filter("wan2").is_none());
        for found in &findings {
            assert_ne!(found.verdict, Verdict::Ok, "{found:?}");
            assert!(found.advice.is_some(), "{found:?}");
        }
        assert!(
            findings
                .iter()
                .any(|found| found.found.contains("systemd-networkd"))
        );
        assert!(render(&findings, false).contains("FAIL  TUN"));
    }

    #[test]
    fn a_host_as_it_should_be_has_nothing_to_say() {
        let made = Made::new(
            "good",
            &[
                ("dev/net/tun", ""),
                ("proc/sys/net/ipv4/ip_forward", "0\n"),
                ("proc/sys/net/ipv4/conf/all/rp_filter", "2\n"),
                ("proc/14/comm", "chronyd\n"),
            ],
        );
        let host = &made.0;
        let mut findings = vec![host.tun(), host.forwarding(), host.reverse_path_filter()];
        findings.push(host.clock());
        findings.extend(host.managers());
        for found in findings {
            assert_eq!(
                (found.verdict, found.advice),
                (Verdict::Ok, None),
                "{}",
                found.check
            );
        }
    }
}
