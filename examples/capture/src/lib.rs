//! Finds the Mobility Headers in a capture file.
//!
//! [`CaptureReader`] reads classic pcap and pcapng as a stream; [`Dissector`] takes its frames apart
//! and gives a [`Finding`] for each Mobility Header: from IPv6 next header 135 or IPv4-UDP port 5436,
//! behind any link layer of [`LinkType`], out of fragments and out of tunnels. What the header means
//! is left to `pmip-wire`.
//!
//! A package of its own, so that the fuzz target reaches it without what the programs need of Linux.
//!
//! Files are hostile: no input panics, memory is bounded whatever a length field says
//! ([`MAX_FRAME_LEN`], [`MAX_REASSEMBLY_OCTETS`]), and the work is linear in the octets read.
//!
//! ```
//! use pmip_capture::{CaptureReader, Dissector, Item, Outcome};
//!
//! // A capture without frames: little-endian, microseconds, Ethernet.
//! let file = [
//!     0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
//! ];
//! let mut reader = CaptureReader::new(&file[..])?;
//! let mut dissector = Dissector::new();
//! while let Some(item) = reader.next_item()? {
//!     if let Item::Frame(frame) = item {
//!         for outcome in dissector.frame(&frame) {
//!             if let Outcome::Header(finding) = outcome {
//!                 println!("frame {}: {} octets", finding.frame, finding.wire.len());
//!             }
//!         }
//!     }
//! }
//! assert!(dissector.finish().is_empty());
//! # Ok::<(), pmip_capture::CaptureError>(())
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![warn(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::indexing_slicing
    )
)]

mod dissect;
mod file;
mod ip;
mod link;
mod ng;
mod reassembly;
mod time;
mod udp;

pub use dissect::{Dissector, Finding, MAX_TUNNELS, Outcome, Outer, OuterKind, Transport, Unread};
pub use file::{CaptureError, CaptureReader, Frame, Item, MAX_FRAME_LEN, SkippedFrame};
pub use link::LinkType;
pub use reassembly::{
    IncompletePacket, MAX_REASSEMBLY_OCTETS, REASSEMBLY_TIMEOUT_SECS, WhyIncomplete,
};
pub use time::CaptureTime;
pub use udp::UdpChecksum;

/// The example of the README, which is to work as it stands.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
