//! `pmip sla probe`.

use std::io::Write;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use clap::{Args, ValueEnum};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use pmip_sla::{
    Codec, ControlVersion, Event, History, IpSlaSession, Operation, Outcome, ProbeConfig,
    ResponderNumbers, Sender, SenderInput, SenderOutput, SlaKey, StampSession, Stray, VoiceScore,
};
use pmip_wire::EmptySecret;
use pmip_wire::sla::AuthenticationMode;
use pmip_wire::types::Instant;

use super::report::{Report, table};
use super::socket::{SlaSocket, source_towards};
use super::time::Time;
use super::{KeyArgs, Problem, Protocol, print, target};

/// What to measure, and how.
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// Whom to measure towards: an address, with a port if it is not the usual one
    ///
    /// Usual ports: IP SLA 1167 (1967 with version 1), STAMP 862.
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = target::parse)]
    target: SocketAddr,
    /// The protocol that the far end speaks
    #[arg(long, value_enum, default_value_t = Protocol::Ipsla)]
    protocol: Protocol,
    /// Packets to send, 1 to 100
    #[arg(long, value_name = "N", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=100))]
    packets: u32,
    /// Milliseconds between them, 4 to 6000
    #[arg(long, value_name = "MS", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(4..=6_000))]
    interval: u32,
    /// Milliseconds to wait for each answer, 1 to 60000
    #[arg(long, value_name = "MS", default_value_t = 5_000,
        value_parser = clap::value_parser!(u32).range(1..=60_000))]
    timeout: u32,
    /// Which control protocol an IP SLA responder speaks
    #[arg(long, value_enum, default_value_t = Version::Two)]
    ipsla_version: Version,
    /// Rate a call over the path with this codec
    #[arg(long, value_enum)]
    codec: Option<CodecName>,
    /// Say that both clocks are kept in step with UTC: delay is then told one way
    #[arg(long)]
    clocks_in_step: bool,
    /// Say that a STAMP reflector counts (stateful): losses are then told by direction
    ///
    /// Without it that is guessed, and a path that loses only answers leaves nothing to guess by.
    #[arg(long)]
    stateful: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// Print one JSON object on standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

/// Control protocols of IP SLA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Version {
    /// RFC 6812
    #[value(name = "2")]
    Two,
    /// What older routers speak, in milliseconds
    #[value(name = "1")]
    One,
    /// What older routers speak, with NTP timestamps
    #[value(name = "1-ntp")]
    OneNtp,
}

/// Codecs whose calls can be rated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CodecName {
    /// G.711 µ-law
    G711ulaw,
    /// G.711 A-law
    G711alaw,
    /// G.729A
    G729a,
}

impl From<CodecName> for Codec {
    fn from(name: CodecName) -> Self {
        match name {
            CodecName::G711ulaw => Self::G711Ulaw,
            CodecName::G711alaw => Self::G711Alaw,
            CodecName::G729a => Self::G729a,
        }
    }
}

/// Longest datagram.
const ROOM: usize = 65_536;

pub(super) fn run(args: &ProbeArgs) -> Result<u8, Problem> {
    let mut measurement = Measurement::new(args)?;
    let operation = measurement.measure()?;
    let codec = args.codec.map(Codec::from);
    let report = Report {
        protocol: args.protocol,
        target: measurement.target,
        source: measurement.socket.local(),
        operation: &operation,
        history: &measurement.history,
        voice: codec.and_then(|codec| VoiceScore::of(&operation.window, codec, 0)),
    };
    if args.json {
        print(&report.json().to_string());
    } else {
        print(table(&report).trim_end());
    }
    if let Some(advice) = advice(args, measurement.target, operation.outcome) {
        say(&advice);
    }
    let answered = matches!(operation.outcome, Outcome::Ok | Outcome::OverThreshold);
    Ok(u8::from(!answered))
}

/// What to do where nothing was measured.
fn advice(args: &ProbeArgs, target: SocketAddr, outcome: Outcome) -> Option<String> {
    let port = target.port();
    let respond = match args.protocol {
        Protocol::Ipsla => format!("pmip sla respond --ipsla {port}"),
        Protocol::Stamp => format!("pmip sla respond --stamp {port}"),
    };
    match outcome {
        Outcome::NoConnection => Some(format!(
            "nobody answers IP SLA control requests on {target}: is a responder running there \
             (`{respond}`), does a firewall drop UDP {port}, does a router there want \
             --ipsla-version 1?"
        )),
        Outcome::Timeout if args.protocol == Protocol::Stamp => Some(format!(
            "nobody answers on {target}: is a reflector running there (`{respond}`), does a \
             firewall drop UDP {port}, does it want authentication (--key-file)?"
        )),
        Outcome::Timeout => Some(
            "the responder granted the measurement but no probe came back: does a firewall drop \
             the measurement port?"
                .to_owned(),
        ),
        Outcome::Refused => Some(format!(
            "{target} refused the measurement: its port may be taken, or it has too many"
        )),
        Outcome::AuthenticationFailed => Some(format!(
            "{target} wants another authentication: give the --key-file and --key-id that it has"
        )),
        Outcome::Ok | Outcome::OverThreshold | _ => None,
    }
}

struct Measurement {
    sender: Sender,
    socket: SlaSocket,
    target: SocketAddr,
    time: Time,
    packets: u32,
    answers: u32,
    history: History,
}

impl Measurement {
    fn new(args: &ProbeArgs) -> Result<Self, Problem> {
        let target = target(args);
        let source = source_towards(target).map_err(|error| {
            Problem(format!(
                "there is no way to {}: {error}; `ip route get {}` says more",
                target.ip(),
                target.ip()
            ))
        })?;
        let socket = SlaSocket::bind((source, 0).into())
            .map_err(|error| Problem(format!("cannot open a UDP socket: {error}")))?;
        let time = Time::start();
        let sender = sender(args, target, socket.local(), time)?;
        Ok(Self {
            sender,
            socket,
            target,
            time,
            packets: args.packets,
            answers: 0,
            history: History::new(1),
        })
    }

    /// Runs until the operation ended.
    fn measure(&mut self) -> Result<Operation, Problem> {
        let mut room = vec![0; ROOM];
        self.sender
            .handle_input(self.time.now(), SenderInput::Timeout);
        loop {
            match self.sender.poll_output() {
                SenderOutput::Transmit(datagram) => {
                    let source = self.socket.local().ip();
                    let sent = self.socket.send(&datagram.octets, source, datagram.to);
                    if let Err(error) = sent {
                        say(&format!("a packet could not be sent: {error}"));
                    }
                }
                SenderOutput::Event(Event::OperationFinished(operation)) => {
                    self.history.finished(*operation);
                    return Ok(*operation);
                }
                SenderOutput::Event(event) => self.show(&event),
                SenderOutput::Dropped(drop) => say(&format!("dropped a datagram: {drop}")),
                SenderOutput::Timeout(due) => self.wait(due, &mut room)?,
            }
        }
    }

    fn show(&mut self, event: &Event) {
        match event {
            Event::Answered(sample) => {
                self.history.answered(sample);
                self.answers += 1;
                let rtt = super::report::millis(sample.rtt());
                let (answers, packets) = (self.answers, self.packets);
                say(&format!(
                    "answer {answers} of {packets}: number {} took {rtt} ms",
                    sample.sequence
                ));
            }
            Event::Stray { sequence, stray } => {
                let what = match stray {
                    Stray::Duplicate => "came again",
                    Stray::Late => "came too late",
                    Stray::Unmatched => "was not asked for",
                    _ => "is no answer",
                };
                say(&format!("number {sequence} {what}"));
            }
            Event::OperationFinished(_) | _ => {}
        }
    }

    fn wait(&mut self, due: Option<Instant>, room: &mut [u8]) -> Result<(), Problem> {
        let now = self.time.now();
        let patience = due.map_or(IDLE, |due| due.saturating_since(now));
        wait_for(&self.socket, patience)?;
        while let Some(arrival) = self.socket.receive(room).map_err(cannot_receive)? {
            let at = self.time.noted(arrival.noted);
            let octets = room.get(..arrival.length).unwrap_or_default();
            let from = arrival.from;
            self.sender
                .handle_input(at, SenderInput::Datagram { from, octets });
        }
        self.sender
            .handle_input(self.time.now(), SenderInput::Timeout);
        Ok(())
    }
}

const IDLE: Duration = Duration::from_secs(1);

fn cannot_receive(error: std::io::Error) -> Problem {
    Problem(format!("cannot receive: {error}"))
}

/// Waits for a datagram, at most `patience`, rounded up to a millisecond so as not to spin.
fn wait_for(socket: &SlaSocket, patience: Duration) -> Result<(), Problem> {
    let millis = patience.as_micros().div_ceil(1_000);
    let timeout = PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX);
    let mut fds = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    match poll(&mut fds, timeout) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(errno) => Err(Problem(format!("cannot wait for a datagram: {errno}"))),
    }
}

/// With the usual port where none is given.
fn target(args: &ProbeArgs) -> SocketAddr {
    let usual = match (args.protocol, args.ipsla_version) {
        (Protocol::Stamp, _) => pmip_wire::stamp::PORT,
        (Protocol::Ipsla, Version::Two) => pmip_wire::sla::CONTROL_PORT,
        (Protocol::Ipsla, Version::One | Version::OneNtp) => pmip_wire::sla::CONTROL_PORT_V1,
    };
    let mut target = args.target;
    if target.port() == 0 {
        target.set_port(usual);
    }
    target
}

fn sender(
    args: &ProbeArgs,
    target: SocketAddr,
    local: SocketAddr,
    time: Time,
) -> Result<Sender, Problem> {
    let interval = Duration::from_millis(args.interval.into());
    let timeout = Duration::from_millis(args.timeout.into());
    // One operation: the next would begin after everything of this one.
    let length = interval.saturating_mul(args.packets) + timeout;
    let config = ProbeConfig::new(args.packets, interval, length, timeout)
        .map_err(|error| Problem(error.to_string()))?;
    let clock = time.clock(args.clocks_in_step);
    let secret = args.key.read()?;
    let empty = |error: EmptySecret| Problem(error.to_string());
    let start = time.now();
    if args.protocol == Protocol::Stamp {
        let mut session = StampSession::new(target);
        if args.stateful {
            session = session.with_numbers(ResponderNumbers::Count);
        }
        if let Some(secret) = &secret {
            session = session.with_key(secret).map_err(empty)?;
        }
        return Ok(Sender::stamp(session, config, clock, start, 0));
    }
    if target.is_ipv6() && args.ipsla_version != Version::Two {
        let problem =
            "version 1 of the control protocol knows IPv4 alone: leave --ipsla-version out";
        return Err(Problem(problem.to_owned()));
    }
    let mut session = IpSlaSession::new(local, target).with_version(match args.ipsla_version {
        Version::Two => ControlVersion::Two,
        Version::One => ControlVersion::OneMilliseconds,
        Version::OneNtp => ControlVersion::OneNtp,
    });
    let seed = seed()?;
    if let Some(secret) = secret {
        let mode = AuthenticationMode::HmacSha256;
        let key = SlaKey::new(mode, args.key.key_id, secret, seed).map_err(empty)?;
        session = session.with_key(key);
    }
    let [a, b, c, d, ..] = seed;
    let first = u32::from_be_bytes([a, b, c, d]);
    Ok(Sender::ip_sla(session, config, clock, start, first))
}

/// Octets that nobody can guess.
fn seed() -> Result<[u8; 16], Problem> {
    let mut seed = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut seed))
        .map_err(|error| Problem(format!("cannot read /dev/urandom: {error}")))?;
    Ok(seed)
}

fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
