//! The TUN device: opened through tun-rs, read and written with gathering system calls.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::uio::{readv, writev};
use pmip_tunnel::PacketOffload;
use tun_rs::{DeviceBuilder, SyncDevice};

/// Packets that wait in the device when we are busy: what others' turns on the processor take, some
/// milliseconds of small packets. What does not fit is shed here, where it has cost least. Super-packets
/// would stand in it for far longer: [`Standing`](super::standing::Standing) sees to that.
const QUEUE_LENGTH: u32 = 512;
/// Room that one read may need: the offload header and the longest packet.
pub(super) const READ_ROOM: usize = PacketOffload::HEADER_LENGTH + 65_536;

/// An open TUN device.
pub(super) struct Tun {
    device: SyncDevice,
    offload: bool,
    udp_offload: bool,
}

impl Tun {
    /// Opens the device with segmentation offload and `count` queues, where wanted and possible:
    /// each queue by itself is the device for one thread.
    pub(super) fn open_queues(
        name: &str,
        mtu: u16,
        offload: bool,
        count: usize,
    ) -> io::Result<Vec<Self>> {
        if count > 1
            && let Ok(first) = Self::open(name, mtu, offload, true)
        {
            let more = (1..count).map_while(|_| first.another().ok());
            let mut more: Vec<_> = more.collect();
            more.insert(0, first);
            return Ok(more);
        }
        // A kernel without queues; if it is something else, it fails again.
        Self::open(name, mtu, offload, false).map(|only| vec![only])
    }

    fn open(name: &str, mtu: u16, offload: bool, queues: bool) -> io::Result<Self> {
        let build = |offload| {
            DeviceBuilder::new()
                .name(name)
                .mtu(mtu)
                .tx_queue_len(QUEUE_LENGTH)
                .offload(offload)
                .with(|builder| {
                    builder.multi_queue(queues);
                })
                .build_sync()
        };
        let (device, offload) = match offload {
            true => match build(true) {
                Ok(device) => (device, true),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(error);
                }
                // A kernel without the offload; if it is something else, it fails again.
                Err(_) => (build(false)?, false),
            },
            false => (build(false)?, false),
        };
        Self::of(device, offload)
    }

    /// Another queue of the device.
    fn another(&self) -> io::Result<Self> {
        Self::of(self.device.try_clone()?, self.offload)
    }

    fn of(device: SyncDevice, offload: bool) -> io::Result<Self> {
        device.set_nonblocking(true)?;
        let udp_offload = offload && device.udp_gso();
        Ok(Self {
            device,
            offload,
            udp_offload,
        })
    }

    pub(super) fn name(&self) -> io::Result<String> {
        self.device.name()
    }

    /// Whether packets carry the offload header.
    pub(super) const fn offload(&self) -> bool {
        self.offload
    }

    /// Whether UDP super-packets may be written.
    pub(super) const fn udp_offload(&self) -> bool {
        self.udp_offload
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    /// Reads one packet to the start of `room`; returns where it lies there and what is left to do
    /// in it.
    pub(super) fn read(&self, room: &mut [u8]) -> Result<TunRead, Errno> {
        let length = readv(&self.device, &mut [IoSliceMut::new(room)])?;
        if !self.offload {
            return Ok(TunRead {
                packet_start: 0,
                end: length,
                offload: Some(PacketOffload::NONE),
            });
        }
        let offload = room
            .first_chunk()
            .and_then(|header| PacketOffload::from_virtio(header).ok());
        Ok(TunRead {
            packet_start: PacketOffload::HEADER_LENGTH.min(length),
            end: length,
            offload,
        })
    }

    /// Writes one packet from its pieces. The first of `pieces` is left free for the offload
    /// header.
    pub(super) fn write<'a>(
        &self,
        offload: PacketOffload,
        header: &'a mut [u8; PacketOffload::HEADER_LENGTH],
        pieces: &mut [IoSlice<'a>],
    ) -> Result<(), Errno> {
        let from = match (self.offload, pieces.first_mut()) {
            (true, Some(first)) => {
                *header = offload.to_virtio();
                *first = IoSlice::new(header);
                0
            }
            _ => 1,
        };
        writev(&self.device, pieces.get(from..).unwrap_or(&[])).map(drop)
    }
}

/// One packet read.
pub(super) struct TunRead {
    pub(super) packet_start: usize,
    pub(super) end: usize,
    /// `None`: an offload that we did not ask for.
    pub(super) offload: Option<PacketOffload>,
}
