//! Capture files as a stream: classic pcap here, pcapng in `ng`.

use std::io::{self, Read};

use pcap_parser::pcap::{
    PcapHeader, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};

use crate::link::LinkType;
use crate::ng::Section;
use crate::time::CaptureTime;

/// The longest frame that is read; what says that it is longer is damage. As libpcap has it.
pub const MAX_FRAME_LEN: usize = 262_144;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its place in the file, counted from 1.
    pub number: u64,
    /// When it was captured; `None` where the file does not say.
    pub time: Option<CaptureTime>,
    /// What it starts with.
    pub link_type: LinkType,
    /// Octets that it had on the wire; more than `data` where the snap length cut it.
    pub original_len: u32,
    /// Its octets, as many as were captured.
    pub data: &'a [u8],
}

/// A frame that the file holds but that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedFrame {
    /// Its place in the file, counted from 1.
    pub number: u64,
    /// Why, in plain words.
    pub reason: String,
}

/// What a file gives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// A frame that cannot be read; the next one can.
    Skipped(SkippedFrame),
}

/// Why no more frames can be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file could not be read.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Neither pcap nor pcapng.
    #[error("this is neither a pcap nor a pcapng file: {hint}")]
    NotACapture {
        /// What it is instead.
        hint: String,
    },
    /// The file ends before what it announces.
    #[error("the file ends inside {what}, {missing} octets too early")]
    Cut {
        /// In what it ends.
        what: String,
        /// Octets that are missing at least.
        missing: u64,
    },
    /// A length or a mark is wrong, so that the next frame cannot be found.
    #[error("the file is damaged at octet {at}: {what}")]
    Damaged {
        /// Octets from the start of the file.
        at: u64,
        /// What is wrong.
        what: String,
    },
}

/// Reads frames from a capture file, a record at a time.
///
/// After an error nothing more comes.
#[derive(Debug)]
pub struct CaptureReader<R> {
    source: Source<R>,
    format: Format,
    frames: u64,
    ended: bool,
}

#[derive(Debug)]
enum Format {
    Classic(PcapHeader),
    Ng(Section),
}

/// Octets as they come, and how many came.
#[derive(Debug)]
pub(crate) struct Source<R> {
    reader: R,
    position: u64,
    /// The record at hand.
    pub(crate) record: Vec<u8>,
}

impl<R: Read> CaptureReader<R> {
    /// Reads the head of a file. `reader` should buffer.
    ///
    /// # Errors
    /// [`CaptureError`] where it is no capture file or cut short.
    pub fn new(reader: R) -> Result<Self, CaptureError> {
        let mut source = Source {
            reader,
            position: 0,
            record: Vec::new(),
        };
        source.fill(4)?;
        let format = match source.record.first_chunk::<4>() {
            Some([0x0a, 0x0d, 0x0d, 0x0a]) => Format::Ng(Section::start(&mut source)?),
            Some(magic) if is_classic(*magic) => {
                source.fill(24)?;
                Format::Classic(classic_header(&source)?)
            }
            _ => {
                let hint = hint(&source.record);
                return Err(CaptureError::NotACapture { hint });
            }
        };
        Ok(Self {
            source,
            format,
            frames: 0,
            ended: false,
        })
    }

    /// The next frame; `None` at the end of the file.
    ///
    /// # Errors
    /// [`CaptureError`] where the file breaks off or is damaged.
    pub fn next_item(&mut self) -> Result<Option<Item<'_>>, CaptureError> {
        if self.ended {
            return Ok(None);
        }
        // Until the record is known to be whole.
        self.ended = true;
        self.source.record.clear();
        let number = self.frames.saturating_add(1);
        let item = match &mut self.format {
            Format::Classic(header) => classic_frame(&mut self.source, header, number)?,
            Format::Ng(section) => section.next_item(&mut self.source, number)?,
        };
        if item.is_some() {
            self.ended = false;
            self.frames = number;
        }
        Ok(item)
    }

    /// Octets read so far.
    pub const fn position(&self) -> u64 {
        self.source.position
    }

    /// Frames read so far.
    pub const fn frames(&self) -> u64 {
        self.frames
    }
}

impl<R: Read> Source<R> {
    /// Octets read so far.
    pub(crate) const fn position(&self) -> u64 {
        self.position
    }

    /// Reads until the record holds `length` octets or the file ends. Memory grows with what is read,
    /// not with what a length field says.
    pub(crate) fn fill(&mut self, length: usize) -> io::Result<()> {
        let wanted = length.saturating_sub(self.record.len());
        let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
        let read = self
            .reader
            .by_ref()
            .take(limit)
            .read_to_end(&mut self.record)?;
        self.position = self
            .position
            .saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(())
    }

    /// As [`Source::fill`], where the file must not end before.
    pub(crate) fn need(&mut self, length: usize, what: &str) -> Result<(), CaptureError> {
        self.fill(length)?;
        let missing = length.saturating_sub(self.record.len());
        if missing > 0 {
            return Err(cut(what, u64::try_from(missing).unwrap_or(u64::MAX)));
        }
        Ok(())
    }

    /// Passes over `length` octets.
    pub(crate) fn skip(&mut self, length: u64, what: &str) -> Result<(), CaptureError> {
        let skipped = io::copy(&mut self.reader.by_ref().take(length), &mut io::sink())?;
        self.position = self.position.saturating_add(skipped);
        match length.saturating_sub(skipped) {
            0 => Ok(()),
            missing => Err(cut(what, missing)),
        }
    }
}

fn cut(what: &str, missing: u64) -> CaptureError {
    let what = what.to_owned();
    CaptureError::Cut { what, missing }
}

const fn is_classic(magic: [u8; 4]) -> bool {
    matches!(
        u32::from_le_bytes(magic),
        0xa1b2_c3d4 | 0xd4c3_b2a1 | 0xa1b2_3c4d | 0x4d3c_b2a1 | 0xa1b2_cd34
    )
}

fn classic_header<R>(source: &Source<R>) -> Result<PcapHeader, CaptureError> {
    let missing = 24usize.saturating_sub(source.record.len());
    match parse_pcap_header(&source.record) {
        Ok((_, header)) => Ok(header),
        Err(_) => Err(cut(
            "the file's header",
            u64::try_from(missing).unwrap_or(24),
        )),
    }
}

fn classic_frame<'a, R: Read>(
    source: &'a mut Source<R>,
    header: &PcapHeader,
    number: u64,
) -> Result<Option<Item<'a>>, CaptureError> {
    let head = if header.is_modified_format() { 24 } else { 16 };
    let start = source.position();
    source.fill(1)?;
    if source.record.is_empty() {
        return Ok(None);
    }
    let what = format!("the record of frame {number}");
    source.need(head, &what)?;
    let length = captured_len(&source.record, header);
    let Some(length) = usize::try_from(length).ok().filter(|n| *n <= MAX_FRAME_LEN) else {
        return Err(CaptureError::Damaged {
            at: start,
            what: format!("frame {number} says that {length} octets were captured"),
        });
    };
    source.need(head.saturating_add(length), &what)?;
    let parsed = if header.is_modified_format() {
        parse_pcap_frame_modified(&source.record)
    } else if header.is_bigendian() {
        parse_pcap_frame_be(&source.record)
    } else {
        parse_pcap_frame(&source.record)
    };
    let Ok((_, block)) = parsed else {
        return Err(CaptureError::Damaged { at: start, what });
    };
    let nanos = if header.is_nanosecond_precision() {
        block.ts_usec
    } else {
        block.ts_usec.saturating_mul(1000)
    };
    Ok(Some(Item::Frame(Frame {
        number,
        time: CaptureTime::from_unix(block.ts_sec.into(), nanos),
        link_type: LinkType::from_file(header.network.0.cast_unsigned()),
        original_len: block.origlen,
        data: block.data,
    })))
}

/// The captured length in the head of a record.
fn captured_len(head: &[u8], header: &PcapHeader) -> u32 {
    let field = head.get(8..).and_then(|rest| rest.first_chunk());
    let field = field.copied().unwrap_or_default();
    if header.is_bigendian() {
        u32::from_be_bytes(field)
    } else {
        u32::from_le_bytes(field)
    }
}

/// What a file that is no capture may be.
fn hint(head: &[u8]) -> String {
    match head {
        [] => "it is empty".into(),
        [0x1f, 0x8b, ..] => "it is compressed; unpack it with gunzip first".into(),
        [0x28, 0xb5, 0x2f, 0xfd] => "it is compressed; unpack it with unzstd first".into(),
        [0xfd, b'7', b'z', b'X'] => "it is compressed; unpack it with unxz first".into(),
        _ => {
            let octets: Vec<String> = head.iter().map(|octet| format!("{octet:02x}")).collect();
            format!("it starts with {}", octets.join(" "))
        }
    }
}
