//! In steady state the workers of the data plane allocate nothing, packets through them or not:
//! counted while two of them carry UDP between two network namespaces, for every way to carry it.
//!
//! Without the rights it prints SKIP and passes; with `PMIP_REQUIRE_NETNS=1` a SKIP is a failure.

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use pmip_examples::platform::dataplane::{DATA_PORT, DataPlane, DataPlaneConfig};
use pmip_examples::platform::netns::{Netns, may_create, veth_pair};
use pmip_tunnel::encap::Carrier;
use pmip_tunnel::{ForwardingTable, PathKeys, Role, SessionKey, TunnelPath, TunnelSession};
use pmip_wire::types::{Encapsulation, IpPrefix, PathId};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: passes every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `GlobalAlloc::dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const TUN: &str = "pmip0";
const ALL: [Encapsulation; 4] = [
    Encapsulation::Ipv4Udp,
    Encapsulation::GreIpv4,
    Encapsulation::Ipv6,
    Encapsulation::GreIpv6,
];

fn main() -> ExitCode {
    let required = std::env::var_os("PMIP_REQUIRE_NETNS").is_some_and(|value| value == "1");
    if !may_create() || !Path::new("/dev/net/tun").exists() {
        say("SKIP this process may make no network namespaces or TUN devices (run as root)");
        return ExitCode::from(u8::from(required));
    }
    let mut passed = true;
    for encapsulation in ALL {
        match carried(encapsulation) {
            Ok(()) => say(&format!("ok      {encapsulation:?}")),
            Err(why) => {
                passed = false;
                say(&format!("FAILED  {encapsulation:?}: {why:#}"));
            }
        }
    }
    ExitCode::from(u8::from(!passed))
}

fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// One tunnel end, and a host behind it in the same namespace.
struct End {
    role: Role,
    outer: IpAddr,
    host: IpAddr,
}

/// Would break: anything on the way of a packet, in or out, or around the workers' waiting, that
/// allocates.
fn carried(encapsulation: Encapsulation) -> Result<()> {
    let [mag, lma] = ends(encapsulation)?;
    let [at_mag, at_lma] = [Netns::create("alloc-mag")?, Netns::create("alloc-lma")?];
    veth_pair((&at_mag, "wan"), (&at_lma, "wan"))?;
    let _planes = [
        start(&at_mag, &mag, &lma, encapsulation)?,
        start(&at_lma, &lma, &mag, encapsulation)?,
    ];
    let sender = at_mag.run(|| UdpSocket::bind((mag.host, 0)))??;
    let receiver = at_lma.run(|| UdpSocket::bind((lma.host, 0)))??;
    for socket in [&sender, &receiver] {
        socket.set_read_timeout(Some(Duration::from_secs(2)))?;
    }
    let (from, to) = (sender.local_addr()?, receiver.local_addr()?);
    let echo = |buffer: &mut [u8]| -> Result<()> {
        sender.send_to(buffer, to)?;
        receiver.recv(buffer).context("nothing came up")?;
        receiver.send_to(buffer, from)?;
        sender.recv(buffer).context("nothing came down")?;
        Ok(())
    };
    let mut buffer = [7; 1_200];
    for _ in 0..100 {
        echo(&mut buffer)?;
    }
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..2_000 {
        echo(&mut buffer)?;
    }
    let during = ALLOCATIONS.load(Ordering::Relaxed) - before;
    ensure!(during == 0, "{during} allocations in 4000 packets");
    Ok(())
}

fn ends(encapsulation: Encapsulation) -> Result<[End; 2]> {
    let outer = match encapsulation.is_ipv4_transport() {
        true => ["198.51.100.1", "198.51.100.2"],
        false => ["2001:db8:1::1", "2001:db8:1::2"],
    };
    Ok([
        End {
            role: Role::Mag,
            outer: outer[0].parse()?,
            host: "10.1.0.2".parse()?,
        },
        End {
            role: Role::Lma,
            outer: outer[1].parse()?,
            host: "192.0.2.80".parse()?,
        },
    ])
}

fn start(
    namespace: &Netns,
    own: &End,
    other: &End,
    encapsulation: Encapsulation,
) -> Result<DataPlane> {
    namespace.sysctl("ipv4/conf/all/rp_filter", "0")?;
    namespace.sysctl("ipv4/conf/default/rp_filter", "0")?;
    namespace.set_link_up("wan", true)?;
    let length = if own.outer.is_ipv4() { 24 } else { 64 };
    namespace.add_address("wan", own.outer, length)?;
    namespace.add_address("lo", own.host, 32)?;
    let config = DataPlaneConfig::new(own.role, TUN);
    let table = table(own, other, encapsulation)?;
    let plane = namespace.run(|| -> Result<DataPlane> {
        let (mut plane, _) = DataPlane::start(config, table)?;
        plane.listen(encapsulation)?;
        plane.set_path_socket(PathId(1), Some("wan"), own.outer)?;
        Ok(plane)
    })??;
    namespace.add_route(IpPrefix::host(other.host), None, Some(TUN))?;
    Ok(plane)
}

fn table(own: &End, other: &End, encapsulation: Encapsulation) -> Result<ForwardingTable> {
    let carrier = Carrier::of(encapsulation);
    let port = match carrier {
        Some(Carrier::Udp) => DATA_PORT,
        _ => 0,
    };
    let mut table = ForwardingTable::new(own.role);
    let remote = SocketAddr::new(other.outer, port);
    let path = PathId(1);
    table.set_path(TunnelPath::new(
        path,
        own.role,
        own.outer,
        remote,
        encapsulation,
    ));
    let keys = match carrier {
        Some(Carrier::Gre) => vec![PathKeys::new(path, 1, 2)],
        _ => Vec::new(),
    };
    let prefixes = vec!["10.1.0.0/24".parse()?];
    let session = TunnelSession::new(SessionKey(1), prefixes, vec![path]);
    table.set_session(session.with_keys(keys));
    Ok(table)
}
