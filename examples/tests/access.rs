//! The access side of a MAG in network namespaces, with real clients: udhcpc for DHCPv4 and the
//! kernel's own autoconfiguration for Router Advertisements.
//!
//! Without the rights or a client it prints SKIP and passes; with `PMIP_REQUIRE_NETNS=1` a SKIP is
//! a failure.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pmip_examples::platform::netns::{Netns, may_create, veth_pair};
use serde_json::Value;

type Checked<T = ()> = Result<T, String>;
type Step = fn(&Site) -> Checked;

/// How long anything may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);
const CORRESPONDENT: &str = "203.0.113.9";
const CORRESPONDENT6: &str = "2001:db8:900::9";
/// Of the host, which its identifier is made of.
const HOST: &str = "02:00:00:00:10:01";
const HOST_NAI: &str = "02-00-00-00-10-01@D";

const CONFIG: &str = "\
ip local pool home4 10.65.0.10 10.65.0.250
ipv6 local pool home6 2001:db8:6500::/40 64
ip dhcp pool van
 network from mobile-network van@example.org
ipv6 mobile pmipv6-domain D
 encap udptunnel
 nai van@example.org
  lma L
  network vehicles
 nai regular@example.org
  network vehicles
ipv6 mobile pmipv6-lma L domain D
 address ipv4 192.0.2.1
 dynamic mag learning
 default profile regular@example.org
 network vehicles
  pool ipv4 home4 pfxlen 24
  pool ipv6 home6 pfxlen 64
  mobile-network pool 10.60.0.0 pool-prefix 16 network-prefix 24
  mobile-network v6pool 2001:db8:6400:: pool-prefix 40 network-prefix 56
ipv6 mobile pmipv6-mag M domain D
 address dynamic
  roaming interface wan priority 1 egress-att LTE label lte
 interface lan
 lma L D
  ipv4-address 192.0.2.1
 logical-mn van@example.org
  mobile network lan2 learn-prefix
";

/// What udhcpc runs for each event: configure what was offered, and nothing else.
const SCRIPT: &str = "#!/bin/sh
case \"$1\" in
bound|renew)
 ip address replace \"$ip/$mask\" dev \"$interface\"
 ip route replace default via \"$router\" dev \"$interface\" || exit 1
 echo \"$ip/$mask router $router mtu $mtu lease $lease\" > \"$LEASE\"
 ;;
deconfig)
 ip -4 address flush dev \"$interface\"
 ip link set \"$interface\" up
 ;;
esac
";

fn main() -> ExitCode {
    let required = std::env::var_os("PMIP_REQUIRE_NETNS").is_some_and(|value| value == "1");
    if !may_create() || !Path::new("/dev/net/tun").exists() {
        say(
            "SKIP access: this process may make no network namespaces or TUN devices (run as root)",
        );
        return verdict(!required);
    }
    for tool in ["udhcpc", "ping", "ip"] {
        if Command::new(tool).arg("--help").output().is_err() {
            say(&format!("SKIP access: {tool} is not installed"));
            return verdict(!required);
        }
    }
    match checked() {
        Ok(()) => verdict(true),
        Err(why) => {
            say(&format!("FAILED  {why}"));
            verdict(false)
        }
    }
}

fn checked() -> Checked {
    let site = Site::new()?;
    let steps: [(&str, Step); 5] = [
        ("a host makes its address of the anchor's prefix", slaac),
        ("a host gets the anchor's address by DHCP", dhcp),
        (
            "a host of a mobile network gets an address inside its prefix",
            mobile_network,
        ),
        (
            "an uplink whose address changes is registered anew",
            roaming,
        ),
        (
            "a host that releases its address leaves no binding",
            release,
        ),
    ];
    for (name, step) in steps {
        step(&site).map_err(|why| format!("{name}: {why}\n{}", site.log()))?;
        say(&format!("ok      {name}"));
    }
    Ok(())
}

/// Would break: Router Solicitations that attach nobody, advertisements that hosts do not take,
/// IPv6 forwarding on the access link.
fn slaac(site: &Site) -> Checked {
    site.up(&site.host, "eth0")?;
    wait_for("an address of 2001:db8:65", || {
        let shown = site.ip(&site.host, "-6 address show dev eth0 scope global");
        shown.is_ok_and(|shown| shown.contains("inet6 2001:db8:65"))
    })?;
    site.reaches(&site.host, CORRESPONDENT6)
}

/// Would break: the codec, the anchor's address and prefix length in it, the way back to the host.
fn dhcp(site: &Site) -> Checked {
    let lease = site.lease(&site.host, &["-n", "-q"])?;
    if !lease.starts_with("10.65.0.") || !lease.contains("/24 router 10.65.0.1 ") {
        return Err(format!("the lease is {lease}"));
    }
    if site.binding(HOST_NAI).is_none() {
        return Err(format!("there is no binding of {HOST_NAI}"));
    }
    site.reaches(&site.host, CORRESPONDENT)
}

fn mobile_network(site: &Site) -> Checked {
    site.up(&site.van, "eth0")?;
    let lease = site.lease(&site.van, &["-n", "-q"])?;
    if !lease.starts_with("10.60.0.") || !lease.contains("/24 router 10.60.0.1 ") {
        return Err(format!("the lease is {lease}"));
    }
    site.reaches(&site.van, CORRESPONDENT)?;
    wait_for("an address of 2001:db8:64", || {
        let shown = site.ip(&site.van, "-6 address show dev eth0 scope global");
        shown.is_ok_and(|shown| shown.contains("inet6 2001:db8:64"))
    })?;
    site.reaches(&site.van, CORRESPONDENT6)
}

/// Would break: what netlink tells of addresses, for the care-of address (row 17).
fn roaming(site: &Site) -> Checked {
    site.ip(&site.mag, "address delete 198.51.100.2/24 dev wan")?;
    site.ip(&site.mag, "address add 198.51.100.77/24 dev wan")?;
    site.ip(&site.mag, "route replace default via 198.51.100.1 dev wan")?;
    wait_for("a path from 198.51.100.77", || {
        let paths = site.pmip("lma", &["show", "paths"]);
        paths.is_ok_and(|paths| paths.to_string().contains("198.51.100.77"))
    })?;
    site.reaches(&site.host, CORRESPONDENT)
}

/// Would break: a DHCPRELEASE, which a client sends by its own IP stack, that is not heard.
fn release(site: &Site) -> Checked {
    let lease = site.directory.join("lease");
    let _ = fs::remove_file(&lease);
    let mut client = site.host.spawn(site.client(&["-R"])).map_err(text)?;
    let bound = wait_for("a lease", || lease.exists());
    let id = i32::try_from(client.id()).map_err(text)?;
    kill(Pid::from_raw(id), Signal::SIGTERM).map_err(text)?;
    client.wait().map_err(text)?;
    bound?;
    wait_for("the binding to go", || site.binding(HOST_NAI).is_none())
}

/// Correspondent, anchor, gateway, a host and a host of a mobile network.
struct Site {
    lma: Netns,
    mag: Netns,
    host: Netns,
    van: Netns,
    _cn: Netns,
    directory: PathBuf,
    programs: Vec<Child>,
}

impl Site {
    fn new() -> Checked<Self> {
        let directory = std::env::temp_dir().join(format!("pmip-access-{}", std::process::id()));
        fs::create_dir_all(&directory).map_err(text)?;
        let make = |role: &str| Netns::create(&format!("acc-{role}")).map_err(text);
        let mut site = Self {
            lma: make("lma")?,
            mag: make("mag")?,
            host: make("host")?,
            van: make("van")?,
            _cn: make("cn")?,
            directory,
            programs: Vec::new(),
        };
        site.wire()?;
        fs::write(site.directory.join("site.cfg"), CONFIG).map_err(text)?;
        let script = site.directory.join("lease.sh");
        fs::write(&script, SCRIPT).map_err(text)?;
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&script, executable).map_err(text)?;
        site.start("lma", env!("CARGO_BIN_EXE_lma"))?;
        site.start("mag", env!("CARGO_BIN_EXE_mag"))?;
        wait_for("the mobile network to be registered", || {
            site.binding("van@example.org").is_some()
        })
        .map_err(|why| format!("{why}\n{}", site.log()))?;
        Ok(site)
    }

    fn wire(&self) -> Checked {
        let pairs = [
            ((&self._cn, "eth0"), (&self.lma, "core")),
            ((&self.lma, "wan"), (&self.mag, "wan")),
            ((&self.mag, "lan"), (&self.host, "eth0")),
            ((&self.mag, "lan2"), (&self.van, "eth0")),
        ];
        for (a, b) in pairs {
            veth_pair(a, b).map_err(text)?;
        }
        let host = format!("link set eth0 address {HOST}");
        for (place, command) in [
            (&self._cn, "address add 203.0.113.9/24 dev eth0"),
            (&self._cn, "-6 address add 2001:db8:900::9/64 dev eth0"),
            (&self._cn, "link set eth0 up"),
            (&self._cn, "route add default via 203.0.113.1"),
            (&self._cn, "-6 route add default via 2001:db8:900::1"),
            (&self.lma, "address add 203.0.113.1/24 dev core"),
            (&self.lma, "-6 address add 2001:db8:900::1/64 dev core"),
            (&self.lma, "address add 192.0.2.1/32 dev lo"),
            (&self.lma, "address add 198.51.100.1/24 dev wan"),
            (&self.lma, "link set core up"),
            (&self.lma, "link set wan up"),
            (&self.mag, "address add 198.51.100.2/24 dev wan"),
            (&self.mag, "link set wan up"),
            (&self.mag, "link set lan up"),
            (&self.mag, "link set lan2 up"),
            (&self.mag, "route add default via 198.51.100.1 dev wan"),
            (&self.host, host.as_str()),
        ] {
            self.ip(place, command)?;
        }
        Ok(())
    }

    fn start(&mut self, role: &str, program: &str) -> Checked {
        let place = if role == "lma" { &self.lma } else { &self.mag };
        let log = fs::File::create(self.directory.join(format!("{role}.log"))).map_err(text)?;
        let mut command = Command::new(program);
        command
            .current_dir(&self.directory)
            .args(["--config", "site.cfg", "-v"])
            .args(["--control", &format!("{role}.sock")])
            .args(["--state-dir", &format!("{role}-state")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let child = place.spawn(command).map_err(text)?;
        self.programs.push(child);
        wait_for(&format!("the {role} to answer"), || {
            self.pmip(role, &["show", "globals"]).is_ok()
        })
        .map_err(|why| format!("{why}\n{}", self.log()))
    }

    fn up(&self, place: &Netns, link: &str) -> Checked {
        place.set_link_up(link, true).map_err(text)
    }

    fn ip(&self, place: &Netns, arguments: &str) -> Checked<String> {
        let mut command = Command::new("ip");
        command.args(arguments.split(' '));
        run(place, command).map_err(|why| format!("ip {arguments}: {why}"))
    }

    /// One answer at least within some tries: the first packet may wait for a neighbour.
    fn reaches(&self, place: &Netns, address: &str) -> Checked {
        wait_for(&format!("an answer of {address}"), || {
            let mut command = Command::new("ping");
            command.args(["-n", "-c", "1", "-W", "2", address]);
            run(place, command).is_ok()
        })
    }

    /// What a DHCP client got.
    fn lease(&self, place: &Netns, arguments: &[&str]) -> Checked<String> {
        let file = self.directory.join("lease");
        let _ = fs::remove_file(&file);
        run(place, self.client(arguments))?;
        fs::read_to_string(&file).map_err(|error| format!("no lease: {error}"))
    }

    fn client(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("udhcpc");
        command
            .args(["-i", "eth0", "-f", "-t", "10", "-T", "2", "-s"])
            .arg(self.directory.join("lease.sh"))
            .args(arguments)
            .env("LEASE", self.directory.join("lease"))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    fn binding(&self, nai: &str) -> Option<Value> {
        let shown = self.pmip("lma", &["show", "bindings"]).ok()?;
        let bindings = shown.as_array().or_else(|| shown["bindings"].as_array())?;
        bindings
            .iter()
            .find(|binding| binding.to_string().contains(&format!("\"{nai}\"")))
            .cloned()
    }

    fn pmip(&self, role: &str, arguments: &[&str]) -> Checked<Value> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pmip"));
        command
            .args(arguments)
            .arg("--json")
            .arg("--control")
            .arg(self.directory.join(format!("{role}.sock")));
        let output = output(command)?;
        serde_json::from_str(&output).map_err(text)
    }

    /// The end of what the programs said.
    fn log(&self) -> String {
        let ends = ["lma", "mag"].map(|role| {
            let file = self.directory.join(format!("{role}.log"));
            let log = fs::read_to_string(file).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let from = lines.len().saturating_sub(25);
            let end = lines.get(from..).unwrap_or_default();
            format!("--- {role}\n{}", end.join("\n"))
        });
        ends.join("\n")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for child in &mut self.programs {
            let id = i32::try_from(child.id()).unwrap_or(0);
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        for child in &mut self.programs {
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn run(place: &Netns, command: Command) -> Checked<String> {
    place.run(move || output(command)).map_err(text)?
}

fn output(mut command: Command) -> Checked<String> {
    let done: Output = command.stdin(Stdio::null()).output().map_err(text)?;
    let said = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    if done.status.success() {
        return Ok(said(&done.stdout));
    }
    Err(format!("{}: {}", done.status, said(&done.stderr)))
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) -> Checked {
    let start = Instant::now();
    while !done() {
        if start.elapsed() > PATIENCE {
            return Err(format!("waited in vain for {what}"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

fn text(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}

fn verdict(passed: bool) -> ExitCode {
    if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::print_stdout,
    reason = "a test without a harness prints its own results"
)]
fn say(line: &str) {
    println!("{line}");
}
