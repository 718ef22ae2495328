//! Every encapsulation, with the real programs in network namespaces: the lab's quickstart over it,
//! IPv6 inside beside its IPv4, and what tcpdump and tshark see of it.
//!
//! Without the rights it prints SKIP and passes; with `PMIP_REQUIRE_NETNS=1` a SKIP is a failure.

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use common::{Checked, Lab, end_capture, exists, inside, parse, run, tcpdump, tshark, wait_for};
use pmip_examples::platform::netns::may_create;

/// One encapsulation and what its packets look like on the wire, as tcpdump names it.
struct Row {
    /// The argument of `pmip lab --encap`.
    word: &'static str,
    /// As `show tunnels` calls it.
    shown: &'static str,
    /// Outer packets around inner IPv4, and around inner IPv6.
    outer: [&'static str; 2],
    /// What tshark reads in them of inner IPv4 and of inner IPv6.
    inner: [&'static str; 2],
}

const ROWS: [Row; 4] = [
    Row {
        word: "udptunnel",
        shown: "ipv4-udp",
        outer: ["udp port 5437", "udp port 5437"],
        inner: ["udp.port == 5437", "udp.port == 5437"],
    },
    Row {
        word: "ipv4",
        shown: "ipv4",
        outer: ["ip proto 4", "ip proto 41"],
        inner: ["ip.proto == 4 && tcp", "ip.proto == 41 && icmpv6"],
    },
    Row {
        word: "gre-ipv4",
        shown: "gre-ipv4",
        outer: ["ip proto 47", "ip proto 47"],
        inner: [
            "ip.proto == 47 && gre.proto == 0x0800 && tcp",
            "ip.proto == 47 && gre.proto == 0x86dd && icmpv6",
        ],
    },
    // The quickstart is multipath, which `ipv6-in-ipv6` is refused for (acceptance row 4).
    Row {
        word: "gre-ipv6",
        shown: "gre-ipv6",
        outer: ["ip6 proto 47", "ip6 proto 47"],
        inner: [
            "ipv6.nxt == 47 && gre.proto == 0x0800 && tcp",
            "ipv6.nxt == 47 && gre.proto == 0x86dd && icmpv6",
        ],
    },
];
/// All that may carry an inner packet.
const CARRIERS: &str = "(udp port 5437 or ip proto 4 or ip proto 41 or ip proto 47 \
                        or ip6 proto 4 or ip6 proto 41 or ip6 proto 47)";
/// The first of the short ones: signalling, echoes, opening and acknowledging segments. Bulk data
/// looks like those, and tshark would read it for minutes.
const FILTER: [&str; 3] = ["-c", "40000", "(ip or ip6) and less 400"];
const WANS: [&str; 2] = ["wan1", "wan2"];
/// The ends of the correspondent's network.
const CORE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc0de, 0xff, 0, 0, 0, 1);
const CORRESPONDENT: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc0de, 0xff, 0, 0, 0, 2);
/// Octets of a TCP transfer in each direction.
const OCTETS: usize = 1_000_000;

fn main() -> ExitCode {
    let required = std::env::var_os("PMIP_REQUIRE_NETNS").is_some_and(|value| value == "1");
    let tools = ["tcpdump", "tshark", "ip", "ping"];
    let missing = tools.into_iter().find(|tool| !exists_somehow(tool));
    if !may_create() || !Path::new("/dev/net/tun").exists() || missing.is_some() {
        let why = missing.map_or_else(
            || "this process may make no network namespaces or TUN devices (run as root)".into(),
            |tool| format!("{tool} is not installed"),
        );
        say(&format!("SKIP {why}"));
        return ExitCode::from(u8::from(required));
    }
    // One by name, as with other tests: `--test encapsulations -- gre-ipv6`.
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |row: &&Row| wanted.is_empty() || wanted.iter().any(|word| word == row.word);
    let mut passed = true;
    for row in ROWS.iter().filter(wanted) {
        match carried(row) {
            Ok(()) => say(&format!("ok      {}", row.word)),
            Err(why) => {
                passed = false;
                say(&format!("FAILED  {}: {why}", row.word));
            }
        }
    }
    ExitCode::from(u8::from(!passed))
}

/// Would break: sockets that are missing or bound elsewhere, headers that other stacks cannot read,
/// a path that carries by another encapsulation than agreed, signalling over IPv6.
fn carried(row: &Row) -> Checked {
    let mut lab = Lab::start(&["--encap", row.word])?;
    let mut captures = Captures::start(&lab)?;
    lab.wait_until_running()?;
    let seen = ipv6_inside(&lab).and_then(|()| tunnels(&lab, row.shown));
    let (code, result) = lab.wait()?;
    let result = parse(&result)?;
    seen?;
    if code != 0 || result["ok"] != true {
        return Err(format!("exit {code}: {result:#}"));
    }
    captures.end()?;
    judge(row, &captures.files)
}

/// Hosts with IPv6: a ping, and a TCP transfer in both directions.
fn ipv6_inside(lab: &Lab) -> Checked {
    let host = attach_ipv6(lab)?;
    let arguments = ["-6", "-c", "5", "-i", "0.2", "-W", "2"];
    let mut ping = Command::new("ping");
    ping.args(arguments).arg(CORRESPONDENT.to_string());
    wait_for("an answered ping over IPv6", || {
        let answered = inside(&lab.namespace("host"), || ping.output());
        answered.is_ok_and(|output| output.status.success())
    })?;
    let transferred = transfer(lab, host);
    transferred.map_err(|error| format!("a TCP transfer over IPv6: {error}"))
}

/// Gives the host an address of the delegated prefix, and the correspondent a network.
fn attach_ipv6(lab: &Lab) -> Result<Ipv6Addr, String> {
    let mut prefix = None;
    wait_for("a delegated IPv6 prefix", || {
        prefix = delegated(lab);
        prefix.is_some()
    })?;
    let (network, length) = prefix.ok_or("no prefix")?;
    let at = |host: u128| Ipv6Addr::from(u128::from(network) + host);
    let commands = [
        (
            "host",
            format!("address replace {}/{length} dev eth0 nodad", at(2)),
        ),
        ("host", format!("-6 route replace default via {}", at(1))),
        ("lma", format!("address replace {CORE}/64 dev core nodad")),
        (
            "correspondent",
            format!("address replace {CORRESPONDENT}/64 dev eth0 nodad"),
        ),
        (
            "correspondent",
            format!("-6 route replace default via {CORE}"),
        ),
    ];
    for (role, command) in commands {
        let mut ip = Command::new("ip");
        ip.args(command.split(' '));
        inside(&lab.namespace(role), || Ok(run(&mut ip)))
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("ip {command}: {error}"))?;
    }
    Ok(at(2))
}

fn delegated(lab: &Lab) -> Option<(Ipv6Addr, u8)> {
    let bindings = show(lab, "bindings").ok()?;
    let prefixes = bindings[0]["dmnp"].as_array()?;
    let mut texts = prefixes.iter().filter_map(|prefix| prefix.as_str());
    texts.find_map(|text| {
        let (address, length) = text.split_once('/')?;
        Some((address.parse().ok()?, length.parse().ok()?))
    })
}

fn transfer(lab: &Lab, host: Ipv6Addr) -> std::io::Result<()> {
    let listener = inside(&lab.namespace("correspondent"), || {
        TcpListener::bind((CORRESPONDENT, 0))
    })?;
    let to = listener.local_addr()?;
    let patience = Duration::from_secs(5);
    let mut near = inside(&lab.namespace("host"), || {
        TcpStream::connect_timeout(&to, patience)
    })?;
    let (mut far, from) = listener.accept()?;
    assert_eq!(from.ip(), SocketAddr::from((host, 0)).ip());
    for stream in [&near, &far] {
        stream.set_read_timeout(Some(patience))?;
        stream.set_write_timeout(Some(patience))?;
    }
    pass(&mut near, &mut far)?;
    pass(&mut far, &mut near)
}

fn pass(from: &mut TcpStream, to: &mut TcpStream) -> std::io::Result<()> {
    let sent: Vec<u8> = (0..OCTETS).map(|at| (at % 251) as u8).collect();
    let mut received = vec![0; OCTETS];
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| from.write_all(&sent));
        to.read_exact(&mut received)?;
        let panicked = |_| Err(std::io::Error::other("the thread panicked"));
        writer.join().unwrap_or_else(panicked)
    })?;
    match received == sent {
        true => Ok(()),
        false => Err(std::io::Error::other("other octets arrived than were sent")),
    }
}

fn show(lab: &Lab, what: &str) -> Result<serde_json::Value, String> {
    let mut pmip = Command::new(env!("CARGO_BIN_EXE_pmip"));
    pmip.args(["show", what, "--json", "--control"])
        .arg(lab.directory().join("mag.sock"));
    parse(&run(&mut pmip)?)
}

/// Both tunnels are of this encapsulation.
fn tunnels(lab: &Lab, shown: &str) -> Checked {
    let tunnels = show(lab, "tunnels")?;
    let rows = tunnels.as_array().map_or(&[][..], Vec::as_slice);
    let right = rows.iter().filter(|row| row["encap"] == shown).count();
    if (rows.len(), right) == (2, 2) {
        return Ok(());
    }
    Err(format!("not two tunnels of {shown}: {tunnels:#}"))
}

/// What the LMA's ends of both WANs saw.
struct Captures {
    running: Vec<Child>,
    files: Vec<PathBuf>,
}

impl Captures {
    fn start(lab: &Lab) -> Result<Self, String> {
        let mut captures = Self {
            running: Vec::new(),
            files: Vec::new(),
        };
        for wan in WANS {
            let file = std::env::temp_dir().join(format!("pmip-encap-{}-{wan}.pcap", lab.id));
            captures.files.push(file.clone());
            let running = tcpdump(&lab.namespace("lma"), wan, &file, &FILTER)?;
            captures.running.push(running);
        }
        Ok(captures)
    }

    fn end(&mut self) -> Checked {
        self.running.iter_mut().try_for_each(end_capture)
    }
}

impl Drop for Captures {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
        for file in &self.files {
            let _ = fs::remove_file(file);
        }
    }
}

/// The expected protocols and no others, and nothing that tshark cannot read. A flow has one path,
/// so that what it carries is in one of the files.
fn judge(row: &Row, files: &[PathBuf]) -> Checked {
    let everywhere = |read: Reader, filter: &str| -> Result<String, String> {
        files.iter().map(|file| read(file, filter)).collect()
    };
    let [v4, v6] = row.outer;
    let inner = row.inner.into_iter().chain(["mip6.mhtype == 13"]);
    let expected = row.outer.into_iter().map(|filter| (seen as Reader, filter));
    for (read, filter) in expected.chain(inner.map(|filter| (tshark as Reader, filter))) {
        if everywhere(read, filter)?.is_empty() {
            return Err(format!("no packet of `{filter}`"));
        }
    }
    let foreign = everywhere(seen, &format!("{CARRIERS} and not ({v4} or {v6})"))?;
    if let Some(line) = foreign.lines().next() {
        return Err(format!("a packet that does not belong there: {line}"));
    }
    let malformed = everywhere(tshark, "_ws.malformed")?;
    match malformed.lines().next() {
        Some(line) => Err(format!("tshark cannot read: {line}")),
        None => Ok(()),
    }
}

type Reader = fn(&Path, &str) -> Result<String, String>;

fn seen(file: &Path, filter: &str) -> Result<String, String> {
    run(Command::new("tcpdump")
        .args(["-n", "-t", "-r"])
        .arg(file)
        .arg(filter))
}

/// `ip` and `ping` know no `--version`.
fn exists_somehow(tool: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    exists(tool) || std::env::split_paths(&paths).any(|path| path.join(tool).exists())
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "encapsulations: {text}");
}
