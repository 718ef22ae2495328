//! `pmip sla respond`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use clap::Args;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use pmip_sla::{
    Answer, Received, Reflector, ReflectorConfig, Responder, ResponderConfig, ResponderOutput,
};
use pmip_wire::sla::{AuthenticationMode, CONTROL_PORT, CONTROL_PORT_V1};
use pmip_wire::stamp::{PORT as STAMP_PORT, StampKey};
use pmip_wire::types::PathId;
use serde_json::json;

use super::socket::{Arrival, SlaSocket};
use super::time::Time;
use super::{KeyArgs, Problem, print};

/// What to answer, and where.
#[derive(Clone, Debug, Args)]
pub struct RespondArgs {
    /// Answer IP SLA control requests on this UDP port; 0: one that is free
    #[arg(long, value_name = "PORT")]
    ipsla: Option<u16>,
    /// Answer STAMP and TWAMP Light on this UDP port; 0: one that is free
    #[arg(long, value_name = "PORT")]
    stamp: Option<u16>,
    /// Count STAMP packets (stateful mode), so that senders can tell where packets are lost
    #[arg(long)]
    stateful: bool,
    /// Say that our clock is kept in step with UTC
    #[arg(long)]
    clock_in_step: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// Print JSON lines on standard output
    #[arg(long)]
    json: bool,
}

/// One port, in both families where both are there.
type Sockets = Vec<SlaSocket>;

const ROOM: usize = 65_536;
/// Datagrams taken from one socket before the others have their turn.
const BATCH: usize = 64;

pub(super) fn run(args: &RespondArgs) -> Result<u8, Problem> {
    let signals = signals()?;
    let mut node = Node::new(args)?;
    node.ready(args.json);
    node.serve(&signals)?;
    node.farewell(args.json);
    Ok(0)
}

/// SIGINT and SIGTERM as something to poll.
fn signals() -> Result<SignalFd, Problem> {
    let mut set = SigSet::empty();
    set.add(Signal::SIGINT);
    set.add(Signal::SIGTERM);
    set.thread_block()
        .and_then(|()| SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK))
        .map_err(|errno| Problem(format!("cannot wait for signals: {errno}")))
}

struct Node {
    time: Time,
    responder: Responder,
    reflector: Reflector,
    sockets: BTreeMap<u16, Sockets>,
    control: Vec<u16>,
    stamp: Option<u16>,
}

impl Node {
    fn new(args: &RespondArgs) -> Result<Self, Problem> {
        let neither = args.ipsla.is_none() && args.stamp.is_none();
        let mut sockets = BTreeMap::new();
        let mut open = |port: u16, option: &str| -> Result<u16, Problem> {
            let opened = bind(port).map_err(|error| cannot_open(port, option, &error))?;
            let port = opened.first().map_or(port, |socket| socket.local().port());
            sockets.insert(port, opened);
            Ok(port)
        };
        let control = match args.ipsla {
            Some(port) => vec![open(port, "--ipsla")?],
            None if neither => vec![
                open(CONTROL_PORT, "--ipsla")?,
                open(CONTROL_PORT_V1, "--ipsla")?,
            ],
            None => Vec::new(),
        };
        let stamp = match args.stamp {
            Some(port) => Some(open(port, "--stamp")?),
            None if neither => Some(open(STAMP_PORT, "--stamp")?),
            None => None,
        };
        let time = Time::start();
        let clock = time.clock(args.clock_in_step);
        let secret = args.key.read()?;
        let mut responder = ResponderConfig::default();
        responder.control_ports.clone_from(&control);
        let mut reflector = ReflectorConfig::default();
        reflector.stateful = args.stateful;
        if let Some(secret) = secret {
            let key = StampKey::new(&secret).map_err(|empty| Problem(empty.to_string()))?;
            reflector.key = Some(key);
            responder.authentication = AuthenticationMode::HmacSha256;
            responder.secrets.insert(args.key.key_id, secret);
        }
        Ok(Self {
            time,
            responder: Responder::new(responder, clock),
            reflector: Reflector::new(reflector, clock),
            sockets,
            control,
            stamp,
        })
    }

    fn ready(&self, as_json: bool) {
        if as_json {
            let line = json!({ "ready": { "ipsla": self.control, "stamp": self.stamp } });
            return print(&line.to_string());
        }
        let ports = |ports: &[u16]| {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            ports.join(" and ")
        };
        let ipsla = (!self.control.is_empty()).then(|| format!("ipsla {}", ports(&self.control)));
        let stamp = self.stamp.map(|port| format!("stamp {port}"));
        let what: Vec<String> = ipsla.into_iter().chain(stamp).collect();
        print(&format!("ready {}", what.join(", ")));
    }

    fn farewell(&self, as_json: bool) {
        let (ipsla, stamp) = (self.responder.counters(), self.reflector.counters());
        if as_json {
            return print(&json!({ "ipsla": ipsla, "stamp": stamp }).to_string());
        }
        let refused = ipsla.unauthenticated + ipsla.format_errors + ipsla.port_in_use + ipsla.full;
        print(&format!(
            "ipsla: {} measurements granted, {refused} refused, {} packets answered; \
             stamp: {} packets answered, {} not authenticated",
            ipsla.granted, ipsla.answered, stamp.answered, stamp.unauthenticated
        ));
    }

    /// Answers until a signal comes.
    fn serve(&mut self, signals: &SignalFd) -> Result<(), Problem> {
        let mut room = vec![0; ROOM];
        loop {
            let ready = self.wait(signals)?;
            if signals.read_signal().is_ok_and(|signal| signal.is_some()) {
                return Ok(());
            }
            for (port, number) in ready {
                self.receive(port, number, &mut room)?;
            }
            self.responder.handle_timeout(self.time.now());
            self.answer();
        }
    }

    /// The sockets that have something.
    fn wait(&self, signals: &SignalFd) -> Result<Vec<(u16, usize)>, Problem> {
        let now = self.time.now();
        let patience = self
            .responder
            .next_timeout()
            .map_or(Duration::from_secs(3_600), |due| due.saturating_since(now));
        let millis = patience.as_micros().div_ceil(1_000);
        let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        let mut names = Vec::new();
        for (port, sockets) in &self.sockets {
            for (number, socket) in sockets.iter().enumerate() {
                names.push((*port, number));
                fds.push(PollFd::new(socket.as_fd(), PollFlags::POLLIN));
            }
        }
        match poll(&mut fds, timeout) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Ok(Vec::new()),
            Err(errno) => return Err(Problem(format!("cannot wait for datagrams: {errno}"))),
        }
        let ready = fds.iter().skip(1).zip(names);
        let ready = ready.filter(|(fd, _)| fd.any().unwrap_or(true));
        Ok(ready.map(|(_, name)| name).collect())
    }

    fn receive(&mut self, port: u16, number: usize, room: &mut [u8]) -> Result<(), Problem> {
        for _ in 0..BATCH {
            let socket = self.sockets.get_mut(&port);
            let Some(socket) = socket.and_then(|sockets| sockets.get_mut(number)) else {
                return Ok(());
            };
            let arrival = socket
                .receive(room)
                .map_err(|error| Problem(format!("cannot receive: {error}")))?;
            let Some(arrival) = arrival else {
                return Ok(());
            };
            let octets = room.get(..arrival.length).unwrap_or_default();
            self.take(&arrival, octets);
            self.answer();
        }
        Ok(())
    }

    fn take(&mut self, arrival: &Arrival, octets: &[u8]) {
        let received = Received {
            path: PathId(0),
            local: arrival.to,
            remote: arrival.from,
            at: self.time.noted(arrival.noted),
            hop_limit: arrival.hop_limit,
            traffic_class: arrival.traffic_class,
            octets,
        };
        let now = self.time.now();
        if Some(arrival.to.port()) == self.stamp {
            if let Some(answer) = self.reflector.reflect(now, received) {
                self.send(&answer);
            }
        } else {
            self.responder.handle_datagram(now, received);
        }
    }

    fn answer(&mut self) {
        loop {
            match self.responder.poll_output() {
                ResponderOutput::Transmit(answer) => self.send(&answer),
                ResponderOutput::Open(port) => self.open(port),
                ResponderOutput::Close(port) => {
                    self.sockets.remove(&port);
                }
                ResponderOutput::Timeout(_) => return,
            }
        }
    }

    fn open(&mut self, port: u16) {
        match bind(port) {
            Ok(sockets) if !self.sockets.contains_key(&port) => {
                self.sockets.insert(port, sockets);
            }
            Ok(_) | Err(_) => self.responder.port_unavailable(port),
        }
    }

    /// What cannot be sent is lost, as it may be anywhere on its way.
    fn send(&self, answer: &Answer) {
        let sockets = self.sockets.get(&answer.local.port());
        let mut sockets = sockets.into_iter().flatten();
        let family = answer.remote.is_ipv4();
        if let Some(socket) = sockets.find(|socket| socket.local().is_ipv4() == family)
            && let Err(error) = socket.send(&answer.octets, answer.local.ip(), answer.remote)
        {
            let remote = answer.remote;
            let _ = writeln!(
                io::stderr(),
                "an answer to {remote} could not be sent: {error}"
            );
        }
    }
}

/// A port in both families; one is enough where the other is not there.
fn bind(port: u16) -> io::Result<Sockets> {
    let v4 = SlaSocket::bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    let port = v4.local().port();
    match SlaSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port))) {
        Ok(v6) => Ok(vec![v4, v6]),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(vec![v4]),
    }
}

fn cannot_open(port: u16, option: &str, error: &io::Error) -> Problem {
    let advice = if error.kind() == io::ErrorKind::PermissionDenied {
        format!(
            "ports below 1024 take a right: run it as root, or give `{option}` a higher port and \
             tell the sender"
        )
    } else if error.kind() == io::ErrorKind::AddrInUse {
        format!(
            "another program has it (`ss -ulpn sport = :{port}` says which): stop that, or give \
             `{option}` another port"
        )
    } else {
        format!("give `{option}` another port")
    };
    Problem(format!("cannot open UDP port {port}: {error}; {advice}"))
}
