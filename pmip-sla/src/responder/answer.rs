//! Control requests and their answers.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::sla::{
    Authentication, AuthenticationMode, ControlMessage, ControlPacket, Csld, SlaStatus,
    UdpMeasurement, Version1Control,
};
use pmip_wire::types::{Instant, ProbeTimestamp};

use super::sessions::{Key, Number};
use super::{FIRST_PORT, Received, Responder, ResponderConfig, ResponderOutput};

/// The octet that version 1 begins with.
const VERSION_1: u8 = 1;

impl Responder {
    pub(super) fn control(&mut self, now: Instant, received: Received<'_>) {
        let octets = if received.octets.first() == Some(&VERSION_1) {
            self.control_1(now, &received)
        } else {
            self.control_2(now, &received)
        };
        match octets {
            Some(octets) => self.transmit(&received, octets),
            None => self.counters.dropped += 1,
        }
    }

    /// How version 1 refuses is not known, so it is told nothing where it cannot be served.
    fn control_1(&mut self, now: Instant, received: &Received<'_>) -> Option<Vec<u8>> {
        let request = Version1Control::parse(received.octets).ok()?;
        let wanted = self.config.version_1
            && self.config.authentication == AuthenticationMode::NoAuthentication;
        let is_ours = match received.local.ip() {
            IpAddr::V4(local) => local.is_unspecified() || local == request.address,
            IpAddr::V6(_) => false,
        };
        if !wanted || !is_ours {
            return None;
        }
        let duration = Duration::from_millis(request.duration_ms.into());
        let source_port = received.remote.port();
        let number = Number::Short(0);
        let granted = self.open(now, received, request.port, source_port, duration, number);
        granted.ok()?;
        self.counters.granted += 1;
        let mut wire = Vec::new();
        request.encode_response(&mut wire);
        Some(wire)
    }

    fn control_2(&mut self, now: Instant, received: &Received<'_>) -> Option<Vec<u8>> {
        let ControlPacket::Version2(mut message) =
            ControlPacket::decode_slice(received.octets).ok()?
        else {
            return None;
        };
        // An answer that came to us must not be answered.
        if message.header.status != SlaStatus::Success && message.udp_measurement().is_none() {
            return None;
        }
        let outcome = self.examine(now, received, &mut message);
        match outcome {
            Ok(()) => self.counters.granted += 1,
            Err(SlaStatus::AuthenticationFailure) => self.counters.unauthenticated += 1,
            Err(SlaStatus::PortInUse) => self.counters.port_in_use += 1,
            Err(SlaStatus::Fail) => self.counters.full += 1,
            Err(_) => self.counters.format_errors += 1,
        }
        set_statuses(&mut message, outcome);
        if message.header.send_timestamp != ProbeTimestamp::ZERO {
            message.header.send_timestamp = self.clock.timestamp(now);
        }
        sign(&mut message, outcome, &self.config);
        let mut wire = Vec::with_capacity(message.encoded_len());
        message.encode(&mut wire);
        Some(wire)
    }

    fn examine(
        &mut self,
        now: Instant,
        received: &Received<'_>,
        message: &mut ControlMessage,
    ) -> Result<(), SlaStatus> {
        let empty = Vec::new();
        let key_id = message.authentication.key_id;
        let secret = match self.config.authentication == AuthenticationMode::NoAuthentication {
            true => &empty,
            false => {
                let secret = self.config.secrets.get(&key_id);
                secret.ok_or(SlaStatus::AuthenticationFailure)?
            }
        };
        message
            .verify(received.octets, self.config.authentication, secret)
            .map_err(|_| SlaStatus::AuthenticationFailure)?;
        // Of each section we have to know what it asks for.
        let [Csld::UdpMeasurement(asked)] = message.cslds() else {
            return Err(SlaStatus::FormatError);
        };
        if !asked.role.is_responder() {
            return Err(SlaStatus::FormatError);
        }
        let asked = *asked;
        let (port, granted) = self.grant(now, received, &asked)?;
        if let [Csld::UdpMeasurement(measurement)] = message.cslds_mut() {
            measurement.measurement_destination_port = port;
            measurement.duration_ms = u32::try_from(granted.as_millis()).unwrap_or(u32::MAX);
        }
        Ok(())
    }

    fn grant(
        &mut self,
        now: Instant,
        received: &Received<'_>,
        asked: &UdpMeasurement,
    ) -> Result<(u16, Duration), SlaStatus> {
        let duration = Duration::from_millis(asked.duration_ms.into());
        let port = match asked.measurement_destination_port {
            0 => self.suggest(),
            port => port,
        };
        let source_port = match asked.measurement_source_port {
            0 => received.remote.port(),
            port => port,
        };
        let number = Number::Full(0);
        let granted = self.open(now, received, port, source_port, duration, number)?;
        Ok((port, granted))
    }

    /// Begins a measurement; for how long.
    fn open(
        &mut self,
        now: Instant,
        received: &Received<'_>,
        port: u16,
        source_port: u16,
        duration: Duration,
        number: Number,
    ) -> Result<Duration, SlaStatus> {
        let is_control = self.config.control_ports.contains(&port);
        if !is_control && !self.config.measurement_ports.contains(&port) {
            return Err(SlaStatus::PortInUse);
        }
        if duration.is_zero() {
            return Err(SlaStatus::FormatError);
        }
        let was_open = is_control || self.sessions.has_port(port);
        let granted = duration.min(self.config.max_duration);
        let key = Key {
            path: received.path,
            address: received.remote.ip(),
            port,
            source_port,
        };
        if !self.sessions.open(key, now + granted, number) {
            return Err(SlaStatus::Fail);
        }
        if !was_open {
            self.outputs.push_back(ResponderOutput::Open(port));
        }
        Ok(granted)
    }

    /// A port for who leaves the choice to us: of those that may be opened, another one each time.
    fn suggest(&mut self) -> u16 {
        let ports = &self.config.measurement_ports;
        let first = FIRST_PORT.clamp(*ports.start(), *ports.end());
        let port = self.next_port.clamp(first, *ports.end());
        self.next_port = if port == *ports.end() {
            first
        } else {
            port + 1
        };
        port
    }
}

/// Writes the outcome where it belongs: into the section that it is about, and as a failure of the
/// kind that the header may have (RFC 6812 section 3.1.1).
fn set_statuses(message: &mut ControlMessage, outcome: Result<(), SlaStatus>) {
    let status = outcome.err().unwrap_or(SlaStatus::Success);
    let is_authentication = status == SlaStatus::AuthenticationFailure;
    message.header.status = match status == SlaStatus::PortInUse {
        true => SlaStatus::Fail,
        false => status,
    };
    message.authentication.status = match is_authentication {
        true => status,
        false => SlaStatus::Success,
    };
    for csld in message.cslds_mut() {
        let status = match is_authentication {
            true => SlaStatus::Success,
            false => status,
        };
        match csld {
            Csld::UdpMeasurement(measurement) => measurement.status = status,
            Csld::Unknown(unknown) => unknown.status = status,
            _ => {}
        }
    }
}

/// Signs the answer, unless the request was not authenticated: whoever wrote that must not get a
/// signature for what it wrote, which would make it a request.
fn sign(message: &mut ControlMessage, outcome: Result<(), SlaStatus>, config: &ResponderConfig) {
    let asked = message.authentication;
    if outcome == Err(SlaStatus::AuthenticationFailure) {
        let random_number = asked.random_number().unwrap_or_default();
        if random_number != [0; 16] {
            message.authentication = Authentication::new(asked.mode(), asked.key_id, random_number);
            message.authentication.status = SlaStatus::AuthenticationFailure;
        }
    } else if let Some(secret) = config.secrets.get(&asked.key_id) {
        // An empty secret let nothing in (`verify` refuses it), so there is nothing to sign then.
        let _ = message.sign(secret);
    }
}

/// Turns a response that grants `port` into one that says that it is in use; empties it where it
/// cannot say so. Whether it was such a response.
pub(super) fn refuse_port(octets: &mut Bytes, port: u16, config: &ResponderConfig) -> bool {
    if octets.first() == Some(&VERSION_1) {
        let grants = Version1Control::parse(octets).is_ok_and(|response| response.port == port);
        if grants {
            octets.clear();
        }
        return grants;
    }
    let Ok(ControlPacket::Version2(mut message)) = ControlPacket::decode(octets) else {
        return false;
    };
    let granted = message.udp_measurement().is_some_and(|measurement| {
        measurement.measurement_destination_port == port
            && measurement.status == SlaStatus::Success
            && message.header.status == SlaStatus::Success
    });
    if granted {
        let outcome = Err(SlaStatus::PortInUse);
        set_statuses(&mut message, outcome);
        sign(&mut message, outcome, config);
        let mut wire = Vec::with_capacity(message.encoded_len());
        message.encode(&mut wire);
        *octets = wire.into();
    }
    granted
}
