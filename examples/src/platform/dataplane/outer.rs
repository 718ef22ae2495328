//! Whole outer packets: their headers written here, large ones cut, sent by raw sockets.

use std::io::IoSlice;
use std::net::IpAddr;

use nix::errno::Errno;
use pmip_tunnel::encap::{EncapError, FragmentError, Outer, fragments};
use pmip_tunnel::{ForwardingTable, TunnelPath, TunnelSend};
use pmip_wire::types::PathId;

use super::raw::{MOST, RawSender, SendRoom};

/// Outer headers without UDP: IPv6 and its destination options.
const LONGEST_HEADERS: usize = 48;
/// Protocol number of UDP.
const UDP: u8 = 17;

/// Where whole packets of one path go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way<'a> {
    tunnel: &'a TunnelPath,
    /// The largest outer packet.
    mtu: u16,
    /// Our UDP port.
    port: u16,
}

/// One tunnel packet, in two pieces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Content<'a> {
    /// What the forwarder wrote: TLV and GRE headers, inner headers of segments.
    pub(super) front: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl<'a> Way<'a> {
    pub(super) fn of(table: &'a ForwardingTable, path: PathId, port: u16) -> Option<Self> {
        let tunnel = table.path(path)?;
        let mtu = table.path_mtu(path)?.saturating_add(tunnel.overhead());
        Some(Self { tunnel, mtu, port })
    }

    /// Our end of the tunnel.
    pub(super) fn local(&self) -> IpAddr {
        self.tunnel.local
    }

    /// Sends `content` as `send` says. `room` is for packets that have to be in one piece,
    /// `identification` for those that are cut.
    pub(super) fn send(
        &self,
        raw: &RawSender,
        send: &TunnelSend,
        content: Content<'_>,
        room: &mut Vec<u8>,
        identification: u32,
    ) -> Result<(), Errno> {
        let outer = Outer::of(self.tunnel, self.port, send);
        if send.protocol == UDP || send.fragment {
            return self.send_whole(raw, send, &outer, content, room, identification);
        }
        let mut headers = [0; LONGEST_HEADERS];
        let headers = headers
            .get_mut(..outer.length())
            .ok_or(Errno::EAFNOSUPPORT)?;
        let behind = content.front.len() + content.payload.len();
        outer.write_before(headers, behind).map_err(encap_errno)?;
        let pieces = [&*headers, content.front, content.payload].map(IoSlice::new);
        raw.send(self.tunnel.remote.ip(), &pieces)
    }

    /// Sends `packets`, at most [`MOST`] that need neither UDP headers nor cutting, in as few system
    /// calls as they take. `failed` is told of those that were not sent: the first one's place, how
    /// many, and why.
    pub(super) fn send_many<'b>(
        &self,
        raw: &RawSender,
        packets: impl Iterator<Item = (&'b TunnelSend, Content<'b>)> + Clone,
        room: &mut SendRoom,
        failed: impl FnMut(usize, usize, Errno),
    ) {
        let mut headers = [[0; LONGEST_HEADERS]; MOST];
        let mut lengths = [0; MOST];
        for ((header, length), (send, content)) in
            headers.iter_mut().zip(&mut lengths).zip(packets.clone())
        {
            let outer = Outer::of(self.tunnel, self.port, send);
            let behind = content.front.len() + content.payload.len();
            // What has no headers is no packet: the kernel refuses it and it is counted.
            if outer.write_before(header, behind).is_ok() {
                *length = outer.length();
            }
        }
        let mut pieces = [[IoSlice::new(&[]); 3]; MOST];
        let mut count = 0;
        for ((pieces, (header, length)), (_, content)) in pieces
            .iter_mut()
            .zip(headers.iter().zip(lengths))
            .zip(packets)
        {
            let header = header.get(..length).unwrap_or_default();
            *pieces = [header, content.front, content.payload].map(IoSlice::new);
            count += 1;
        }
        let pieces = pieces.get(..count).unwrap_or_default();
        raw.send_many(self.tunnel.remote.ip(), pieces, room, failed);
    }

    /// The outer packet that `send` makes of `content`, whole in `room`: what errors quote.
    pub(super) fn whole(
        &self,
        send: &TunnelSend,
        content: Content<'_>,
        room: &mut Vec<u8>,
    ) -> Result<(), Errno> {
        write_whole(&Outer::of(self.tunnel, self.port, send), content, room)
    }

    /// The other end.
    pub(super) fn remote(&self) -> IpAddr {
        self.tunnel.remote.ip()
    }

    fn send_whole(
        &self,
        raw: &RawSender,
        send: &TunnelSend,
        outer: &Outer,
        content: Content<'_>,
        room: &mut Vec<u8>,
        identification: u32,
    ) -> Result<(), Errno> {
        write_whole(outer, content, room)?;
        let to = self.tunnel.remote.ip();
        if !send.fragment {
            return raw.send(to, &[IoSlice::new(room)]);
        }
        for piece in fragments(room, self.mtu, identification).map_err(fragment_errno)? {
            let payload = room.get(piece.payload.clone()).unwrap_or_default();
            raw.send(to, &[piece.header(), payload].map(IoSlice::new))?;
        }
        Ok(())
    }
}

fn write_whole(outer: &Outer, content: Content<'_>, room: &mut Vec<u8>) -> Result<(), Errno> {
    room.clear();
    room.resize(outer.length(), 0);
    room.extend_from_slice(content.front);
    room.extend_from_slice(content.payload);
    outer.write(room).map_err(encap_errno)
}

fn encap_errno(error: EncapError) -> Errno {
    match error {
        EncapError::TooLong(_) | EncapError::Headroom { .. } => Errno::EMSGSIZE,
        EncapError::NotIp
        | EncapError::Family
        | EncapError::LimitExhausted
        | EncapError::Udp
        | _ => Errno::EAFNOSUPPORT,
    }
}

fn fragment_errno(error: FragmentError) -> Errno {
    match error {
        FragmentError::DontFragment | FragmentError::Mtu(_) => Errno::EMSGSIZE,
        FragmentError::Outer(_) | FragmentError::Headers | _ => Errno::EINVAL,
    }
}
