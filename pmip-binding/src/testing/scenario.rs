//! What happens to a world, as data: drawn by proptest, by libFuzzer, or read from a file.

/// A world and what happens to it. [`Scenario::play`] does it, and checks after every step.
///
/// Every value makes sense: numbers of gateways, paths and nodes count modulo how many there are,
/// so that what was drawn by chance, and what was shortened by hand, runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct Scenario {
    /// What there is at the start.
    pub topology: Topology,
    /// What happens, in order.
    pub transitions: Vec<Transition>,
}

/// An anchor, its gateways and what joins them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Topology {
    /// Where chance on the links starts.
    pub seed: u8,
    /// One to three gateways.
    pub gateways: Vec<Gateway>,
    /// One way, in milliseconds.
    pub latency: u8,
    /// Up to this much more, in milliseconds.
    pub jitter: u8,
    /// Percent lost.
    pub loss: u8,
    /// Percent doubled.
    pub duplicate: u8,
    /// Percent overtaken.
    pub reorder: u8,
    /// Binding lifetime, in units of 4 s (RFC 6275 section 6.1.7); 0 counts as 1.
    pub lifetime: u8,
    /// Every pool has four prefixes, and the anchor takes at most six bindings.
    pub scarce: bool,
    /// Paths that one binding may have; 0 = the default.
    pub paths_per_binding: u8,
    /// No heartbeats: nothing but lifetimes tells that a peer is gone.
    pub no_heartbeats: bool,
}

/// One gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
pub struct Gateway {
    /// One to three roaming interfaces.
    pub paths: u8,
    /// Multipath (RFC 8278).
    pub multipath: bool,
    /// No Timestamp options: sequence numbers order its messages (RFC 5213 section 5.5).
    pub sequence_mode: bool,
    /// Its clock starts in 1970.
    pub no_clock: bool,
    /// A NAT stands before each of its interfaces.
    pub nat: bool,
    /// It has a logical mobile node with a mobile network (RFC 7148).
    pub logical_node: bool,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
#[expect(missing_docs, reason = "`mag`, `path` and `node` say which")]
pub enum Transition {
    /// Milliseconds pass.
    Wait(u16),
    /// Seconds pass.
    WaitSeconds(u8),
    /// A roaming interface comes up.
    Up { mag: u8, path: u8 },
    /// A roaming interface goes down.
    Down { mag: u8, path: u8 },
    /// A roaming interface gets another address.
    Renumber { mag: u8, path: u8, host: u8 },
    /// A path loses everything, silently.
    Dark { mag: u8, path: u8 },
    /// It carries again.
    Light { mag: u8, path: u8 },
    /// All paths of a gateway lose everything.
    Partition { mag: u8 },
    /// All paths of a gateway carry again.
    Heal { mag: u8 },
    /// Loss changes, in percent.
    Loss(u8),
    /// The NAT before a path forgets its mappings and gives others.
    NatRebind { mag: u8, path: u8, port: u8 },
    /// A mobile node attaches. The other gateways learn that it left by [`Transition::Detach`],
    /// or when all is over.
    Attach {
        mag: u8,
        node: u8,
        handoff: u8,
        interface: u8,
    },
    /// A mobile node leaves a gateway.
    Detach { mag: u8, node: u8 },
    /// Both at once: it leaves the gateways where it was, and attaches here.
    Move { mag: u8, node: u8 },
    /// An operator clears a binding at a gateway.
    ClearAtMag { mag: u8, node: u8 },
    /// An operator clears a binding at the anchor.
    ClearAtLma { node: u8 },
    /// An operator clears all bindings of the anchor.
    ClearAll,
    /// The anchor restarts and has forgotten everything.
    RestartLma,
    /// The anchor restarts from its snapshot, with a changed configuration.
    ResumeLma(ConfigChange),
    /// A gateway restarts and has forgotten everything.
    RestartMag { mag: u8 },
    /// A gateway restarts with multipath switched the other way.
    ReconfigureMag { mag: u8 },
    /// A datagram that reached the anchor before comes again.
    Replay { which: u8 },
    /// One that reached the anchor before comes again without its end.
    Truncated { which: u8, octets: u8 },
    /// Octets that are no message come to the anchor.
    Garbage { octets: u8, first: u8 },
    /// Somebody who is no gateway of the node sends a PBU.
    Forged { node: u8, forgery: Forgery },
    /// Somebody answers a gateway in the anchor's name without having seen its request.
    ForgedAnswer { mag: u8, node: u8, status: u8 },
    /// Somebody sends a heartbeat in a gateway's name from another address.
    ForgedHeartbeat { mag: u8, path: u8, answer: bool },
    /// A gateway's wall clock is set wrong by this much, in hundredths of a second.
    Clock { mag: u8, by: i16 },
    /// A gateway's clock goes back to 1970.
    Clock1970 { mag: u8 },
    /// A gateway's clock is set right.
    ClockRight { mag: u8 },
    /// The anchor's wall clock is set wrong by this much, in hundredths of a second.
    LmaClock(i8),
    /// The anchor's clock is set right.
    LmaClockRight,
}

/// What is wrong with a forged PBU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Forgery {
    /// A handoff with a Timestamp of an hour ago.
    Late,
    /// A handoff with a Timestamp of tomorrow.
    Early,
    /// A de-registration from an address that is no care-of address of the session.
    Deregistration,
    /// For a mobile node that nobody serves.
    UnknownNode,
    /// Without a mobile node identifier.
    NoNode,
    /// With the home prefix of somebody else.
    OthersPrefix,
}

/// What else is new when the anchor restarts with its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum ConfigChange {
    /// Nothing.
    None,
    /// Half the lifetime is granted from now on.
    ShorterLifetime,
    /// Multipath is refused from now on (RFC 8278 section 4.3).
    Multipath(bool),
    /// The pool of IPv4 home addresses is another one.
    OtherPool,
}

/// Octets of a topology in [`Scenario::from_octets`].
const HEAD: usize = 16;
/// Octets of a transition there.
const STEP: usize = 4;
/// Transitions that are taken from octets; what comes beyond is not looked at.
const MOST_TRANSITIONS: usize = 64;

impl Scenario {
    /// Any octets are a scenario: sixteen for the topology, then four for each transition. Its
    /// parts keep their place when others change, which is what mutation and shrinking need.
    pub fn from_octets(octets: &[u8]) -> Self {
        let (head, rest) = octets.split_at(octets.len().min(HEAD));
        let mut padded = [0; HEAD];
        padded[..head.len()].copy_from_slice(head);
        let steps = rest.chunks_exact(STEP).take(MOST_TRANSITIONS);
        let transitions = steps.filter_map(|step| match *step {
            [kind, a, b, c] => Some(Transition::from_octets(kind, a, b, c)),
            _ => None,
        });
        Self {
            topology: Topology::from_octets(padded),
            transitions: transitions.collect(),
        }
    }
}

impl Topology {
    fn from_octets(octets: [u8; HEAD]) -> Self {
        let [
            seed,
            latency,
            jitter,
            loss,
            duplicate,
            reorder,
            lifetime,
            flags,
            count,
            rest @ ..,
        ] = octets;
        let [first, second, third, limit, ..] = rest;
        let gateways = [first, second, third].map(Gateway::from_octet);
        Self {
            seed,
            gateways: gateways[..usize::from(1 + count % 3)].to_vec(),
            latency: latency % 80,
            jitter: jitter % 40,
            // Half of all scenarios have good links.
            loss: if flags & 1 == 0 { 0 } else { loss % 50 },
            duplicate: if flags & 1 == 0 { 0 } else { duplicate % 30 },
            reorder: if flags & 1 == 0 { 0 } else { reorder % 30 },
            lifetime: 2 + lifetime % 14,
            scarce: flags & 6 == 6,
            paths_per_binding: if flags & 24 == 24 { 1 + limit % 3 } else { 0 },
            no_heartbeats: flags & 96 == 96,
        }
    }
}

impl Gateway {
    fn from_octet(octet: u8) -> Self {
        Self {
            paths: 1 + (octet & 3) % 3,
            multipath: octet & 4 == 0,
            sequence_mode: octet & 24 == 24,
            no_clock: octet & 40 == 40,
            nat: octet & 80 == 80,
            logical_node: octet & 128 == 0,
        }
    }
}

impl Transition {
    fn from_octets(kind: u8, a: u8, b: u8, c: u8) -> Self {
        let (mag, path, node) = (a, b, b);
        let millis = u16::from_be_bytes([b, c]);
        match kind % 64 {
            0..=7 => Self::Wait(millis % 8_000),
            8 | 9 => Self::WaitSeconds(a),
            10..=13 => Self::Up { mag, path },
            14..=16 => Self::Down { mag, path },
            17 => Self::Renumber {
                mag,
                path,
                host: 10 + c % 200,
            },
            18 | 19 => Self::Dark { mag, path },
            20 => Self::Light { mag, path },
            21 => Self::Partition { mag },
            22 => Self::Heal { mag },
            23 => Self::Loss(a % 60),
            24 | 25 => Self::NatRebind { mag, path, port: c },
            26..=32 => Self::Attach {
                mag,
                node,
                handoff: 1 + (c & 15) % 5,
                interface: c >> 7,
            },
            33 | 34 => Self::Detach { mag, node },
            35..=38 => Self::Move { mag, node },
            39 => Self::ClearAtMag { mag, node },
            40 => Self::ClearAtLma { node },
            41 => Self::ClearAll,
            42 => Self::RestartLma,
            43 => Self::ResumeLma(ConfigChange::None),
            44 => Self::ResumeLma(match c % 4 {
                0 => ConfigChange::ShorterLifetime,
                1 => ConfigChange::Multipath(false),
                2 => ConfigChange::Multipath(true),
                _ => ConfigChange::OtherPool,
            }),
            45 | 46 => Self::RestartMag { mag },
            47 => Self::ReconfigureMag { mag },
            48..=50 => Self::Replay { which: a },
            51 => Self::Truncated {
                which: a,
                octets: b,
            },
            52 => Self::Garbage {
                octets: a,
                first: b,
            },
            53..=55 => Self::Forged {
                node,
                forgery: Forgery::from_octet(c),
            },
            56 => Self::ForgedAnswer {
                mag,
                node,
                status: c,
            },
            57 => Self::ForgedHeartbeat {
                mag,
                path,
                answer: c % 2 == 1,
            },
            58 => Self::Clock {
                mag,
                by: i16::from_be_bytes([b, c]) % 3_000,
            },
            59 => Self::Clock1970 { mag },
            60 | 61 => Self::ClockRight { mag },
            62 => Self::LmaClock(i8::from_be_bytes([c])),
            _ => Self::LmaClockRight,
        }
    }
}

impl Forgery {
    fn from_octet(octet: u8) -> Self {
        match octet % 6 {
            0 => Self::Late,
            1 => Self::Early,
            2 => Self::Deregistration,
            3 => Self::UnknownNode,
            4 => Self::NoNode,
            _ => Self::OthersPrefix,
        }
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Scenario {
    fn arbitrary(octets: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let length = octets.len().min(HEAD + STEP * MOST_TRANSITIONS);
        Ok(Self::from_octets(octets.bytes(length)?))
    }
}
