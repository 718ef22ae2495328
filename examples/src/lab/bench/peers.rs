//! What we are measured against: a kernel VXLAN tunnel, openvpn, wireguard-go.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use rtnetlink::LinkVxlan;

use super::daemon::Daemon;
use super::topology::{INNER_MTU, LINKS, PATHS, Topology};
use crate::platform::netns::Netns;

const VXLAN: &str = "vxlan0";
pub(super) const OPENVPN: &str = "ovpn0";
pub(super) const VXLAN_ENDS: (Ipv4Addr, Ipv4Addr) =
    (Ipv4Addr::new(10, 200, 0, 1), Ipv4Addr::new(10, 200, 0, 2));
pub(super) const VXLAN_ENDS6: (Ipv6Addr, Ipv6Addr) = (
    Ipv6Addr::new(0x2001, 0xdb8, 200, 0, 0, 0, 0, 1),
    Ipv6Addr::new(0x2001, 0xdb8, 200, 0, 0, 0, 0, 2),
);
const OPENVPN_ENDS: (Ipv4Addr, Ipv4Addr) =
    (Ipv4Addr::new(10, 201, 0, 1), Ipv4Addr::new(10, 201, 0, 2));
const WIREGUARD_PORT: &str = "51820";
/// How long a daemon may take to make its device.
const START_TIMEOUT: Duration = Duration::from_secs(5);

/// The VXLAN device of one end: 0 is the MAG's, 1 the LMA's.
pub(super) fn vxlan(namespace: &Netns, end: usize) -> Result<()> {
    let (mag, lma) = PATHS[0];
    let (local, remote, own, own6, link) = match end {
        0 => (mag, lma, VXLAN_ENDS.0, VXLAN_ENDS6.0, LINKS[0].0),
        _ => (lma, mag, VXLAN_ENDS.1, VXLAN_ENDS6.1, LINKS[0].1),
    };
    let (IpAddr::V4(local), IpAddr::V4(remote)) = (local, remote) else {
        return Err(anyhow!("paths are IPv4"));
    };
    let index = namespace.link_index(link)?;
    namespace
        .netlink(async |handle| {
            let message = LinkVxlan::new(VXLAN, 42)
                .dev(index)
                .local(local)
                .remote(remote)
                .port(4789)
                .build();
            Ok(handle.link().add(message).execute().await?)
        })
        .context("making a VXLAN device")?;
    namespace.set_mtu(VXLAN, INNER_MTU.into())?;
    namespace.set_link_up(VXLAN, true)?;
    namespace.add_address(VXLAN, own.into(), 24)?;
    namespace.add_address(VXLAN, own6.into(), 64)
}

pub(super) fn openvpn(topology: &Topology) -> Result<[Daemon; 2]> {
    let (mag, lma) = PATHS[0];
    let (at_mag, at_lma) = OPENVPN_ENDS;
    let start = |namespace: &Netns, local: IpAddr, remote: IpAddr, own: Ipv4Addr, to: Ipv4Addr| {
        let mut command = Command::new("openvpn");
        command
            .args(["--dev", OPENVPN, "--dev-type", "tun", "--proto", "udp"])
            .args(["--cipher", "none", "--auth", "none"])
            .args(["--local", &local.to_string()])
            .args(["--remote", &remote.to_string()])
            .args(["--ifconfig", &own.to_string(), &to.to_string()])
            .args(["--tun-mtu", "1500", "--mssfix", "0", "--verb", "0"]);
        quiet(&mut command);
        namespace.spawn(command).map(Daemon)
    };
    let mut daemons = [
        start(&topology.mag, mag, lma, at_mag, at_lma)?,
        start(&topology.lma, lma, mag, at_lma, at_mag)?,
    ];
    wait_for(topology, [OPENVPN, OPENVPN], &mut daemons)?;
    Ok(daemons)
}

/// Waits until both ends have made their devices.
fn wait_for(topology: &Topology, names: [&str; 2], daemons: &mut [Daemon; 2]) -> Result<()> {
    let deadline = Instant::now() + START_TIMEOUT;
    let up = |namespace: &Netns, name: &str| -> Result<bool> {
        namespace.run(|| Path::new("/proc/sys/net/ipv4/conf").join(name).exists())
    };
    while !(up(&topology.mag, names[0])? && up(&topology.lma, names[1])?) {
        if daemons.iter_mut().any(Daemon::has_ended) || Instant::now() > deadline {
            return Err(anyhow!("it is installed but does not start here"));
        }
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// wireguard-go, which encrypts; its devices are named after this process, because its control
/// sockets are in one folder for all namespaces.
pub(super) struct Wireguard {
    pub(super) daemons: [Daemon; 2],
    pub(super) names: [String; 2],
}

pub(super) fn wireguard(topology: &Topology) -> Result<Wireguard> {
    let names = ["m", "l"].map(|end| format!("wg{end}{}", std::process::id()));
    let start = |namespace: &Netns, name: &str| {
        let mut command = Command::new("wireguard-go");
        command.args(["--foreground", name]);
        command.env("LOG_LEVEL", "silent");
        command.env("WG_I_PREFER_BUGGY_USERSPACE_TO_POLISHED_KMOD", "1");
        quiet(&mut command);
        namespace.spawn(command).map(Daemon)
    };
    let mut daemons = [
        start(&topology.mag, &names[0])?,
        start(&topology.lma, &names[1])?,
    ];
    wait_for(topology, [&names[0], &names[1]], &mut daemons)?;
    let private = [wg(&["genkey"], "")?, wg(&["genkey"], "")?];
    let public = [wg(&["pubkey"], &private[0])?, wg(&["pubkey"], &private[1])?];
    let (mag, lma) = PATHS[0];
    let ends = [(&topology.mag, lma), (&topology.lma, mag)];
    for (at, (namespace, remote)) in ends.into_iter().enumerate() {
        let endpoint = format!("{remote}:{WIREGUARD_PORT}");
        let name = names[at].as_str();
        let mut arguments = vec!["set", name, "listen-port", WIREGUARD_PORT];
        arguments.extend(["private-key", "/dev/stdin", "peer", public[1 - at].trim()]);
        arguments.extend(["allowed-ips", "0.0.0.0/0,::/0", "endpoint", &endpoint]);
        namespace.run(|| wg(&arguments, &private[at]))??;
        namespace.set_mtu(name, INNER_MTU.into())?;
        namespace.set_link_up(name, true)?;
    }
    Ok(Wireguard { daemons, names })
}

/// What `wg` says to `arguments` and `input`.
fn wg(arguments: &[&str], input: &str) -> Result<String> {
    let mut command = Command::new("wg");
    command.args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting wg")?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    match output.status.success() {
        true => Ok(String::from_utf8(output.stdout)?),
        false => Err(anyhow!("wg {}: {}", arguments.join(" "), output.status)),
    }
}

fn quiet(command: &mut Command) {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
}
