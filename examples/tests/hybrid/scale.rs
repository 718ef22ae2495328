//! More paths than routing rules would allow, on one real LMA: a generator plays the MAGs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant as SystemInstant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pmip_binding::config::{LmaPeer, LogicalMobileNode, MagConfig, RoamingInterface};
use pmip_binding::{
    Carrier, ClockAnchor, Datagram, Event, Forwarding, Input, InterfaceChange, InterfaceState, Mag,
    Output,
};
use pmip_examples::platform::netns::{Netns, veth_pair};
use pmip_sla::{Clock, HybridAccess, PathSpec, ServiceConfig, ServiceInput, ServiceOutput};
use pmip_wire::types::{Instant, PathId};
use serde_json::Value;

use super::domain::{Anchor, LMA_ADDRESS, Settings, forward};
use super::service::inner;
use super::{Checked, say, text};

const PATHS: u16 = 1_100;
const PERIOD: Duration = Duration::from_secs(30);
const CONTROL: u16 = 5_436;
const DATA: u16 = 5_437;
/// Registrations begin so far apart, so that they are not the storm that is measured.
const APART: Duration = Duration::from_millis(5);

const SETTINGS: Settings = Settings {
    name: "scale",
    lists: "",
    maps: "",
    mag: "",
    lma: " mobility-service hybrid-access\n  sla num-packets 3 interval 100 frequency 30",
};

/// Row 59. Would break: anything of an operation that costs its node a rule, a socket or a turn for each
/// path.
pub(super) fn paths() -> Checked {
    let lma = Netns::create("scale-lma").map_err(text)?;
    let generator = Netns::create("scale-gen").map_err(text)?;
    forward(&lma)?;
    let joined = network(&lma, &generator);
    joined.map_err(text)?;
    let anchor = Anchor::start(&SETTINGS, &lma)?;
    let mut gateways = Generator::new(&generator)?;
    // The first operations are spread over one period; three more follow them.
    gateways.run(APART * PATHS.into() + PERIOD * 4 + Duration::from_secs(8))?;
    gateways.kept_their_slots()?;
    completed(&anchor.show("sla")?)
}

fn network(lma: &Netns, generator: &Netns) -> anyhow::Result<()> {
    veth_pair((lma, "gen"), (generator, "lma"))?;
    lma.add_address("lo", LMA_ADDRESS.into(), 32)?;
    for (space, link, address) in [
        (lma, "gen", Ipv4Addr::new(198, 18, 0, 1)),
        (generator, "lma", Ipv4Addr::new(198, 18, 0, 2)),
    ] {
        space.add_address(link, address.into(), 30)?;
        space.set_link_up(link, true)?;
    }
    for (space, words) in [
        (lma, "route add 10.100.0.0/16 via 198.18.0.2"),
        (generator, "route add default via 198.18.0.1"),
        // Every address of the gateways is ours.
        (generator, "route add local 10.100.0.0/16 dev lo"),
    ] {
        let add = || Command::new("ip").args(words.split(' ')).status();
        let status = space.run(add)??;
        anyhow::ensure!(status.success(), "ip {words}: {status}");
    }
    Ok(())
}

fn completed(shown: &Value) -> Checked {
    let rows = shown.as_array().ok_or("rows")?;
    let whole = rows.iter().filter(|row| {
        let last = &row["last"];
        row["operations"].as_u64() >= Some(3) && last["outcome"] == "ok" && last["lost"] == 0
    });
    let (whole, all) = (whole.count(), rows.len());
    say(&format!(
        "  {whole} of {all} paths: every probe of the last operation answered"
    ));
    match (whole, all) == (PATHS.into(), PATHS.into()) {
        true => Ok(()),
        false => {
            let bad = rows.iter().find(|row| row["last"]["outcome"] != "ok");
            Err(format!("only {whole} of {all} paths completed: {bad:?}"))
        }
    }
}

struct Generator {
    gateways: Vec<Gateway>,
    epoch: SystemInstant,
}

/// One MAG with one path.
struct Gateway {
    care_of: Ipv4Addr,
    mag: Mag,
    service: HybridAccess,
    control: UdpSocket,
    data: UdpSocket,
    path: Option<PathId>,
    due: Option<Instant>,
    probes: Vec<Instant>,
}

impl Generator {
    fn new(namespace: &Netns) -> Result<Self, String> {
        let made = namespace.run(|| (0..PATHS).map(Gateway::new).collect::<Result<Vec<_>, _>>());
        Ok(Self {
            gateways: made.map_err(text)??,
            epoch: SystemInstant::now(),
        })
    }

    fn now(&self) -> Instant {
        Instant::ZERO + self.epoch.elapsed()
    }

    fn run(&mut self, span: Duration) -> Checked {
        let mut up = 0;
        let mut room = vec![0; 65_536];
        while self.epoch.elapsed() < span {
            let ready = self.ready()?;
            let now = self.now();
            let due = self.epoch.elapsed().as_millis() / APART.as_millis();
            let due = usize::try_from(due).unwrap_or(usize::MAX);
            for gateway in self.gateways.iter_mut().take(due).skip(up) {
                gateway.come_up(now);
            }
            up = up.max(due);
            for place in ready {
                self.gateways[place].receive(now, &mut room);
            }
            for gateway in &mut self.gateways {
                gateway.timeout(now);
            }
        }
        Ok(())
    }

    /// The gateways that have received something, after at most 5 ms.
    fn ready(&self) -> Result<Vec<usize>, String> {
        let sockets = self
            .gateways
            .iter()
            .flat_map(|one| [&one.control, &one.data]);
        let mut fds: Vec<PollFd<'_>> = sockets
            .map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN))
            .collect();
        poll(&mut fds, PollTimeout::from(5_u8)).map_err(text)?;
        let pairs = fds.chunks(2).enumerate();
        let ready = pairs.filter(|(_, pair)| pair.iter().any(|fd| fd.any().unwrap_or(false)));
        Ok(ready.map(|(place, _)| place).collect())
    }

    /// Every operation began a whole number of periods after its path's first one.
    fn kept_their_slots(&self) -> Checked {
        let mut worst = Duration::ZERO;
        for gateway in &self.gateways {
            let starts: Vec<Instant> = gateway
                .probes
                .chunk_by(|a, b| b.saturating_since(*a) < PERIOD / 3)
                .filter_map(|run| run.first().copied())
                .collect();
            let care_of = gateway.care_of;
            if starts.len() < 3 {
                return Err(format!("{care_of} saw {} operations", starts.len()));
            }
            for (number, start) in (0..).zip(&starts) {
                let slot = starts[0] + PERIOD * number;
                let off = start
                    .saturating_since(slot)
                    .max(slot.saturating_since(*start));
                worst = worst.max(off);
                if off > PERIOD / 20 {
                    return Err(format!(
                        "{care_of}: operation {number} is {off:?} off its slot"
                    ));
                }
            }
        }
        say(&format!(
            "  {} paths: every operation within {} ms of its slot",
            self.gateways.len(),
            worst.as_millis()
        ));
        Ok(())
    }
}

impl Gateway {
    fn new(number: u16) -> Result<Self, String> {
        let [high, low] = number.to_be_bytes();
        let care_of = Ipv4Addr::new(10, 100, high, low);
        let mut config = MagConfig::new(format!("gen{number}"));
        let mut lma = LmaPeer::new("LMA1");
        lma.ipv4_address = Some(LMA_ADDRESS);
        config.lmas = vec![lma];
        config.roaming_interfaces = vec![RoamingInterface::new("wan1", 1, 8)];
        let nai = format!("van{number}@lab.example");
        config.logical_mobile_nodes = vec![LogicalMobileNode::new(nai, [2, 0, 0, 0, high, low])];
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_err(text)?;
        let anchor = ClockAnchor {
            instant: Instant::ZERO,
            unix,
        };
        let mut seed = [7; 32];
        seed[..2].copy_from_slice(&number.to_be_bytes());
        let mag = Mag::new(config, seed, anchor, Instant::ZERO);
        let mut answers = ServiceConfig::default();
        answers.disable_sla = true;
        answers.liveness = None;
        let service = HybridAccess::new(answers, Clock::new(Instant::ZERO, unix), 1);
        let bind = |port| -> std::io::Result<UdpSocket> {
            let socket = UdpSocket::bind((care_of, port))?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        Ok(Self {
            care_of,
            mag: mag.map_err(|errors| format!("{errors:?}"))?,
            service: service.map_err(|errors| format!("{errors:?}"))?,
            control: bind(CONTROL).map_err(text)?,
            data: bind(DATA).map_err(text)?,
            path: None,
            due: None,
            probes: Vec::new(),
        })
    }

    fn come_up(&mut self, now: Instant) {
        let state = InterfaceState::Up(self.care_of.into());
        let change = InterfaceChange {
            binding_id: 1,
            state,
        };
        self.input(now, Input::Interface(change));
    }

    fn timeout(&mut self, now: Instant) {
        if self.due.is_some_and(|due| due <= now) {
            self.input(now, Input::Timeout);
        }
    }

    fn input(&mut self, now: Instant, input: Input) {
        self.mag.handle_input(now, input);
        loop {
            match self.mag.poll_output() {
                Output::Transmit(transmit) => {
                    let payload = &transmit.payload;
                    // What cannot leave is lost.
                    if let Carrier::Tunnel(_) = transmit.carrier {
                        self.send_inner(CONTROL, CONTROL, payload);
                    } else {
                        let _ = self.control.send_to(payload, transmit.destination);
                    }
                }
                Output::Event(Event::Forwarding(Forwarding::InstallPath(endpoint))) => {
                    self.path = Some(endpoint.path);
                    let lma = IpAddr::from(LMA_ADDRESS);
                    let spec = PathSpec::new(endpoint.path, self.care_of.into(), lma);
                    self.service.handle_input(now, ServiceInput::AddPath(spec));
                }
                Output::Event(_) => {}
                Output::Timeout(due) => {
                    self.due = due;
                    return;
                }
                _ => {}
            }
        }
    }

    fn send_inner(&self, from: u16, to: u16, payload: &[u8]) {
        if let Some(packet) = inner((self.care_of, from), (LMA_ADDRESS, to), payload) {
            let _ = self.data.send_to(&packet, (LMA_ADDRESS, DATA));
        }
    }

    fn receive(&mut self, now: Instant, room: &mut [u8]) {
        while let Ok((length, from)) = self.control.recv_from(room) {
            let payload = Bytes::copy_from_slice(&room[..length]);
            self.signalling(now, Carrier::Udp, from, payload);
        }
        while let Ok((length, from)) = self.data.recv_from(room) {
            let packet = room[..length].to_vec();
            let Some(path) = self.path else { continue };
            if packet.get(22..24) == Some(&CONTROL.to_be_bytes()) {
                let payload = Bytes::copy_from_slice(packet.get(28..).unwrap_or_default());
                self.signalling(now, Carrier::Tunnel(path), from, payload);
                continue;
            }
            // Measurement packets begin with their type, 3 in two octets.
            if packet.get(28) == Some(&0) {
                self.probes.push(now);
            }
            let input = ServiceInput::Packet {
                path,
                at: now,
                packet: &packet,
            };
            self.service.handle_input(now, input);
            while let ServiceOutput::Transmit { packet, .. } = self.service.poll_output() {
                let _ = self.data.send_to(&packet, from);
            }
        }
    }

    fn signalling(&mut self, now: Instant, carrier: Carrier, from: SocketAddr, payload: Bytes) {
        let to = SocketAddr::from((self.care_of, CONTROL));
        let datagram = Datagram::new(carrier, from, to, payload);
        self.input(now, Input::Signalling(datagram));
    }
}
