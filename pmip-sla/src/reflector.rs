use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use pmip_wire::stamp::{
    ClassOfService, DirectMeasurement, ReflectorPacket, SenderPacket, StampKey, StampMode,
    StampPacket, SynchronizationSource, TimestampInformation, TimestampingMethod, Tlv, TlvFlags,
    TlvType, TlvValue, Tlvs,
};
use pmip_wire::types::{Instant, PathId};

use crate::clock::Clock;
use crate::responder::{Answer, Received};

/// How a [`Reflector`] answers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReflectorConfig {
    /// Authenticated mode with this key; `None` is unauthenticated mode. Packets of the other mode
    /// are not answered.
    pub key: Option<StampKey>,
    /// Whether it counts the packets of each session (stateful mode) or copies the sender's
    /// sequence number (stateless mode; RFC 8762 section 4).
    pub stateful: bool,
    /// The most sessions that it counts for; packets of others get the sender's number.
    pub max_sessions: usize,
    /// A session is forgotten after this silence.
    pub session_timeout: Duration,
}

impl Default for ReflectorConfig {
    /// Stateless and unauthenticated.
    fn default() -> Self {
        Self {
            key: None,
            stateful: false,
            max_sessions: 4_096,
            session_timeout: Duration::from_secs(300),
        }
    }
}

/// Answers STAMP test packets (RFC 8762), with the TLVs of RFC 8972, and those of TWAMP Light
/// (RFC 5357 appendix I).
///
/// Of the TLVs it fills in Class of Service, Timestamp Information and, in stateful mode, Direct
/// Measurement, and returns Extra Padding and Access Report as they came; others go back marked as
/// unrecognised. An answer is as long as its packet, or 44 octets where that is shorter.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::{Clock, Received, Reflector, ReflectorConfig};
/// use pmip_wire::stamp::{ReflectorPacket, SenderPacket, StampMode};
/// use pmip_wire::types::Instant;
///
/// let clock = Clock::new(Instant::ZERO, Duration::from_secs(1_700_000_000));
/// let mut reflector = Reflector::new(ReflectorConfig::default(), clock);
/// let mut octets = Vec::new();
/// let sent = SenderPacket { sequence: 7, ..SenderPacket::default() };
/// sent.encode(StampMode::Unauthenticated, &mut octets);
///
/// let (local, remote) = ("192.0.2.1:862".parse()?, "192.0.2.2:50000".parse()?);
/// let received = Received::new(local, remote, Instant::from_millis(3), &octets);
/// let answer = reflector.reflect(Instant::from_millis(4), received).expect("a STAMP packet");
/// let packet = ReflectorPacket::parse(&answer.octets, StampMode::Unauthenticated)?;
/// assert_eq!((answer.remote, packet.base.sequence), (remote, 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reflector {
    config: ReflectorConfig,
    clock: Clock,
    sessions: BTreeMap<Key, Session>,
    /// Sessions by the end of their time.
    expiries: BTreeSet<(Instant, Key)>,
    counters: ReflectorCounters,
}

/// What a [`Reflector`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ReflectorCounters {
    /// Packets answered.
    pub answered: u64,
    /// Packets that nothing can be made of, or of the other mode.
    pub malformed: u64,
    /// Packets with a wrong HMAC.
    pub unauthenticated: u64,
    /// Packets answered without a count of their own for want of room.
    pub uncounted: u64,
}

/// A session (RFC 8972 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    path: PathId,
    remote: SocketAddr,
    local: SocketAddr,
    ssid: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Session {
    /// Packets received and answered, which is the next answer's number.
    packets: u32,
    until: Instant,
}

impl Reflector {
    /// A reflector without sessions.
    pub const fn new(config: ReflectorConfig, clock: Clock) -> Self {
        Self {
            config,
            clock,
            sessions: BTreeMap::new(),
            expiries: BTreeSet::new(),
            counters: ReflectorCounters {
                answered: 0,
                malformed: 0,
                unauthenticated: 0,
                uncounted: 0,
            },
        }
    }

    /// The answer to a packet, to be sent at `now`; `None` where there is none to give.
    pub fn reflect(&mut self, now: Instant, received: Received<'_>) -> Option<Answer> {
        // Time that runs back is taken to stand still.
        let now = now.max(received.at);
        let key = self.config.key.clone();
        let mode = key.as_ref().map_or(StampMode::Unauthenticated, |key| {
            StampMode::Authenticated(key)
        });
        let packet = match SenderPacket::parse(received.octets, mode) {
            Ok(packet) => packet,
            Err(error) => {
                let bad_digest = error.kind == pmip_wire::DecodeErrorKind::BadDigest;
                self.counters.unauthenticated += u64::from(bad_digest);
                self.counters.malformed += u64::from(!bad_digest);
                return None;
            }
        };
        let count = self.count(now, &received, packet.base.ssid);
        let octets = self.answer(now, &received, mode, &packet, count);
        self.counters.answered += 1;
        Some(Answer {
            path: received.path,
            local: received.local,
            remote: received.remote,
            traffic_class: traffic_class(&received, &packet),
            octets: octets.into(),
        })
    }

    /// Sets the wall clock.
    pub fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// Forgets the sessions that came through a path.
    pub fn remove_path(&mut self, path: PathId) {
        self.sessions.retain(|key, _| key.path != path);
        self.expiries.retain(|(_, key)| key.path != path);
    }

    /// Sessions that it counts for.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// What it did.
    pub const fn counters(&self) -> &ReflectorCounters {
        &self.counters
    }

    /// How many packets of this session came before; `None` where none are counted.
    fn count(&mut self, now: Instant, received: &Received<'_>, ssid: u16) -> Option<u32> {
        if !self.config.stateful {
            return None;
        }
        self.expire(now);
        let key = Key {
            path: received.path,
            remote: received.remote,
            local: received.local,
            ssid,
        };
        if !self.sessions.contains_key(&key) && self.sessions.len() >= self.config.max_sessions {
            self.counters.uncounted += 1;
            return None;
        }
        let session = self.sessions.entry(key).or_default();
        self.expiries.remove(&(session.until, key));
        session.until = now + self.config.session_timeout;
        self.expiries.insert((session.until, key));
        let before = session.packets;
        session.packets = before.wrapping_add(1);
        Some(before)
    }

    fn expire(&mut self, now: Instant) {
        while let Some((until, key)) = self.expiries.first().copied() {
            if until > now {
                return;
            }
            self.expiries.pop_first();
            self.sessions.remove(&key);
        }
    }

    fn answer(
        &self,
        now: Instant,
        received: &Received<'_>,
        mode: StampMode<'_>,
        packet: &StampPacket<'_, SenderPacket>,
        count: Option<u32>,
    ) -> Vec<u8> {
        let hop_limit = received.hop_limit.unwrap_or(ReflectorPacket::UNKNOWN_TTL);
        let came = self.clock.timestamp(received.at);
        let mut answer = ReflectorPacket::reflecting(&packet.base, came, hop_limit);
        answer.timestamp = self.clock.timestamp(now);
        answer.error_estimate = self.clock.error_estimate();
        answer.sequence = count.unwrap_or(packet.base.sequence);
        let mut wire = Vec::with_capacity(received.octets.len().max(mode.base_len()));
        answer.encode(mode, &mut wire);
        self.extend(&mut wire, received, &answer, packet, mode, count);
        wire
    }

    /// Appends what follows the base packet: TLVs filled in, or a TWAMP packet's padding as it came.
    fn extend(
        &self,
        wire: &mut Vec<u8>,
        received: &Received<'_>,
        answer: &ReflectorPacket,
        packet: &StampPacket<'_, SenderPacket>,
        mode: StampMode<'_>,
        count: Option<u32>,
    ) {
        if !is_tlvs(packet.tlvs()) {
            // RFC 8762 section 4.6: padding is returned as it came.
            wire.extend_from_slice(packet.extension);
            return;
        }
        let start = wire.len();
        let key = match mode {
            StampMode::Authenticated(key) => Some(key),
            StampMode::Unauthenticated => None,
        };
        let genuine = key.is_none_or(|key| {
            let integrity = packet.tlvs().integrity(packet.base.sequence, key);
            integrity.is_ok()
        });
        for tlv in packet.tlvs() {
            let Ok(tlv) = tlv else {
                break;
            };
            if TlvType::from_code(tlv.tlv_type) == TlvType::Hmac
                && genuine
                && let Some(key) = key
            {
                let preceding = wire.get(start..).unwrap_or_default();
                let tag = TlvValue::hmac(answer.sequence, preceding, key);
                let _ = tag.encode(TlvFlags::empty(), wire);
            } else {
                self.fill(wire, received, &tlv, genuine, count);
            }
        }
        // What could not be walked over goes back marked, so that the answer is as long.
        let rest = received.octets.get(wire.len()..).unwrap_or_default();
        wire.extend_from_slice(&malformed(rest));
    }

    /// Appends one TLV as the answer has it (RFC 8972 section 4).
    fn fill(
        &self,
        wire: &mut Vec<u8>,
        received: &Received<'_>,
        tlv: &Tlv<'_>,
        genuine: bool,
        count: Option<u32>,
    ) {
        let echo = |flags, wire: &mut Vec<u8>| {
            // Its length fits: it came with it.
            let _ = Tlv::encode(flags, tlv.tlv_type, tlv.value, wire);
        };
        if !genuine {
            return echo(TlvFlags::INTEGRITY, wire);
        }
        let Ok(value) = tlv.decode() else {
            return echo(TlvFlags::MALFORMED, wire);
        };
        #[allow(
            clippy::wildcard_enum_match_arm,
            reason = "the others, known or not, are not filled in"
        )]
        let filled = match value {
            TlvValue::ExtraPadding(_) | TlvValue::AccessReport(_) => value,
            TlvValue::ClassOfService(asked) => class_of_service(asked, received.traffic_class),
            TlvValue::TimestampInformation(asked) => {
                TlvValue::TimestampInformation(self.timestamp_information(asked))
            }
            TlvValue::DirectMeasurement(asked) if count.is_some() => {
                let packets = count.unwrap_or(0).wrapping_add(1);
                TlvValue::DirectMeasurement(DirectMeasurement {
                    reflector_rx: packets,
                    reflector_tx: packets,
                    ..asked
                })
            }
            _ => return echo(TlvFlags::UNRECOGNIZED, wire),
        };
        let _ = filled.encode(TlvFlags::empty(), wire);
    }

    fn timestamp_information<'a>(
        &self,
        asked: TimestampInformation<'a>,
    ) -> TimestampInformation<'a> {
        let source = match self.clock.is_in_step() {
            true => SynchronizationSource::Ntp,
            false => SynchronizationSource::LocalFreeRunning,
        };
        TimestampInformation {
            synchronization_in: source,
            timestamp_in: TimestampingMethod::SoftwareLocal,
            synchronization_out: source,
            timestamp_out: TimestampingMethod::SoftwareLocal,
            ..asked
        }
    }
}

/// Whether an extension is TLVs rather than a TWAMP packet's padding: a Session-Sender sets the U
/// flag of its first TLV (RFC 8972 section 4).
fn is_tlvs(tlvs: Tlvs<'_>) -> bool {
    tlvs.as_slice()
        .first()
        .is_some_and(|flags| TlvFlags::from_bits_retain(*flags).contains(TlvFlags::UNRECOGNIZED))
}

/// A TLV that its Length leads beyond the packet: the same with the M flag.
fn malformed(rest: &[u8]) -> Vec<u8> {
    let mut octets = rest.to_vec();
    if let Some(flags) = octets.first_mut() {
        *flags = TlvFlags::MALFORMED.bits();
    }
    octets
}

const ECN: u8 = 0b11;

/// DSCP2 and ECN as the packet came with them; RP says that DSCP1 is used (RFC 8972 section 4.4).
fn class_of_service(asked: ClassOfService, traffic_class: Option<u8>) -> TlvValue<'static> {
    let seen = traffic_class.unwrap_or(0);
    let filled = ClassOfService::new(asked.dscp1(), seen >> 2, seen & ECN, 0);
    TlvValue::ClassOfService(filled.unwrap_or(asked))
}

/// That of the packet, or the DSCP that a Class of Service TLV asks for.
fn traffic_class(received: &Received<'_>, packet: &StampPacket<'_, SenderPacket>) -> u8 {
    let came = received.traffic_class.unwrap_or(0) & !ECN;
    if !is_tlvs(packet.tlvs()) {
        return came;
    }
    let asked = packet.tlvs().find_map(|tlv| {
        let value = tlv.ok()?.decode().ok()?;
        if let TlvValue::ClassOfService(class) = value {
            Some(class.dscp1() << 2)
        } else {
            None
        }
    });
    asked.unwrap_or(came)
}
