use std::net::SocketAddr;

use pmip_wire::stamp::{
    PORT, ReflectorPacket, SenderPacket, StampKey, StampMode, TlvFlags, TlvValue,
};
use pmip_wire::types::ProbeTimestamp;
use pmip_wire::{DecodeErrorKind, EmptySecret};

use super::{Answer, Read, SenderDrop, SequenceOnWire, Times};
use crate::clock::Clock;
use crate::loss::ResponderNumbers;
use crate::prober::Probe;

/// A STAMP session (RFC 8762), or one with a TWAMP Light reflector (RFC 5357).
#[derive(Clone, Debug)]
pub struct StampSession {
    reflector: SocketAddr,
    key: Option<StampKey>,
    ssid: u16,
    padding: u16,
    numbers: ResponderNumbers,
}

impl StampSession {
    /// An unauthenticated session without TLVs; a port of 0 is the well-known one, 862.
    pub fn new(mut reflector: SocketAddr) -> Self {
        if reflector.port() == 0 {
            reflector.set_port(PORT);
        }
        Self {
            reflector,
            key: None,
            ssid: 0,
            padding: 0,
            numbers: ResponderNumbers::Guess,
        }
    }

    /// In authenticated mode, with this key (RFC 8762 section 4.4).
    ///
    /// # Errors
    /// [`EmptySecret`] where `key` has no octets.
    pub fn with_key(mut self, key: &[u8]) -> Result<Self, EmptySecret> {
        self.key = Some(StampKey::new(key)?);
        Ok(self)
    }

    /// With a session identifier (RFC 8972 section 3); 0 is none.
    #[must_use]
    pub const fn with_ssid(mut self, ssid: u16) -> Self {
        self.ssid = ssid;
        self
    }

    /// With an Extra Padding TLV of `octets` (RFC 8972 section 4.1); 0 is none.
    #[must_use]
    pub const fn with_padding(mut self, octets: u16) -> Self {
        self.padding = octets;
        self
    }

    /// Says whether the reflector counts (stateful) or copies our numbers (stateless).
    #[must_use]
    pub const fn with_numbers(mut self, numbers: ResponderNumbers) -> Self {
        self.numbers = numbers;
        self
    }
}

#[derive(Clone, Debug)]
pub(super) struct Stamp(StampSession);

impl Stamp {
    pub(super) const fn new(session: StampSession) -> Self {
        Self(session)
    }

    pub(super) const fn numbers(&self) -> ResponderNumbers {
        self.0.numbers
    }

    fn mode(&self) -> StampMode<'_> {
        match &self.0.key {
            Some(key) => StampMode::Authenticated(key),
            None => StampMode::Unauthenticated,
        }
    }

    pub(super) fn probe(&self, probe: Probe, clock: &Clock) -> (SocketAddr, Vec<u8>) {
        let packet = SenderPacket {
            sequence: probe.sequence,
            timestamp: clock.timestamp(probe.sent),
            error_estimate: clock.error_estimate(),
            ssid: self.0.ssid,
        };
        let mut wire = Vec::with_capacity(self.mode().base_len() + usize::from(self.0.padding) + 4);
        packet.encode(self.mode(), &mut wire);
        if self.0.padding > 0 {
            let padding = vec![0; self.0.padding.into()];
            // Fits: its length is that of the field.
            let _ = TlvValue::ExtraPadding(&padding).encode(TlvFlags::UNRECOGNIZED, &mut wire);
        }
        (self.0.reflector, wire)
    }

    pub(super) fn read(&self, from: SocketAddr, octets: &[u8]) -> Result<Read, SenderDrop> {
        if from != self.0.reflector {
            return Err(SenderDrop::Stranger);
        }
        let packet = ReflectorPacket::parse(octets, self.mode()).map_err(|error| {
            if error.kind == DecodeErrorKind::BadDigest {
                SenderDrop::Unauthenticated
            } else {
                SenderDrop::Malformed
            }
        })?;
        let answer = packet.base;
        // A reflector without RFC 8972 leaves the identifier zero.
        if answer.ssid != self.0.ssid && answer.ssid != 0 {
            return Err(SenderDrop::Unasked);
        }
        let estimate = answer.error_estimate;
        let times = (answer.receive_timestamp != ProbeTimestamp::ZERO).then(|| Times::Timestamps {
            received: answer.receive_timestamp,
            answered: answer.timestamp,
            format: Some(estimate.format()),
            in_step: estimate.is_synchronized(),
        });
        Ok(Read::Reply(Answer {
            sequence: SequenceOnWire::Full(answer.sender_sequence),
            number: answer.sequence,
            times,
        }))
    }
}
