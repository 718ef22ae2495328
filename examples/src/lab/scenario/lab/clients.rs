//! Hosts as they come out of the box: a DHCP client, and the kernel's own autoconfiguration.

use std::net::Ipv4Addr;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::Context;

use super::super::network::ETH;
use super::*;

/// What udhcpc runs for each event: write down what was offered, and configure nothing.
const SCRIPT: &str = "#!/bin/sh
[ \"$1\" = bound ] && echo \"$ip $mask $router $serverid\" > \"$0.$interface\"
exit 0
";

/// What a DHCP server gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Lease {
    /// The address.
    pub(in crate::lab) address: Ipv4Addr,
    /// Length of the subnet's prefix.
    pub(in crate::lab) length: u8,
    /// The default router.
    pub(in crate::lab) router: Ipv4Addr,
    /// The server.
    pub(in crate::lab) server: Ipv4Addr,
}

impl Lab<'_> {
    /// What `host` gets by DHCP within `tries` seconds; it has the address and the route then.
    ///
    /// # Errors
    /// When there is no client to run (udhcpc), or the kernel refused the address.
    pub(in crate::lab) fn dhcp(
        &mut self,
        host: &str,
        tries: u8,
    ) -> Result<Option<Lease>, LabError> {
        let lease = self.lease(host, tries).map_err(failed)?;
        if let Some(lease) = lease {
            self.take(host, lease).map_err(failed)?;
            let address = lease.address.into();
            self.hosts.insert((host.to_owned(), Family::V4), address);
            self.say(format!("{host} is {address}"));
        }
        Ok(lease)
    }

    /// Also a second time, as a client does.
    fn take(&self, host: &str, lease: Lease) -> anyhow::Result<()> {
        let address = format!("{}/{}", lease.address, lease.length);
        let router = lease.router.to_string();
        let words = ["address", "replace", &address, "dev", ETH];
        self.network.execute(host, "ip", &words)?;
        let words = ["route", "replace", "default", "via", &router, "dev", ETH];
        self.network.execute(host, "ip", &words)
    }

    fn lease(&self, host: &str, tries: u8) -> anyhow::Result<Option<Lease>> {
        let script = self.directory.path.join(format!("{host}.lease"));
        let result = self.directory.path.join(format!("{host}.lease.{ETH}"));
        // One of an earlier turn says nothing about this one.
        let _ = std::fs::remove_file(&result);
        std::fs::write(&script, SCRIPT)?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
        let mut client = Command::new("udhcpc");
        client.args(["-i", ETH, "-f", "-n", "-q", "-T", "1", "-t"]);
        client.arg(tries.to_string()).arg("-s").arg(&script);
        let output = self.network.space(host)?.run(move || client.output())?;
        output.context("running `udhcpc` (package udhcpc)")?;
        let Ok(text) = std::fs::read_to_string(result) else {
            return Ok(None);
        };
        read_lease(&text).context("reading a lease").map(Some)
    }

    /// The MAC address of a host.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn set_mac(&self, host: &str, mac: &str) -> Result<(), LabError> {
        let words = ["link", "set", ETH, "address", mac];
        let set = self.network.execute(host, "ip", &words);
        set.map_err(failed)
    }

    /// Moves the far end of a host's link, with its link-layer address, from one MAG to another.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn replug(&self, from: &str, to: &str, lan: &str) -> Result<(), LabError> {
        let space = self.network.space(to).map_err(failed)?;
        let words = ["link", "set", lan, "netns", space.name()];
        let moved = self.network.execute(from, "ip", &words);
        moved
            .and_then(|()| space.set_link_up(lan, true))
            .map_err(failed)
    }

    /// Lets `host` solicit routers anew, as one that was just plugged in does, and waits for an
    /// address that it made of an advertised prefix; it takes part under that address then.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn autoconfigured(
        &mut self,
        host: &str,
        limit: Duration,
    ) -> Result<Option<IpAddr>, LabError> {
        let space = self.network.space(host).map_err(failed)?;
        // Duplicate address detection is not what is tested, and takes a second.
        let plugged = space
            .sysctl(&format!("ipv6/conf/{ETH}/dad_transmits"), "0")
            .and_then(|()| space.set_link_up(ETH, false))
            .and_then(|()| space.set_link_up(ETH, true));
        plugged.map_err(failed)?;
        let mut found = None;
        self.until("an advertised prefix", limit, |lab| {
            found = lab.global_address(host)?;
            Ok(found.is_some())
        })?;
        if let Some(address) = found {
            self.hosts.insert((host.to_owned(), Family::V6), address);
            self.say(format!("{host} is {address}"));
        }
        Ok(found)
    }

    /// The global IPv6 address of a host.
    fn global_address(&self, host: &str) -> Result<Option<IpAddr>, LabError> {
        let mut ip = Command::new("ip");
        ip.args(["-j", "-6", "address", "show", "dev", ETH]);
        ip.args(["scope", "global"]);
        let space = self.network.space(host).map_err(failed)?;
        let output = space.run(move || ip.output()).map_err(failed)?;
        let output = output.map_err(|error| LabError::domain("running ip", error))?;
        let shown: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let local = shown.pointer("/0/addr_info/0/local");
        let text = local.and_then(Value::as_str);
        Ok(text.and_then(|text| text.parse().ok()))
    }
}

fn read_lease(text: &str) -> anyhow::Result<Lease> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [address, mask, router, server] = words.as_slice() else {
        anyhow::bail!("it reads `{text}`");
    };
    Ok(Lease {
        address: address.parse()?,
        length: mask.parse()?,
        router: router.parse()?,
        server: server.parse()?,
    })
}
