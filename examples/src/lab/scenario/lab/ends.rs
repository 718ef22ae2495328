//! Hosts and correspondents: their addresses, their traffic, and what captures saw of it.

use super::*;

impl Lab<'_> {
    /// Waits until the logical mobile node of MAG 1 has `paths` usable paths on both nodes, and
    /// gives `h1` the second address of its mobile networks.
    ///
    /// # Errors
    /// When that does not come about.
    pub(in crate::lab) fn ready(&mut self, paths: usize) -> Result<(), LabError> {
        self.ready_at(1, paths, "h1")
    }

    /// The same for the logical mobile node of MAG `mag` and `host`.
    ///
    /// # Errors
    /// When that does not come about.
    pub(in crate::lab) fn ready_at(
        &mut self,
        mag: u8,
        paths: usize,
        host: &str,
    ) -> Result<(), LabError> {
        self.paths_up(mag, paths)?;
        let nai = van(mag);
        let networks = self
            .binding("LMA1", &nai)?
            .map_or_else(Vec::new, |row| row.dmnp);
        for network in networks {
            self.join(host, network)?;
        }
        Ok(())
    }

    /// Waits until the logical mobile node of MAG `mag` has `paths` usable paths on both nodes.
    ///
    /// # Errors
    /// When that does not come about.
    pub(in crate::lab) fn paths_up(&mut self, mag: u8, paths: usize) -> Result<(), LabError> {
        let (nai, node) = (van(mag), format!("MAG{mag}"));
        let what = format!("{nai} has {paths} usable paths");
        let took = self.until(&what, PATIENCE, |lab| {
            let own = lab.usable(&node)?.len();
            let binding = lab.binding("LMA1", &nai)?;
            let theirs = binding.map_or(0, |row| row.paths.iter().filter(|p| p.usable).count());
            Ok(own >= paths && theirs >= paths)
        })?;
        if took.is_none() {
            return Err(failed(format!("{what}: in vain")));
        }
        Ok(())
    }

    /// Gives `host` the second address of `network` (RFC 7148 mobile network), with the first, the
    /// MAG's, as its default router.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn join(&mut self, host: &str, network: IpPrefix) -> Result<(), LabError> {
        let (router, address) = (nth(network, 1), nth(network, 2));
        let length = if network.is_ipv4() {
            network.length()
        } else {
            64
        };
        self.give(host, address, length, router)
    }

    /// Gives `host` an address on its link, and a default route.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn give(
        &mut self,
        host: &str,
        address: IpAddr,
        length: u8,
        router: IpAddr,
    ) -> Result<(), LabError> {
        let given = self.network.address(host, address, length, router);
        given.map_err(failed)?;
        let family = if address.is_ipv4() {
            Family::V4
        } else {
            Family::V6
        };
        self.hosts.insert((host.to_owned(), family), address);
        self.say(format!("{host} is {address}"));
        Ok(())
    }

    /// Gives `host`, on interface `lan` of MAG `mag`, a home address: the MAG gets its router's
    /// address and a route to it.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn give_home(
        &mut self,
        host: &str,
        mag: u8,
        lan: &str,
        address: IpAddr,
        router: IpAddr,
    ) -> Result<(), LabError> {
        let (length, on_link) = if address.is_ipv4() {
            (32, 16)
        } else {
            (128, 64)
        };
        let space = self.network.space(&format!("MAG{mag}")).map_err(failed)?;
        // The program may have added it: then the kernel says that it exists.
        let _ = space.add_address(lan, router, length);
        let prefix = IpPrefix::new(address, length).map_err(failed)?;
        space.add_route(prefix, None, Some(lan)).map_err(failed)?;
        self.give(host, address, on_link, router)
    }

    /// The address of a host, of a MAG in its mobile network, or of a correspondent: `cn1` is its
    /// first, `cn1.5` its host 5.
    ///
    /// # Errors
    /// When it has none yet.
    pub(in crate::lab) fn address(&self, name: &str, family: Family) -> Result<IpAddr, LabError> {
        if let Some(text) = name.strip_prefix("cn") {
            let (number, host) = text.split_once('.').unwrap_or((text, "2"));
            let wrong = |_| failed(format!("{name} is no correspondent"));
            let number = number.parse().map_err(wrong)?;
            return Ok(core(number, host.parse().map_err(wrong)?, family));
        }
        let known = match name.starts_with("MAG") {
            true => {
                let bindings = self.bindings(name)?.into_iter();
                let mut networks = bindings.flat_map(|binding| binding.dmnp);
                let network = networks.find(|prefix| prefix.is_ipv4() == (family == Family::V4));
                network.map(|prefix| nth(prefix, 1))
            }
            false => self.hosts.get(&(name.to_owned(), family)).copied(),
        };
        known.ok_or_else(|| failed(format!("{name} has no address yet")))
    }

    /// The namespace of an end: that of `cn1.5` is `cn1`.
    fn end(&self, name: &str, family: Family) -> Result<End<'_>, LabError> {
        Ok(End {
            space: self
                .network
                .space(name.split('.').next().unwrap_or(name))
                .map_err(failed)?,
            address: self.address(name, family)?,
        })
    }

    /// `count` pings over IPv4, each after the answer to the last; how many were answered.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn ping(
        &mut self,
        from: &str,
        to: &str,
        count: u16,
    ) -> Result<u16, LabError> {
        self.ping_by(Family::V4, from, to, count)
    }

    /// The same over a family.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn ping_by(
        &mut self,
        family: Family,
        from: &str,
        to: &str,
        count: u16,
    ) -> Result<u16, LabError> {
        let target = self.address(to, family)?;
        let answered = tools::ping(self.end(from, family)?, target, count);
        answered.map_err(|error| LabError::domain("pinging", error))
    }

    /// Pings until all `count` of a turn are answered, as the first may wait for neighbour
    /// discovery; how many of the last turn were.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn reaches(
        &mut self,
        family: Family,
        from: &str,
        to: &str,
        count: u16,
    ) -> Result<u16, LabError> {
        let start = Instant::now();
        loop {
            let answered = self.ping_by(family, from, to, count)?;
            if answered == count || start.elapsed() > PATIENCE / 2 {
                return Ok(answered);
            }
        }
    }

    /// One IPv4 packet of `length` octets that must not be fragmented.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn send_unfragmentable(
        &self,
        from: &str,
        to: &str,
        length: u16,
    ) -> Result<(), LabError> {
        let target = self.address(to, Family::V4)?;
        let sent = tools::send_unfragmentable(self.end(from, Family::V4)?, target, length);
        sent.map_err(|error| LabError::domain("sending a packet", error))
    }

    /// One UDP datagram from each of the source `ports` to `port`, with a DSCP; how many arrived.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn udp(
        &mut self,
        from: &str,
        to: &str,
        ports: Range<u16>,
        port: u16,
        dscp: u8,
    ) -> Result<usize, LabError> {
        let (from, to) = (self.end(from, Family::V4)?, self.end(to, Family::V4)?);
        let arrived = tools::udp(from, to, ports, port, dscp);
        let arrived = arrived.map_err(|error| LabError::domain("sending datagrams", error))?;
        Ok(arrived.len())
    }

    /// `octets` over one TCP connection to `port`; how many arrived in 10 s.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn tcp(
        &mut self,
        from: &str,
        to: &str,
        port: u16,
        octets: usize,
    ) -> Result<usize, LabError> {
        let (from, to) = (self.end(from, Family::V4)?, self.end(to, Family::V4)?);
        let arrived = tools::tcp(from, to, port, octets, PATIENCE);
        arrived.map_err(|error| LabError::domain("a TCP connection", error))
    }

    /// A paced TCP transfer to `port` that goes on until it is dropped.
    ///
    /// # Errors
    /// When it is not answered.
    pub(in crate::lab) fn transfer(
        &mut self,
        from: &str,
        to: &str,
        port: u16,
    ) -> Result<Transfer, LabError> {
        let (from, to) = (self.end(from, Family::V4)?, self.end(to, Family::V4)?);
        let started = Transfer::start(from, to, port);
        started.map_err(|error| LabError::domain("opening a transfer", error))
    }

    /// Captures everything on every interface of a namespace from now on.
    ///
    /// # Errors
    /// What the kernel refused.
    pub(in crate::lab) fn capture(&mut self, name: &str) -> Result<Capture, LabError> {
        let space = self.network.space(name).map_err(failed)?;
        Capture::start(space, name, self.epoch).map_err(failed)
    }

    /// What a capture saw so far.
    ///
    /// # Errors
    /// When netlink fails.
    pub(in crate::lab) fn packets(&mut self, capture: &Capture) -> Result<Vec<Packet>, LabError> {
        self.pass(SETTLE)?;
        let (now, start) = (self.now(), Instant::now());
        while !capture.has_read(now) && start.elapsed() < PATIENCE {
            self.pass(LOOK)?;
        }
        let space = self.network.space(&capture.space).map_err(failed)?;
        capture.packets(space).map_err(failed)
    }

    /// Inner packets in tunnels on `interface`, or on all with an empty name, that `wanted` takes.
    ///
    /// # Errors
    /// As [`Self::packets`].
    pub(in crate::lab) fn carried(
        &mut self,
        capture: &Capture,
        interface: &str,
        wanted: impl Fn(&Packet) -> bool,
    ) -> Result<usize, LabError> {
        let packets = self.packets(capture)?;
        let on = packets.iter().filter(|packet| packet.is_on(interface));
        let inner = on.flat_map(Packet::inners);
        Ok(inner.filter(|inner| wanted(inner)).count())
    }

    /// The Mobility Headers on `interface` (all with an empty name) called `name`, in order.
    ///
    /// # Errors
    /// As [`Self::packets`].
    pub(in crate::lab) fn messages(
        &mut self,
        capture: &Capture,
        interface: &str,
        name: &str,
    ) -> Result<Vec<(Packet, Value)>, LabError> {
        let packets = self.packets(capture)?.into_iter();
        let on = packets.filter(|packet| packet.is_on(interface));
        let messages = on.filter_map(|packet| {
            let message = packet.message()?;
            Some((packet, message))
        });
        Ok(messages
            .filter(|(_, message)| message["name"] == name)
            .collect())
    }
}

impl Lab<'_> {
    /// Waits for PBAs in a capture; returns their statuses in order.
    ///
    /// # Errors
    /// As [`Self::packets`].
    pub(in crate::lab) fn statuses(
        &mut self,
        capture: &Capture,
        what: &str,
    ) -> Result<Vec<u64>, LabError> {
        let mut statuses = Vec::new();
        self.until(what, PATIENCE, |lab| {
            let answers = lab.messages(capture, "", "ProxyBindingAcknowledgement")?;
            let all = answers
                .iter()
                .filter_map(|(_, message)| message["status"].as_u64());
            statuses = all.collect();
            Ok(!statuses.is_empty())
        })?;
        Ok(statuses)
    }
}
