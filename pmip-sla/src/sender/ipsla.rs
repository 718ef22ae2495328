use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pmip_wire::EmptySecret;
use pmip_wire::sla::{
    Authentication, AuthenticationMode, CONTROL_PORT, CONTROL_PORT_V1, ControlHeader,
    ControlMessage, ControlPacket, Csld, MeasurementAddresses, MeasurementHeader,
    MeasurementPacket, SlaAddresses, SlaRole, SlaStatus, UdpMeasurement, Version1Control,
    Version1Measurement, Version1Times,
};
use pmip_wire::types::{Instant, ProbeTimestamp};

use super::{Answer, Read, SenderDrop, SequenceOnWire, Times};
use crate::clock::Clock;
use crate::config::ProbeConfig;
use crate::loss::ResponderNumbers;
use crate::prober::{Outcome, Probe};

/// A session with an IP SLA responder.
#[derive(Clone, Debug)]
pub struct IpSlaSession {
    source: SocketAddr,
    control: SocketAddr,
    measurement_port: u16,
    version: ControlVersion,
    key: Option<SlaKey>,
    data_len: u16,
    timeout: Duration,
    retries: u8,
}

/// Which control protocol, and with it which measurement packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ControlVersion {
    /// RFC 6812: version 2, measurement type 3.
    #[default]
    Two,
    /// What came before it, with measurement type 2: milliseconds. IPv4 only.
    OneMilliseconds,
    /// What came before it, with measurement type 3: NTP timestamps. IPv4 only.
    OneNtp,
    /// No control phase: the measurement port is open already. Packets are those of version 2.
    NoControl,
}

/// What the control phase is authenticated with (RFC 6812 section 3.1.1.2.1).
#[derive(Clone)]
pub struct SlaKey {
    /// SHA-256 or HMAC-SHA-256; the latter is the one to use.
    pub mode: AuthenticationMode,
    /// Which of the shared secrets it is.
    pub key_id: u16,
    /// The shared secret, never empty.
    secret: Vec<u8>,
    /// What random numbers are made from: 16 octets that nobody knows.
    pub seed: [u8; 16],
}

impl SlaKey {
    /// The secret that `key_id` names, used in `mode`; random numbers are made from `seed`.
    ///
    /// # Errors
    /// [`EmptySecret`] where `secret` has no octets: it would authenticate anyone.
    pub fn new(
        mode: AuthenticationMode,
        key_id: u16,
        secret: Vec<u8>,
        seed: [u8; 16],
    ) -> Result<Self, EmptySecret> {
        if secret.is_empty() {
            return Err(EmptySecret);
        }
        Ok(Self {
            mode,
            key_id,
            secret,
            seed,
        })
    }
}

impl std::fmt::Debug for SlaKey {
    /// Says nothing about the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SlaKey")
            .field("mode", &self.mode)
            .field("key_id", &self.key_id)
            .finish_non_exhaustive()
    }
}

impl IpSlaSession {
    /// A session from `source` with the responder at `responder`: its control port, 0 for the
    /// usual one of the version. The measurement port is for the responder to pick.
    pub fn new(source: SocketAddr, responder: SocketAddr) -> Self {
        Self {
            source,
            control: responder,
            measurement_port: 0,
            version: ControlVersion::Two,
            key: None,
            data_len: MIN_DATA,
            timeout: Duration::from_secs(1),
            retries: 2,
        }
    }

    /// Speaks `version`. The older one asks for a port of its own and knows IPv4 alone: between
    /// IPv6 addresses each operation ends as refused.
    #[must_use]
    pub const fn with_version(mut self, version: ControlVersion) -> Self {
        self.version = version;
        self
    }

    /// Measures towards this port instead of one that the responder picks.
    #[must_use]
    pub const fn with_measurement_port(mut self, port: u16) -> Self {
        self.measurement_port = port;
        self
    }

    /// Authenticates the control phase.
    #[must_use]
    pub fn with_key(mut self, key: SlaKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Pads measurement packets with this many octets, rounded up to a multiple of four (default
    /// and least 64; RFC 6812 section 3.2).
    #[must_use]
    pub fn with_data_len(mut self, octets: u16) -> Self {
        self.data_len = octets.clamp(MIN_DATA, u16::MAX - 3).next_multiple_of(4);
        self
    }

    /// Waits `timeout` (default 1 s) for the answer to a control request and repeats it `retries`
    /// times (default 2); RFC 6812 leaves both open.
    #[must_use]
    pub const fn with_control_timeout(mut self, timeout: Duration, retries: u8) -> Self {
        self.timeout = timeout;
        self.retries = retries;
        self
    }

    /// The responder's control address.
    fn control_address(&self) -> SocketAddr {
        let usual = match self.version {
            ControlVersion::Two | ControlVersion::NoControl => CONTROL_PORT,
            ControlVersion::OneMilliseconds | ControlVersion::OneNtp => CONTROL_PORT_V1,
        };
        let port = match self.control.port() {
            0 => usual,
            port => port,
        };
        SocketAddr::new(self.control.ip(), port)
    }
}

const MIN_DATA: u16 = 64;
/// The port that version 1 asks for when none is configured: that protocol has no "you pick".
const VERSION_1_PORT: u16 = 50_505;
/// The port stays open for this long beyond the operation.
const GRACE: Duration = Duration::from_secs(2);

/// What the control phase does next.
pub(super) enum Step {
    /// Send this to the control port.
    Send(Vec<u8>),
    /// Nothing is to be arranged.
    Open,
    /// It failed.
    Failed(Outcome),
}

#[derive(Clone, Debug)]
pub(super) struct IpSla {
    session: IpSlaSession,
    duration: Duration,
    sequence: u32,
    /// While an answer is awaited: until when, and how often to ask yet.
    waiting: Option<(Instant, u8)>,
    /// Where measurement packets go.
    port: u16,
}

impl IpSla {
    pub(super) fn new(session: IpSlaSession, config: &ProbeConfig, sequence: u32) -> Self {
        let is_two = session.version == ControlVersion::Two;
        let port = match session.measurement_port {
            0 if session.version == ControlVersion::NoControl => session.control_address().port(),
            0 if !is_two => VERSION_1_PORT,
            port => port,
        };
        Self {
            duration: config.length().saturating_add(GRACE),
            sequence,
            waiting: None,
            port,
            session,
        }
    }

    pub(super) const fn numbers(&self) -> ResponderNumbers {
        ResponderNumbers::Restart
    }

    pub(super) fn control_address(&self) -> SocketAddr {
        self.session.control_address()
    }

    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.waiting.map(|(until, _)| until)
    }

    pub(super) fn abandon(&mut self) {
        self.waiting = None;
    }

    pub(super) fn begin(&mut self, now: Instant, clock: &Clock) -> Step {
        if self.session.version == ControlVersion::NoControl {
            return Step::Open;
        }
        self.sequence = self.sequence.wrapping_add(1);
        let Some(request) = self.request(now, clock) else {
            return Step::Failed(Outcome::Refused);
        };
        self.waiting = Some((now + self.session.timeout, self.session.retries));
        Step::Send(request)
    }

    /// Asks again, or gives up.
    pub(super) fn timeout(&mut self, now: Instant, clock: &Clock) -> Option<Step> {
        let (until, retries) = self.waiting?;
        if now < until {
            return None;
        }
        self.waiting = None;
        let Some(left) = retries.checked_sub(1) else {
            return Some(Step::Failed(Outcome::NoConnection));
        };
        let request = self.request(now, clock)?;
        self.waiting = Some((now + self.session.timeout, left));
        Some(Step::Send(request))
    }

    fn request(&self, now: Instant, clock: &Clock) -> Option<Vec<u8>> {
        let mut wire = Vec::new();
        if self.session.version == ControlVersion::Two {
            self.request_2(now, clock).encode(&mut wire);
            return Some(wire);
        }
        let IpAddr::V4(address) = self.session.control.ip() else {
            return None;
        };
        let millis = self.duration.as_millis();
        Version1Control {
            sequence: self.sequence_1(),
            address,
            port: self.port,
            duration_ms: u16::try_from(millis).unwrap_or(u16::MAX),
        }
        .encode_request(&mut wire);
        Some(wire)
    }

    fn sequence_1(&self) -> u8 {
        let [.., lowest] = self.sequence.to_be_bytes();
        lowest
    }

    fn request_2(&self, now: Instant, clock: &Clock) -> ControlMessage {
        let mut header = ControlHeader::request(self.sequence);
        let authentication = match &self.session.key {
            None => Authentication::NONE_IN_FULL,
            Some(key) => {
                header.send_timestamp = clock.timestamp(now);
                Authentication::new(key.mode, key.key_id, self.random_number(key))
            }
        };
        let mut message = ControlMessage::new(header, authentication);
        let measurement = UdpMeasurement {
            status: SlaStatus::Success,
            role: SlaRole::Responder,
            session_id: 0,
            addresses: addresses(self.session.source.ip(), self.session.control.ip()),
            control_source_port: self.session.source.port(),
            measurement_source_port: self.session.source.port(),
            measurement_destination_port: self.session.measurement_port,
            duration_ms: u32::try_from(self.duration.as_millis()).unwrap_or(u32::MAX),
        };
        // The first section fits.
        let _ = message.push(Csld::UdpMeasurement(measurement));
        if let Some(key) = &self.session.key {
            // The secret is not empty.
            let _ = message.sign(&key.secret);
        }
        message
    }

    /// Another one for each request: the seed with the request's number in it.
    fn random_number(&self, key: &SlaKey) -> [u8; 16] {
        let seed = u128::from_be_bytes(key.seed);
        seed.wrapping_add(u128::from(self.sequence).wrapping_mul(ODD))
            .to_be_bytes()
    }

    pub(super) fn probe(&self, probe: Probe, clock: &Clock) -> (SocketAddr, Vec<u8>) {
        let to = SocketAddr::new(self.session.control.ip(), self.port);
        let sent = clock.timestamp(probe.sent);
        let data = vec![0; self.session.data_len.into()];
        let mut wire = Vec::with_capacity(MeasurementHeader::LEN + data.len());
        let [_, _, a, b] = probe.sequence.to_be_bytes();
        let version_1 = |times| Version1Measurement {
            times,
            sender_sequence: u16::from_be_bytes([a, b]),
            responder_sequence: 0,
        };
        match self.session.version {
            ControlVersion::Two | ControlVersion::NoControl => MeasurementHeader {
                sender_send_time: sent,
                sender_sequence: probe.sequence,
                ..MeasurementHeader::default()
            }
            .encode(&data, &mut wire),
            ControlVersion::OneMilliseconds => version_1(Version1Times::Milliseconds {
                sender: clock.millis_of_day(probe.sent),
                responder: 0,
            })
            .encode(&data, &mut wire),
            ControlVersion::OneNtp => version_1(Version1Times::Ntp {
                sent,
                received: ProbeTimestamp::ZERO,
                answered: ProbeTimestamp::ZERO,
            })
            .encode(&data, &mut wire),
        }
        (to, wire)
    }

    pub(super) fn read(&mut self, from: SocketAddr, octets: &[u8]) -> Result<Read, SenderDrop> {
        if from.ip() != self.session.control.ip() {
            return Err(SenderDrop::Stranger);
        }
        // A measurement packet begins with a zero, a control message with its version.
        if octets.first() == Some(&0) {
            if from.port() != self.port {
                return Err(SenderDrop::Stranger);
            }
            return self.measurement(octets).map(Read::Reply);
        }
        if from.port() != self.control_address().port() {
            return Err(SenderDrop::Stranger);
        }
        if self.waiting.is_none() {
            return Err(SenderDrop::Unasked);
        }
        let read = match self.session.version {
            ControlVersion::Two => self.response_2(octets)?,
            ControlVersion::OneMilliseconds | ControlVersion::OneNtp => self.response_1(octets)?,
            ControlVersion::NoControl => return Err(SenderDrop::Unasked),
        };
        self.waiting = None;
        Ok(read)
    }

    fn response_1(&self, octets: &[u8]) -> Result<Read, SenderDrop> {
        let response = Version1Control::parse(octets).map_err(|_| SenderDrop::Malformed)?;
        let ours = response.sequence == self.sequence_1() && response.port == self.port;
        if ours {
            Ok(Read::Opened)
        } else {
            Err(SenderDrop::Unasked)
        }
    }

    fn response_2(&mut self, octets: &[u8]) -> Result<Read, SenderDrop> {
        let packet = ControlPacket::decode_slice(octets).map_err(|_| SenderDrop::Malformed)?;
        let ControlPacket::Version2(response) = packet else {
            return Err(SenderDrop::Malformed);
        };
        if response.header.sequence != self.sequence {
            return Err(SenderDrop::Unasked);
        }
        if let Some(key) = &self.session.key {
            let random = response.authentication.random_number();
            if random != Some(self.random_number(key)) {
                return Err(SenderDrop::Unasked);
            }
            if response.verify(octets, key.mode, &key.secret).is_err() {
                // Who does not share the secret cannot sign that it does not.
                let status = response.authentication.status;
                return match status == SlaStatus::AuthenticationFailure {
                    true => Ok(Read::Refused(Outcome::AuthenticationFailed)),
                    false => Err(SenderDrop::Unauthenticated),
                };
            }
        }
        let measurement = response.udp_measurement();
        let statuses = [
            Some(response.header.status),
            Some(response.authentication.status),
            measurement.map(|measurement| measurement.status),
        ];
        if statuses.contains(&Some(SlaStatus::AuthenticationFailure)) {
            return Ok(Read::Refused(Outcome::AuthenticationFailed));
        }
        if statuses.iter().any(|s| *s != Some(SlaStatus::Success)) {
            return Ok(Read::Refused(Outcome::Refused));
        }
        let offered = measurement.map_or(0, |m| m.measurement_destination_port);
        self.port = match (offered, self.session.measurement_port) {
            (0, 0) => return Ok(Read::Refused(Outcome::Refused)),
            (0, asked) => asked,
            (offered, _) => offered,
        };
        Ok(Read::Opened)
    }

    fn measurement(&self, octets: &[u8]) -> Result<Answer, SenderDrop> {
        let malformed = |_| SenderDrop::Malformed;
        let is_one = matches!(
            self.session.version,
            ControlVersion::OneMilliseconds | ControlVersion::OneNtp
        );
        if !is_one {
            let header = MeasurementPacket::parse(octets).map_err(malformed)?.header;
            return Ok(Answer {
                sequence: SequenceOnWire::Full(header.sender_sequence),
                number: header.responder_sequence,
                times: Some(Times::Timestamps {
                    received: header.responder_receive_time,
                    answered: header.responder_send_time,
                    format: None,
                    in_step: true,
                }),
            });
        }
        let (header, _) = Version1Measurement::parse(octets).map_err(malformed)?;
        Ok(Answer {
            sequence: SequenceOnWire::Lower(header.sender_sequence),
            number: header.responder_sequence.into(),
            times: Some(match header.times {
                Version1Times::Milliseconds { responder, .. } => Times::Milliseconds(responder),
                Version1Times::Ntp {
                    received, answered, ..
                } => Times::Timestamps {
                    received,
                    answered,
                    format: None,
                    in_step: true,
                },
            }),
        })
    }
}

/// Spreads a counter over 128 bits (an odd factor visits each value once).
const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// All four addresses, of one family; of two, the responder's family counts.
fn addresses(source: IpAddr, destination: IpAddr) -> MeasurementAddresses {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            MeasurementAddresses::Ipv4(both(source, destination))
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            MeasurementAddresses::Ipv6(both(source, destination))
        }
        (_, IpAddr::V4(destination)) => {
            MeasurementAddresses::Ipv4(both(std::net::Ipv4Addr::UNSPECIFIED, destination))
        }
        (_, IpAddr::V6(destination)) => {
            MeasurementAddresses::Ipv6(both(std::net::Ipv6Addr::UNSPECIFIED, destination))
        }
    }
}

const fn both<A: Copy>(source: A, destination: A) -> SlaAddresses<A> {
    SlaAddresses {
        control_source: source,
        control_destination: destination,
        measurement_source: source,
        measurement_destination: destination,
    }
}
