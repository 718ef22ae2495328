//! LMA-Controlled MAG Parameters (RFC 8127).

use alloc::vec::Vec;

use bytes::Bytes;

use super::layout::octets_behind;
use super::sub::{RawSubOption, SubOptionError, SubOptions, sub_options};
use super::{Alignment, RawOption};
use crate::code::LcmpSubOptionType;
use crate::error::DecodeError;
use crate::types::Lifetime;

/// The timers that the anchor sets on the gateway.
///
/// ```text
///                                 +---------------+---------------+
///                                 |   Type = 62   |    Length     |
/// +-------------------------------+---------------+---------------+
/// |                     LCMP sub-options ...                      |
/// +---------------------------------------------------------------+
/// ```
/// RFC 8127 section 3. Alignment 4n+2, which aligns the sub-options to 4n, as they ask for. At
/// least one sub-option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        try_from = "Parts<B>",
        bound(
            serialize = "B: AsRef<[u8]>",
            deserialize = "B: serde::Deserialize<'de> + AsRef<[u8]>"
        )
    )
)]
pub struct LmaControlledMagParameters<B = Bytes> {
    sub_options: SubOptions<LcmpSpace, B>,
}

/// When the gateway registers again.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// | LCMP Type = 1 |LCMP Length = 6|  Re-registration-Start-Time   |
/// +---------------+---------------+-------------------------------+
/// |  Initial-Retransmission-Time  |  Maximum-Retransmission-Time  |
/// +-------------------------------+-------------------------------+
/// ```
/// RFC 8127 section 3.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct BindingReregistrationControl {
    /// How long before the binding expires it is registered again.
    pub start_time: Lifetime,
    /// Seconds to the first retransmission at least.
    pub initial_retransmission_time: u16,
    /// Seconds to the last retransmission at most.
    pub maximum_retransmission_time: u16,
}

/// When the gateway sends heartbeats.
///
/// ```text
/// +---------------+---------------+-------------------------------+
/// | LCMP Type = 2 |LCMP Length = 6|          HB-Interval          |
/// +---------------+---------------+-------------------------------+
/// |    HB-Retransmission-Delay    |    HB-Max-Retransmissions     |
/// +-------------------------------+-------------------------------+
/// ```
/// RFC 8127 section 3.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
pub struct HeartbeatControl {
    /// Seconds from one answered heartbeat to the next.
    pub interval: u16,
    /// Seconds to a retransmission at least.
    pub retransmission_delay: u16,
    /// How many retransmissions.
    pub max_retransmissions: u16,
}

sub_options! {
    /// One sub-option of [`LmaControlledMagParameters`].
    LcmpSubOption: LcmpSubOptionType,
    single [BindingReregistrationControl, HeartbeatControl], padded false,
    align |_, _| Alignment::NONE,
    {
        /// Type 1: registration (RFC 8127 section 3.1.1).
        BindingReregistrationControl(BindingReregistrationControl):
            BindingReregistrationControl::read, BindingReregistrationControl::write;
        /// Type 2: heartbeats (RFC 8127 section 3.1.2).
        HeartbeatControl(HeartbeatControl): HeartbeatControl::read, HeartbeatControl::write;
    }

    /// The sub-options of [`LmaControlledMagParameters`].
    LcmpSpace: LmaControlledMagParameters from 2;
}

impl LmaControlledMagParameters {
    /// The parameters with this sub-option.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn new(first: LcmpSubOption) -> Result<Self, SubOptionError> {
        let sub_options = SubOptions::new().with(first)?;
        Ok(Self { sub_options })
    }

    /// The same with `sub_option` behind the others.
    ///
    /// # Errors
    /// As [`SubOptions::push`].
    pub fn with(mut self, sub_option: LcmpSubOption) -> Result<Self, SubOptionError> {
        self.sub_options.push(sub_option)?;
        Ok(self)
    }
}

impl<B> LmaControlledMagParameters<B> {
    /// Its sub-options.
    pub const fn sub_options(&self) -> &SubOptions<LcmpSpace, B> {
        &self.sub_options
    }

    const fn head(&self) -> [u8; 0] {
        []
    }
}

impl<B: AsRef<[u8]>> LmaControlledMagParameters<B> {
    /// When the gateway registers again.
    pub fn binding_reregistration_control(&self) -> Option<BindingReregistrationControl> {
        self.sub_options
            .iter()
            .find_map(|sub_option| match sub_option {
                LcmpSubOption::BindingReregistrationControl(control) => Some(control),
                LcmpSubOption::HeartbeatControl(_) | LcmpSubOption::Unknown(_) => None,
            })
    }

    /// When the gateway sends heartbeats.
    pub fn heartbeat_control(&self) -> Option<HeartbeatControl> {
        self.sub_options
            .iter()
            .find_map(|sub_option| match sub_option {
                LcmpSubOption::HeartbeatControl(control) => Some(control),
                LcmpSubOption::BindingReregistrationControl(_) | LcmpSubOption::Unknown(_) => None,
            })
    }

    /// Whether a gateway obeys: it ignores the message where a parameter is zero that must not be
    /// (RFC 8127 section 5.2).
    pub fn is_usable(&self) -> bool {
        self.sub_options.iter().all(|sub_option| match sub_option {
            LcmpSubOption::BindingReregistrationControl(control) => control.is_usable(),
            LcmpSubOption::HeartbeatControl(control) => control.is_usable(),
            LcmpSubOption::Unknown(_) => true,
        })
    }

    #[inline]
    fn from_raw<'a>(
        raw: RawOption<'a>,
        own: impl FnOnce(&'a [u8]) -> B,
    ) -> Result<Self, DecodeError> {
        let ([_, _], _) = raw.at_least()?;
        let sub_options = SubOptions::from_raw(raw, raw.data(), own)?;
        Ok(Self { sub_options })
    }
}

octets_behind! {
    LmaControlledMagParameters {} sub_options;
}

impl BindingReregistrationControl {
    /// Whether no parameter is zero (RFC 8127 section 5.2).
    pub const fn is_usable(self) -> bool {
        !self.start_time.is_zero()
            && self.initial_retransmission_time != 0
            && self.maximum_retransmission_time != 0
    }

    fn read(raw: RawSubOption<'_>) -> Result<Self, DecodeError> {
        let [start, initial, maximum] = three(raw)?;
        Ok(Self {
            start_time: Lifetime::from_units(start),
            initial_retransmission_time: initial,
            maximum_retransmission_time: maximum,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (initial, maximum) = (
            self.initial_retransmission_time,
            self.maximum_retransmission_time,
        );
        out.extend(
            [self.start_time.as_units(), initial, maximum]
                .map(u16::to_be_bytes)
                .concat(),
        );
    }
}

impl HeartbeatControl {
    /// Whether no parameter but the retransmission delay is zero (RFC 8127 section 5.2).
    pub const fn is_usable(self) -> bool {
        self.interval != 0 && self.max_retransmissions != 0
    }

    fn read(raw: RawSubOption<'_>) -> Result<Self, DecodeError> {
        let [interval, retransmission_delay, max_retransmissions] = three(raw)?;
        Ok(Self {
            interval,
            retransmission_delay,
            max_retransmissions,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let fields = [
            self.interval,
            self.retransmission_delay,
            self.max_retransmissions,
        ];
        out.extend(fields.map(u16::to_be_bytes).concat());
    }
}

fn three(raw: RawSubOption<'_>) -> Result<[u16; 3], DecodeError> {
    let [a, b, c, d, e, f] = *raw.exactly()?;
    Ok([[a, b], [c, d], [e, f]].map(u16::from_be_bytes))
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(bound(deserialize = "B: serde::Deserialize<'de>"))]
struct Parts<B> {
    sub_options: SubOptions<LcmpSpace, B>,
}

#[cfg(feature = "serde")]
impl<B: AsRef<[u8]>> TryFrom<Parts<B>> for LmaControlledMagParameters<B> {
    type Error = &'static str;

    fn try_from(parts: Parts<B>) -> Result<Self, Self::Error> {
        if parts.sub_options.is_empty() {
            return Err("the option has at least one sub-option");
        }
        Ok(Self {
            sub_options: parts.sub_options,
        })
    }
}

#[cfg(feature = "arbitrary")]
impl<'a, B: From<Vec<u8>>> arbitrary::Arbitrary<'a> for LmaControlledMagParameters<B> {
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        let mut drawn: SubOptions<LcmpSpace> = u.arbitrary()?;
        if drawn.is_empty() {
            let control = LcmpSubOption::HeartbeatControl(u.arbitrary()?);
            let _one_fits = drawn.push(control);
        }
        Ok(Self {
            sub_options: drawn.into_owned(),
        })
    }
}
