//! A domain of the real programs over two emulated WANs.
//!
//! ```text
//! correspondent --core-- lma ==wan1== mag --lan-- host
//!                            ==wan2==
//! ```

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pmip_binding::testing::LinkConfig;
use pmip_examples::lab::wan::Wan;
use pmip_examples::platform::netns::{Netns, veth_pair};
use pmip_wire::types::IpPrefix;
use serde_json::Value;

use super::{text, wait_until};

pub(super) const LMA_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub(super) const CORRESPONDENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 2);
/// The MAG's care-of address on each WAN.
pub(super) const CARE_OF: [Ipv4Addr; 2] =
    [Ipv4Addr::new(198, 51, 100, 2), Ipv4Addr::new(100, 64, 2, 2)];
pub(super) const WANS: [&str; 2] = ["wan1", "wan2"];
/// Modes of the configuration language in which the nodes are set.
pub(super) const LMA_MODE: &str = "ipv6 mobile pmipv6-lma LMA1 domain LAB";
pub(super) const MAG_MODE: &str = "ipv6 mobile pmipv6-mag MAG1 domain LAB";
/// How long anything of a start may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which of the two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Mag,
    Lma,
}

impl Node {
    pub(super) const BOTH: [Self; 2] = [Self::Mag, Self::Lma];
}

/// What one check sets, as text of the configuration language.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Settings {
    /// Tells domains that run at once apart.
    pub(super) name: &'static str,
    /// Access lists.
    pub(super) lists: &'static str,
    /// Maps, in domain mode.
    pub(super) maps: &'static str,
    /// What each node has beside what it needs, in its mode.
    pub(super) mag: &'static str,
    pub(super) lma: &'static str,
}

/// The running domain. Fields are dropped in order: programs, links, then what they ran in.
pub(super) struct Domain {
    mag: Program,
    lma: Program,
    pub(super) wans: [Wan; 2],
    pub(super) mag_namespace: Netns,
    pub(super) lma_namespace: Netns,
    pub(super) host_namespace: Netns,
    pub(super) core_namespace: Netns,
    /// The host's address, out of the delegated prefix.
    pub(super) host: Ipv4Addr,
    directory: PathBuf,
}

impl Domain {
    /// Builds it, starts the programs and waits until both paths are up and the host is attached.
    pub(super) fn start(settings: &Settings, link: &LinkConfig) -> Result<Self, String> {
        let name = settings.name;
        let create = |role: &str| Netns::create(&format!("{name}-{role}")).map_err(text);
        let mag_namespace = create("mag")?;
        let lma_namespace = create("lma")?;
        let host_namespace = create("host")?;
        let core_namespace = create("core")?;
        for router in [&mag_namespace, &lma_namespace] {
            forward(router)?;
        }
        core(&lma_namespace, &core_namespace)?;
        access(&mag_namespace, &host_namespace)?;
        let wans = [0, 1].map(|number| wan(number, &mag_namespace, &lma_namespace, link));
        let [first, second] = wans;
        let wans = [first?, second?];
        let directory = directory(settings)?;
        let lma = Program::start("lma", &lma_namespace, &directory)?;
        let mag = Program::start("mag", &mag_namespace, &directory)?;
        let mut domain = Self {
            mag,
            lma,
            wans,
            mag_namespace,
            lma_namespace,
            host_namespace,
            core_namespace,
            host: Ipv4Addr::UNSPECIFIED,
            directory,
        };
        domain.register()?;
        Ok(domain)
    }

    fn register(&mut self) -> Result<(), String> {
        let up = wait_until("both paths to be up", PATIENCE, || {
            Ok(Node::BOTH.iter().all(|node| self.up_paths(*node) == 2))
        });
        let logs = || Node::BOTH.map(|node| self.log(node)).join("\n");
        up.map_err(|why| format!("{why}\n{}", logs()))?;
        let bindings = self.show(Node::Lma, "bindings")?;
        let delegated = bindings
            .pointer("/0/dmnp")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .find(|prefix| !prefix.contains(':'));
        let prefix = delegated.ok_or_else(|| format!("nothing is delegated: {bindings}"))?;
        let (network, length) = prefix.split_once('/').unwrap_or((prefix, "28"));
        let network: Ipv4Addr = network.parse().map_err(text)?;
        let length: u8 = length.parse().map_err(text)?;
        let number = |number: u32| Ipv4Addr::from(u32::from(network) + number);
        let host = &self.host_namespace;
        host.add_address("eth0", number(2).into(), length)
            .map_err(text)?;
        default_route(host, number(1).into(), "eth0", 0)?;
        self.host = number(2);
        Ok(())
    }

    /// Paths that a node shows as up.
    pub(super) fn up_paths(&self, node: Node) -> usize {
        let shown = self.show(node, "paths").unwrap_or_default();
        let paths = shown.as_array();
        let up = paths.into_iter().flatten();
        up.filter(|path| path["state"] == "up").count()
    }

    /// `pmip show WHAT --json`.
    pub(super) fn show(&self, node: Node, what: &str) -> Result<Value, String> {
        show(&self.socket(node), what)
    }

    /// What a node measured on each WAN.
    pub(super) fn sla(&self, node: Node) -> Result<[Value; 2], String> {
        let shown = self.show(node, "sla")?;
        let of = |wan: usize| {
            let ours = |row: &&Value| row["label"] == WANS[wan];
            let row = shown.as_array().into_iter().flatten().find(ours);
            row.cloned()
                .ok_or_else(|| format!("{node:?} watches no path {}: {shown}", WANS[wan]))
        };
        Ok([of(0)?, of(1)?])
    }

    /// `pmip configure`.
    pub(super) fn configure(&self, node: Node, lines: &[&str]) -> Result<(), String> {
        let mut command = pmip(&self.socket(node), &["configure"]);
        let output = command.args(lines).output().map_err(text)?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    }

    fn socket(&self, node: Node) -> PathBuf {
        self.directory.join(match node {
            Node::Mag => "mag.sock",
            Node::Lma => "lma.sock",
        })
    }

    /// The log of a node.
    pub(super) fn log(&self, node: Node) -> String {
        let program = match node {
            Node::Mag => &self.mag,
            Node::Lma => &self.lma,
        };
        program.log()
    }
}

impl Drop for Domain {
    fn drop(&mut self) {
        self.mag.end();
        self.lma.end();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A running `mag` or `lma`.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    fn start(name: &str, namespace: &Netns, directory: &Path) -> Result<Self, String> {
        let executable = match name {
            "lma" => env!("CARGO_BIN_EXE_lma"),
            _ => env!("CARGO_BIN_EXE_mag"),
        };
        let log = directory.join(format!("{name}.log"));
        let mut command = Command::new(executable);
        command
            .arg("--config")
            .arg(directory.join("lab.cfg"))
            .arg("--control")
            .arg(directory.join(format!("{name}.sock")))
            .arg("--state-dir")
            .arg(directory.join(name))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(&log).map_err(text)?);
        let child = namespace.spawn(command).map_err(text)?;
        let mut program = Self { child, log };
        program.wait_until_ready(name)?;
        Ok(program)
    }

    fn wait_until_ready(&mut self, name: &str) -> Result<(), String> {
        let output = self.child.stdout.take().ok_or("its output is piped")?;
        let (sender, ready) = mpsc::channel();
        // Lives as long as the program's standard output, so that it never blocks on it.
        thread::spawn(move || {
            for _ in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = sender.send(());
            }
        });
        let done = ready.recv_timeout(PATIENCE);
        done.map_err(|_| format!("{name} is not ready: {}", self.log()))
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    fn end(&mut self) {
        let id = i32::try_from(self.child.id()).unwrap_or(0);
        if id > 0 && matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && start.elapsed().as_secs() < 5 {
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
    }
}

/// An LMA alone, for others to play its MAGs.
pub(super) struct Anchor {
    program: Program,
    directory: PathBuf,
}

impl Anchor {
    pub(super) fn start(settings: &Settings, namespace: &Netns) -> Result<Self, String> {
        let directory = directory(settings)?;
        let program = Program::start("lma", namespace, &directory)?;
        Ok(Self { program, directory })
    }

    /// `pmip show WHAT --json`.
    pub(super) fn show(&self, what: &str) -> Result<Value, String> {
        show(&self.directory.join("lma.sock"), what)
    }
}

impl Drop for Anchor {
    fn drop(&mut self) {
        // At its end it writes what it knows there.
        self.program.end();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A directory for one run, with its configuration in it.
fn directory(settings: &Settings) -> Result<PathBuf, String> {
    let name = format!("pmip-hybrid-{}-{}", std::process::id(), settings.name);
    let directory = std::env::temp_dir().join(name);
    fs::create_dir_all(&directory).map_err(text)?;
    fs::write(directory.join("lab.cfg"), configuration(settings)).map_err(text)?;
    Ok(directory)
}

fn pmip(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pmip"));
    command.args(arguments).arg("--control").arg(socket);
    command
}

fn show(socket: &Path, what: &str) -> Result<Value, String> {
    let mut command = pmip(socket, &["show", "--json"]);
    let output = command.args(what.split(' ')).output().map_err(text)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(text)
}

/// A router: replies may leave by another WAN.
pub(super) fn forward(namespace: &Netns) -> Result<(), String> {
    for (key, value) in [
        ("ipv4/ip_forward", "1"),
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
    ] {
        namespace.sysctl(key, value).map_err(text)?;
    }
    Ok(())
}

fn core(lma: &Netns, core: &Netns) -> Result<(), String> {
    let router = Ipv4Addr::new(203, 0, 113, 1);
    veth_pair((lma, "core"), (core, "eth0")).map_err(text)?;
    for (namespace, link, address, length) in [
        (lma, "core", router, 24),
        (lma, "lo", LMA_ADDRESS, 32),
        (core, "eth0", CORRESPONDENT, 24),
    ] {
        let added = namespace.add_address(link, address.into(), length);
        added.map_err(text)?;
        namespace.set_link_up(link, true).map_err(text)?;
    }
    default_route(core, router.into(), "eth0", 0)
}

fn access(mag: &Netns, host: &Netns) -> Result<(), String> {
    veth_pair((mag, "lan"), (host, "eth0")).map_err(text)?;
    mag.set_link_up("lan", true).map_err(text)?;
    host.set_link_up("eth0", true).map_err(text)
}

fn wan(number: usize, mag: &Netns, lma: &Netns, link: &LinkConfig) -> Result<Wan, String> {
    let (name, care_of) = (WANS[number], CARE_OF[number]);
    let router = Ipv4Addr::from(u32::from(care_of) - 1);
    let mut link = link.clone();
    link.seed ^= u64::try_from(number).unwrap_or(0);
    let joined = Wan::join((mag, name), (lma, name), &link).map_err(text)?;
    mag.add_address(name, care_of.into(), 24).map_err(text)?;
    lma.add_address(name, router.into(), 24).map_err(text)?;
    let metric = 100 + u32::try_from(number).unwrap_or(0);
    default_route(mag, router.into(), name, metric)?;
    Ok(joined)
}

fn default_route(
    namespace: &Netns,
    gateway: IpAddr,
    link: &str,
    metric: u32,
) -> Result<(), String> {
    let everywhere = IpPrefix::new(Ipv4Addr::UNSPECIFIED.into(), 0).map_err(text)?;
    namespace
        .add_route_with_metric(everywhere, Some(gateway), Some(link), metric)
        .map_err(text)
}

fn configuration(settings: &Settings) -> String {
    let Settings {
        lists,
        maps,
        mag,
        lma,
        ..
    } = settings;
    format!(
        "{lists}
ip local pool home4 10.65.0.10 10.65.255.250
ipv6 local pool home6 2001:db8:6500::/40 64
ipv6 mobile pmipv6-domain LAB
 encap udptunnel
 link-label wan1 id 1
 link-label wan2 id 2
 nai van@lab.example
  lma LMA1
  network vehicles
{maps}
{LMA_MODE}
 address ipv4 {LMA_ADDRESS}
 multipath
 heartbeat interval 10 retries 2
 dynamic mag learning
 default profile van@lab.example
 interface core
 network vehicles
  pool ipv4 home4 pfxlen 16
  pool ipv6 home6 pfxlen 64
  mobile-network pool 10.64.0.0 pool-prefix 16 network-prefix 28
  mobile-network v6pool 2001:db8:6400:: pool-prefix 40 network-prefix 56
{lma}
{MAG_MODE}
 address dynamic
  roaming interface wan1 priority 1 egress-att LTE label wan1
  roaming interface wan2 priority 2 egress-att WLAN label wan2
 multipath
 heartbeat interval 10 retries 2
 lma LMA1 LAB
  ipv4-address {LMA_ADDRESS}
 logical-mn van@lab.example
  mobile network lan learn-prefix
{mag}
"
    )
}
