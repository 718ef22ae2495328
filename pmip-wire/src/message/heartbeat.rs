use super::body::{Body, Layout};
use crate::error::Field;
use crate::option::MobilityOptions;

/// A Heartbeat, MH type 13: MAG and LMA ask each other whether they live.
///
/// ```text
///                                 +---------------------------+-+-+
///                                 |         Reserved          |U|R|
/// +-------------------------------+---------------------------+-+-+
/// |                        Sequence Number                        |
/// +---------------------------------------------------------------+
/// |                      Mobility Options ...                     |
/// +---------------------------------------------------------------+
/// ```
/// RFC 5847 section 3.3.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct Heartbeat {
    /// U: a response that nobody asked for, sent with R set; its sequence number means nothing.
    pub unsolicited: bool,
    /// R: a response, else a request.
    pub response: bool,
    /// Matches the response with the request.
    pub sequence: u32,
    /// Options in wire order.
    pub options: MobilityOptions,
}

const UNSOLICITED: u8 = 0x02;
const RESPONSE: u8 = 0x01;

impl Heartbeat {
    /// A request.
    pub fn request(sequence: u32) -> Self {
        Self {
            sequence,
            ..Self::default()
        }
    }

    /// The response to the request with this sequence number, without options.
    pub fn response(sequence: u32) -> Self {
        Self {
            response: true,
            sequence,
            ..Self::default()
        }
    }
}

impl Body for Heartbeat {
    type Fixed = [u8; 6];

    const LAYOUT: Layout = &[(Field::Flags, 2), (Field::Sequence, 4)];

    #[inline]
    fn from_wire(fixed: &[u8; 6], options: MobilityOptions) -> Self {
        let [_, flags, s0, s1, s2, s3] = *fixed;
        Self {
            unsolicited: flags & UNSOLICITED != 0,
            response: flags & RESPONSE != 0,
            sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            options,
        }
    }

    #[inline]
    fn to_wire(&self) -> [u8; 6] {
        let unsolicited = if self.unsolicited { UNSOLICITED } else { 0 };
        let response = if self.response { RESPONSE } else { 0 };
        let [s0, s1, s2, s3] = self.sequence.to_be_bytes();
        [0, unsolicited | response, s0, s1, s2, s3]
    }
}
