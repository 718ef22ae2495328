//! From frames to Mobility Headers.

use std::net::IpAddr;

use bytes::Bytes;
use etherparse::UdpSlice;
use pmip_wire::carrier::{GrePacket, TlvPacket, UdpHeader, ether_type, protocol};
use pmip_wire::udp::{CONTROL_PORT, DATA_PORT, DataPayload};
use pmip_wire::{ChecksumContext, DecodeError, MAX_MESSAGE_LEN};

use crate::file::Frame;
use crate::ip::{self, BadPacket, Fragment, Packet};
use crate::link::{self, Link, LinkType};
use crate::reassembly::{Found, IncompletePacket, Reassembly, Whole};
use crate::time::CaptureTime;
use crate::udp::UdpChecksum;

/// Tunnels inside tunnels that are followed.
pub const MAX_TUNNELS: usize = 8;

/// What carries a Mobility Header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// IPv6, next header 135 (RFC 6275 section 6.1).
    Ipv6,
    /// IPv4 and UDP, port 5436 (RFC 5844 section 4.1).
    Udp,
}

/// One Mobility Header, or the start of one, and how it was carried.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The frame; of a fragmented packet, that of the fragment that made it whole.
    pub frame: u64,
    /// When that frame was captured.
    pub time: Option<CaptureTime>,
    /// VLAN identifiers, outermost first.
    pub vlans: Vec<u16>,
    /// Outer layers, outermost first.
    pub tunnel: Vec<Outer>,
    /// Frames whose fragments the packet was made of; empty where it was whole.
    pub fragments: Vec<u64>,
    /// What carries it.
    pub transport: Transport,
    /// Source of the IP packet.
    pub source: IpAddr,
    /// Destination of the IP packet.
    pub destination: IpAddr,
    /// UDP source and destination ports.
    pub ports: Option<(u16, u16)>,
    /// What the UDP checksum is worth; `None` over IPv6, or where the datagram is not all there.
    pub udp_checksum: Option<UdpChecksum>,
    /// The Home Address destination option of the packet (RFC 6275 section 6.3).
    pub home_address_option: Option<IpAddr>,
    /// The home address in a type 2 routing header (RFC 6275 section 6.4).
    pub type_2_routing_header: Option<IpAddr>,
    /// What its checksum covers: the home addresses above where the packet has them
    /// (RFC 6275 section 6.1.1).
    pub context: ChecksumContext,
    /// Its octets from Payload Proto on, and what follows them in the packet, up to the longest
    /// Mobility Header.
    pub wire: Bytes,
    /// Octets of the packet behind `wire`, those that the snap length cut off too.
    pub behind: usize,
    /// Octets of the frame that were captured and that it had, where the snap length cut it.
    pub snapped: Option<(usize, u32)>,
}

/// An outer layer of a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Outer {
    /// How the inner packet is carried.
    pub kind: OuterKind,
    /// Source of the outer packet.
    pub source: IpAddr,
    /// Destination of the outer packet.
    pub destination: IpAddr,
    /// The GRE key (RFC 2890 section 2.1).
    pub gre_key: Option<u32>,
    /// The GRE sequence number (RFC 2890 section 2.2).
    pub gre_sequence: Option<u32>,
}

/// How a packet is carried in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OuterKind {
    /// IPv4 around IPv4 or IPv6.
    Ipv4,
    /// IPv6 around IPv4 or IPv6 (RFC 2473).
    Ipv6,
    /// GRE over IPv4 (RFC 2784).
    Ipv4Gre,
    /// GRE over IPv6.
    Ipv6Gre,
    /// IPv4 and UDP, port 5437 (RFC 5844 section 4.2).
    Ipv4Udp,
    /// IPv4, UDP and the TLV header, perhaps with GRE behind it (RFC 5845 section 7.2).
    Ipv4UdpTlv,
}

/// What a frame gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// A Mobility Header.
    Header(Box<Finding>),
    /// A fragmented packet is given up.
    Incomplete(Box<IncompletePacket>),
    /// Something that cannot be looked into.
    Unread {
        /// The frame.
        frame: u64,
        /// Why.
        why: Unread,
    },
}

/// Why a frame, or what is tunnelled in it, cannot be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unread {
    /// Its link layer is not known.
    LinkType(LinkType),
    /// It ends inside its link-layer header.
    CutLinkHeader,
    /// It ends inside an IP header or extension header.
    CutIpHeader,
    /// An IP header is impossible.
    BadIpHeader,
    /// A tunnel header is wrong, and its receiver discards the packet.
    BadTunnel(DecodeError),
    /// More than [`MAX_TUNNELS`] tunnels lie around it.
    TooDeep,
    /// ESP protects it, perhaps with encryption (RFC 4303).
    Protected,
}

/// Takes frames apart, in the order of the file.
#[derive(Debug, Default)]
pub struct Dissector {
    reassembly: Reassembly,
}

/// What is the same for all that one frame holds.
struct Scene<'a> {
    frame: u64,
    time: Option<CaptureTime>,
    snapped: Option<(usize, u32)>,
    vlans: &'a [u16],
    tunnel: Vec<Outer>,
    fragments: Vec<u64>,
    /// How often a packet was made whole on the way here.
    rounds: usize,
}

impl Dissector {
    /// A dissector that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What `frame` gives.
    pub fn frame(&mut self, frame: &Frame<'_>) -> Vec<Outcome> {
        let mut out = Vec::new();
        if let Some(now) = frame.time {
            let mut given_up = Vec::new();
            self.reassembly.expire(now, &mut given_up);
            out.extend(given_up.into_iter().map(Outcome::incomplete));
        }
        let unread = |why| Outcome::Unread {
            frame: frame.number,
            why,
        };
        match link::open(frame.link_type, frame.data) {
            Link::Ip { vlans, packet } => {
                let original = usize::try_from(frame.original_len).unwrap_or(usize::MAX);
                let is_snapped = original > frame.data.len();
                let mut scene = Scene {
                    frame: frame.number,
                    time: frame.time,
                    snapped: is_snapped.then_some((frame.data.len(), frame.original_len)),
                    vlans: &vlans,
                    tunnel: Vec::new(),
                    fragments: Vec::new(),
                    rounds: 0,
                };
                self.packet(packet, &mut scene, &mut out);
            }
            Link::Other => {}
            Link::Cut => out.push(unread(Unread::CutLinkHeader)),
            Link::Unknown => out.push(unread(Unread::LinkType(frame.link_type))),
        }
        out
    }

    /// Gives up the packets that are still incomplete at the end of the capture.
    pub fn finish(&mut self) -> Vec<Outcome> {
        let given_up = self.reassembly.finish();
        given_up.into_iter().map(Outcome::incomplete).collect()
    }

    /// Looks into an IP packet. The depth is bounded by that of tunnels and of fragments in fragments.
    fn packet(&mut self, octets: &[u8], scene: &mut Scene<'_>, out: &mut Vec<Outcome>) {
        let packet = match ip::walk(octets) {
            Ok(packet) => packet,
            Err(BadPacket::Cut) => return out.push(scene.unread(Unread::CutIpHeader)),
            Err(BadPacket::NotIp) => return out.push(scene.unread(Unread::BadIpHeader)),
        };
        if let Some(fragment) = packet.fragment {
            return self.fragment(octets, &packet, fragment, scene, out);
        }
        match packet.protocol {
            protocol::MOBILITY => out.extend(scene.over_ipv6(&packet)),
            protocol::UDP => self.udp(&packet, scene, out),
            protocol::ESP => out.push(scene.unread(Unread::Protected)),
            protocol::GRE => self.gre(
                packet.payload,
                scene.outer(&packet, OuterKind::gre),
                scene,
                out,
            ),
            protocol::IPV4 | protocol::IPV6 => {
                let outer = scene.outer(&packet, OuterKind::plain);
                self.inside(packet.payload, outer, scene, out);
            }
            _ => {}
        }
    }

    /// Puts a fragment where it belongs, and looks into the packet that it makes whole.
    fn fragment(
        &mut self,
        octets: &[u8],
        packet: &Packet<'_>,
        fragment: Fragment,
        scene: &mut Scene<'_>,
        out: &mut Vec<Outcome>,
    ) {
        if scene.rounds >= MAX_TUNNELS {
            return out.push(scene.unread(Unread::TooDeep));
        }
        let found = Found {
            frame: scene.frame,
            time: scene.time,
            vlans: scene.vlans,
            tunnel: &scene.tunnel,
            snapped: scene.snapped.is_some(),
        };
        let mut given_up = Vec::new();
        let whole = self
            .reassembly
            .add(octets, packet, fragment, &found, &mut given_up);
        out.extend(given_up.into_iter().map(Outcome::incomplete));
        if let Some(Whole { packet, fragments }) = whole {
            scene.fragments.extend(fragments);
            scene.rounds = scene.rounds.saturating_add(1);
            self.packet(&packet, scene, out);
        }
    }

    fn udp(&mut self, packet: &Packet<'_>, scene: &mut Scene<'_>, out: &mut Vec<Outcome>) {
        if packet.source.is_ipv6() {
            return;
        }
        let Some(ports) = ports(packet.payload) else {
            if scene.snapped.is_some() {
                out.push(scene.unread(Unread::CutIpHeader));
            }
            return;
        };
        let is = |port| ports.0 == port || ports.1 == port;
        // Cut in the header, nothing of the payload is there.
        let datagram = UdpSlice::from_slice_lax(packet.payload);
        let payload = datagram.as_ref().map_or(&[][..], UdpSlice::payload);
        if is(CONTROL_PORT) {
            out.push(scene.over_udp(packet, ports, payload));
        } else if is(DATA_PORT) {
            self.data(payload, packet, scene, out);
        }
    }

    /// A datagram of the data port (RFC 5845 section 7.2).
    fn data(
        &mut self,
        payload: &[u8],
        packet: &Packet<'_>,
        scene: &mut Scene<'_>,
        out: &mut Vec<Outcome>,
    ) {
        match DataPayload::of(payload) {
            Some(DataPayload::Ipv4 | DataPayload::Ipv6) => {
                let outer = scene.outer(packet, |_| OuterKind::Ipv4Udp);
                self.inside(payload, outer, scene, out);
            }
            Some(DataPayload::Tlv) => {
                let outer = scene.outer(packet, |_| OuterKind::Ipv4UdpTlv);
                self.tlv(payload, outer, scene, out);
            }
            // A NAT keep-alive of one octet, or nothing of ours.
            _ => {}
        }
    }

    fn tlv(&mut self, payload: &[u8], outer: Outer, scene: &mut Scene<'_>, out: &mut Vec<Outcome>) {
        let (next_header, inner) = match TlvPacket::parse(payload) {
            Ok(packet) => (packet.next_header, packet.payload),
            // The snap length, not the sender, made it shorter than its length says.
            Err(error) if error.is_truncated() && scene.snapped.is_some() => {
                let Some(([_, next_header, _, _], inner)) = payload.split_first_chunk() else {
                    return out.push(scene.unread(Unread::CutIpHeader));
                };
                (*next_header, inner)
            }
            Err(error) => return out.push(scene.unread(Unread::BadTunnel(error))),
        };
        match next_header {
            protocol::GRE => self.gre(inner, outer, scene, out),
            protocol::IPV4 | protocol::IPV6 => self.inside(inner, outer, scene, out),
            _ => {}
        }
    }

    fn gre(
        &mut self,
        payload: &[u8],
        mut outer: Outer,
        scene: &mut Scene<'_>,
        out: &mut Vec<Outcome>,
    ) {
        // Version 1 carries the PPP of PPTP (RFC 2637): no tunnel of ours.
        if payload.get(1).is_some_and(|octet| octet & 0x07 == 1) {
            return;
        }
        let packet = match GrePacket::parse(payload) {
            Ok(packet) => packet,
            // What the snap length cut sums up to nothing.
            Err(_) if scene.snapped.is_some() => {
                return out.push(scene.unread(Unread::CutIpHeader));
            }
            Err(error) => return out.push(scene.unread(Unread::BadTunnel(error))),
        };
        let header = packet.header;
        (outer.gre_key, outer.gre_sequence) = (header.key, header.sequence);
        if matches!(header.protocol_type, ether_type::IPV4 | ether_type::IPV6) {
            self.inside(packet.payload, outer, scene, out);
        }
    }

    /// Looks into a tunnel.
    fn inside(
        &mut self,
        payload: &[u8],
        outer: Outer,
        scene: &mut Scene<'_>,
        out: &mut Vec<Outcome>,
    ) {
        if scene.tunnel.len() >= MAX_TUNNELS {
            return out.push(scene.unread(Unread::TooDeep));
        }
        scene.tunnel.push(outer);
        self.packet(payload, scene, out);
        scene.tunnel.pop();
    }
}

impl Scene<'_> {
    const fn unread(&self, why: Unread) -> Outcome {
        Outcome::Unread {
            frame: self.frame,
            why,
        }
    }

    fn outer(&self, packet: &Packet<'_>, kind: impl FnOnce(bool) -> OuterKind) -> Outer {
        Outer {
            kind: kind(packet.source.is_ipv6()),
            source: packet.source,
            destination: packet.destination,
            gre_key: None,
            gre_sequence: None,
        }
    }

    fn over_ipv6(&self, packet: &Packet<'_>) -> Option<Outcome> {
        let (IpAddr::V6(source), IpAddr::V6(destination)) = (packet.source, packet.destination)
        else {
            return None;
        };
        let context = ChecksumContext::Ipv6 {
            source: packet.mobility.home_address_option.unwrap_or(source),
            destination: packet.mobility.routing_header.unwrap_or(destination),
        };
        let whole = self.sent_len(packet);
        let finding = self.found(packet, Transport::Ipv6, context, packet.payload, whole);
        Some(Outcome::Header(Box::new(finding)))
    }

    fn over_udp(&self, packet: &Packet<'_>, ports: (u16, u16), payload: &[u8]) -> Outcome {
        let (transport, context) = (Transport::Udp, ChecksumContext::Udp);
        let room = self.sent_len(packet).saturating_sub(UdpHeader::LEN);
        let whole = udp_payload_len(packet.payload).unwrap_or(payload.len());
        let whole = whole.min(room);
        let mut finding = self.found(packet, transport, context, payload, whole);
        finding.ports = Some(ports);
        finding.udp_checksum = UdpChecksum::of(packet.payload, packet.source, packet.destination);
        Outcome::Header(Box::new(finding))
    }

    /// Octets of payload that `packet` had before the snap length cut it. What no snap length cut had
    /// no more than is there, whatever its length says.
    fn sent_len(&self, packet: &Packet<'_>) -> usize {
        let cut_off = self.snapped.map_or(0, |_| packet.missing);
        packet.payload.len().saturating_add(cut_off)
    }

    /// What `packet` has in `wire`, which had `whole` octets when it was sent.
    fn found(
        &self,
        packet: &Packet<'_>,
        transport: Transport,
        context: ChecksumContext,
        wire: &[u8],
        whole: usize,
    ) -> Finding {
        let wire = wire.get(..MAX_MESSAGE_LEN).unwrap_or(wire);
        Finding {
            frame: self.frame,
            time: self.time,
            vlans: self.vlans.to_vec(),
            tunnel: self.tunnel.clone(),
            fragments: self.fragments.clone(),
            transport,
            source: packet.source,
            destination: packet.destination,
            ports: None,
            udp_checksum: None,
            home_address_option: packet.mobility.home_address_option.map(IpAddr::V6),
            type_2_routing_header: packet.mobility.routing_header.map(IpAddr::V6),
            context,
            wire: Bytes::copy_from_slice(wire),
            behind: whole.saturating_sub(wire.len()),
            snapped: self.snapped,
        }
    }
}

impl Outcome {
    fn incomplete(packet: IncompletePacket) -> Self {
        Self::Incomplete(Box::new(packet))
    }
}

impl OuterKind {
    /// The name that JSON and text give it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Ipv4Gre => "ipv4-gre",
            Self::Ipv6Gre => "ipv6-gre",
            Self::Ipv4Udp => "ipv4-udp",
            Self::Ipv4UdpTlv => "ipv4-udp-tlv",
        }
    }

    const fn plain(is_ipv6: bool) -> Self {
        if is_ipv6 { Self::Ipv6 } else { Self::Ipv4 }
    }

    const fn gre(is_ipv6: bool) -> Self {
        if is_ipv6 {
            Self::Ipv6Gre
        } else {
            Self::Ipv4Gre
        }
    }
}

/// Whether the start of a packet's payload is that of a Mobility Header.
pub(crate) fn recognise(is_ipv6: bool, protocol: u8, payload: &[u8]) -> Option<Transport> {
    if is_ipv6 {
        return (protocol == protocol::MOBILITY).then_some(Transport::Ipv6);
    }
    let ports = ports(payload).filter(|_| protocol == protocol::UDP)?;
    (ports.0 == CONTROL_PORT || ports.1 == CONTROL_PORT).then_some(Transport::Udp)
}

/// Octets of payload that the Length of a UDP datagram stands for; `None` where that is impossible.
fn udp_payload_len(datagram: &[u8]) -> Option<usize> {
    let [_, _, _, _, high, low] = datagram.first_chunk::<6>()?;
    usize::from(u16::from_be_bytes([*high, *low])).checked_sub(UdpHeader::LEN)
}

/// The source and destination ports of a UDP datagram.
fn ports(datagram: &[u8]) -> Option<(u16, u16)> {
    let [s0, s1, d0, d1] = datagram.first_chunk::<4>()?;
    Some((
        u16::from_be_bytes([*s0, *s1]),
        u16::from_be_bytes([*d0, *d1]),
    ))
}
