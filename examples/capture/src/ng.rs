//! pcapng: blocks of sections. Only what leads to frames is read; other blocks are passed over.

use std::io::Read;

use pcap_parser::pcapng::{
    Block, InterfaceDescriptionBlock, OptionCode, parse_block_be, parse_block_le,
};
use pcap_parser::traits::PcapNGPacketBlock;

use crate::file::{CaptureError, Frame, Item, MAX_FRAME_LEN, SkippedFrame, Source};
use crate::link::LinkType;
use crate::time::CaptureTime;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete since 2006, still found.
const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// The longest block that is taken apart: a frame with generous comments.
const MAX_BLOCK_LEN: u32 = 1 << 20;
/// Interfaces of one section that are kept.
const MAX_INTERFACES: usize = 65_536;
/// Microseconds, where no if_tsresol says otherwise.
const DEFAULT_RESOLUTION: u8 = 6;

/// The section at hand.
#[derive(Debug)]
pub(crate) struct Section {
    big_endian: bool,
    interfaces: Vec<Interface>,
}

/// What an Interface Description Block says about the frames of its interface.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: LinkType,
    snap_len: u32,
    resolution: u8,
    offset: i64,
}

/// Where the data of a frame lies in its record.
struct Located {
    interface: u32,
    units: Option<u64>,
    original_len: u32,
    start: usize,
    captured: usize,
}

impl Section {
    /// Reads the Section Header Block whose type is in the record already.
    pub(crate) fn start<R: Read>(source: &mut Source<R>) -> Result<Self, CaptureError> {
        let what = "a section header";
        source.need(12, what)?;
        let order = source.record.get(8..12).unwrap_or_default();
        let big_endian = match order {
            [0x1a, 0x2b, 0x3c, 0x4d] => true,
            [0x4d, 0x3c, 0x2b, 0x1a] => false,
            _ => {
                return Err(CaptureError::Damaged {
                    at: source.position().saturating_sub(4),
                    what: "a section header without a byte-order mark".into(),
                });
            }
        };
        let section = Self {
            big_endian,
            interfaces: Vec::new(),
        };
        let length = section.block_len(source)?;
        if length < 28 {
            return Err(damaged(
                source,
                format!("a section header of {length} octets"),
            ));
        }
        source.skip(u64::from(length.saturating_sub(12)), what)?;
        Ok(section)
    }

    /// The next frame; `number` is the one it will have.
    pub(crate) fn next_item<'a, R: Read>(
        &mut self,
        source: &'a mut Source<R>,
        number: u64,
    ) -> Result<Option<Item<'a>>, CaptureError> {
        loop {
            source.record.clear();
            source.fill(1)?;
            if source.record.is_empty() {
                return Ok(None);
            }
            source.need(8, "the head of a block")?;
            // The mark reads the same in both orders.
            let block_type = self.word(source.record.get(..4));
            if block_type == SECTION_HEADER {
                *self = Self::start(source)?;
                continue;
            }
            let length = self.block_len(source)?;
            let is_packet = matches!(block_type, PACKET | SIMPLE_PACKET | ENHANCED_PACKET);
            if is_packet && length > MAX_BLOCK_LEN {
                source.skip(u64::from(length.saturating_sub(8)), "a block")?;
                let reason = format!("its block of {length} octets is too long");
                return Ok(Some(Item::Skipped(SkippedFrame { number, reason })));
            }
            if is_packet {
                let what = format!("the block of frame {number}");
                source.need(usize::try_from(length).unwrap_or(usize::MAX), &what)?;
                return Ok(Some(self.frame(block_type, &source.record, number)));
            }
            if block_type == INTERFACE_DESCRIPTION && length <= MAX_BLOCK_LEN {
                let what = "an interface description";
                source.need(usize::try_from(length).unwrap_or(usize::MAX), what)?;
                self.learn(&source.record);
                continue;
            }
            if block_type == INTERFACE_DESCRIPTION {
                self.keep(Interface::unknown());
            }
            let what = format!("a block of type {block_type:#x}");
            source.skip(u64::from(length.saturating_sub(8)), &what)?;
        }
    }

    /// The length of the block whose head is in the record.
    fn block_len<R: Read>(&self, source: &Source<R>) -> Result<u32, CaptureError> {
        let length = self.word(source.record.get(4..8));
        if length < 12 || !length.is_multiple_of(4) {
            return Err(damaged(source, format!("a block of {length} octets")));
        }
        Ok(length)
    }

    fn learn(&mut self, record: &[u8]) {
        let interface = match self.block(record) {
            Some(Block::InterfaceDescription(block)) => self.interface(&block),
            _ => Interface::unknown(),
        };
        self.keep(interface);
    }

    /// A description that cannot be read counts too: frames name interfaces by their place.
    fn keep(&mut self, interface: Interface) {
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(interface);
        }
    }

    fn interface(&self, block: &InterfaceDescriptionBlock<'_>) -> Interface {
        let option = |code| {
            let option = block.options.iter().find(|option| option.code == code)?;
            option.as_bytes().ok()
        };
        // The library's own figures know neither powers of two nor big-endian offsets.
        let resolution = match option(OptionCode::IfTsresol) {
            Some([resolution]) => *resolution,
            _ => DEFAULT_RESOLUTION,
        };
        let offset = option(OptionCode::IfTsoffset).and_then(|octets| octets.try_into().ok());
        let offset = offset.map_or(0, |octets: [u8; 8]| {
            if self.big_endian {
                i64::from_be_bytes(octets)
            } else {
                i64::from_le_bytes(octets)
            }
        });
        Interface {
            link_type: LinkType::from_file(block.linktype.0.cast_unsigned()),
            snap_len: block.snaplen,
            resolution,
            offset,
        }
    }

    fn frame<'a>(&self, block_type: u32, record: &'a [u8], number: u64) -> Item<'a> {
        let skipped = |reason: String| Item::Skipped(SkippedFrame { number, reason });
        let Some(located) = self.locate(block_type, record) else {
            return skipped("its block is damaged".into());
        };
        let index = usize::try_from(located.interface).unwrap_or(usize::MAX);
        let Some(interface) = self.interfaces.get(index) else {
            let interface = located.interface;
            return skipped(format!("its interface {interface} is not described"));
        };
        let mut captured = located.captured;
        if located.units.is_none() && interface.snap_len > 0 {
            // A Simple Packet Block leaves its captured length to the interface's snap length.
            captured = captured.min(usize::try_from(interface.snap_len).unwrap_or(usize::MAX));
        }
        let end = located.start.saturating_add(captured);
        let Some(data) = record.get(located.start..end) else {
            return skipped("its block is shorter than its data".into());
        };
        if data.len() > MAX_FRAME_LEN {
            return skipped(format!("{} octets are too many", data.len()));
        }
        let time = located.units.and_then(|units| {
            CaptureTime::from_units(units, interface.resolution, interface.offset)
        });
        Item::Frame(Frame {
            number,
            time,
            link_type: interface.link_type,
            original_len: located.original_len,
            data,
        })
    }

    fn locate(&self, block_type: u32, record: &[u8]) -> Option<Located> {
        if block_type == PACKET {
            return self.locate_obsolete(record);
        }
        let block = self.block(record)?;
        if let Block::EnhancedPacket(block) = &block {
            return Some(Located {
                interface: block.if_id,
                units: Some(u64::from(block.ts_high) << 32 | u64::from(block.ts_low)),
                original_len: block.origlen,
                start: 28,
                captured: usize::try_from(block.caplen).ok()?,
            });
        }
        let Block::SimplePacket(block) = &block else {
            return None;
        };
        Some(Located {
            interface: 0,
            units: None,
            original_len: block.origlen,
            start: 12,
            captured: block.packet_data().len(),
        })
    }

    /// The Packet Block, which the library passes over.
    fn locate_obsolete(&self, record: &[u8]) -> Option<Located> {
        let half = record.get(8..10)?.try_into().ok()?;
        let interface = if self.big_endian {
            u16::from_be_bytes(half)
        } else {
            u16::from_le_bytes(half)
        };
        let word = |at: usize| Some(self.word(Some(record.get(at..at.checked_add(4)?)?)));
        let captured = usize::try_from(word(20)?).ok()?;
        // The length at the end of the block is not data.
        let room = record.len().checked_sub(32)?;
        (captured <= room).then_some(Located {
            interface: interface.into(),
            units: Some(u64::from(word(12)?) << 32 | u64::from(word(16)?)),
            original_len: word(24)?,
            start: 28,
            captured,
        })
    }

    fn block<'a>(&self, record: &'a [u8]) -> Option<Block<'a>> {
        let parsed = if self.big_endian {
            parse_block_be(record)
        } else {
            parse_block_le(record)
        };
        parsed.ok().map(|(_, block)| block)
    }

    fn word(&self, octets: Option<&[u8]>) -> u32 {
        let Some(Ok(octets)) = octets.map(<[u8; 4]>::try_from) else {
            return 0;
        };
        if self.big_endian {
            u32::from_be_bytes(octets)
        } else {
            u32::from_le_bytes(octets)
        }
    }
}

impl Interface {
    const fn unknown() -> Self {
        Self {
            link_type: LinkType::UNREADABLE,
            snap_len: 0,
            resolution: DEFAULT_RESOLUTION,
            offset: 0,
        }
    }
}

fn damaged<R: Read>(source: &Source<R>, what: String) -> CaptureError {
    let read = u64::try_from(source.record.len()).unwrap_or(0);
    CaptureError::Damaged {
        at: source.position().saturating_sub(read),
        what,
    }
}
