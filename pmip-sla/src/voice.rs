use std::time::Duration;

use crate::delay::nanos;
use crate::window::Window;

/// A voice codec: what its calls suffer from loss, by the tables of ITU-T G.113 Appendix I.
///
/// ```
/// use pmip_sla::Codec;
///
/// assert_eq!(Codec::from_name("g729a"), Some(Codec::G729a));
/// assert_eq!(Codec::from_name("opus"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Codec {
    /// G.711 µ-law with loss concealment (G.711 Appendix I).
    G711Ulaw,
    /// G.711 A-law with loss concealment.
    G711Alaw,
    /// G.729A with voice activity detection.
    G729a,
}

impl Codec {
    /// The codec of a configuration keyword: `g711ulaw`, `g711alaw`, `g729a`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "g711ulaw" => Some(Self::G711Ulaw),
            "g711alaw" => Some(Self::G711Alaw),
            "g729a" => Some(Self::G729a),
            _ => None,
        }
    }

    /// Equipment impairment Ie, in thousandths.
    const fn impairment(self) -> u64 {
        match self {
            Self::G711Ulaw | Self::G711Alaw => 0,
            Self::G729a => 11_000,
        }
    }

    /// Packet-loss robustness Bpl, in thousandths.
    const fn robustness(self) -> u64 {
        match self {
            Self::G711Ulaw | Self::G711Alaw => 25_100,
            Self::G729a => 19_000,
        }
    }
}

/// How a call would sound.
///
/// The E-model of ITU-T G.107 with its default values and two simplifications that are common:
/// delay impairment is `Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3)` for a one-way delay of `d`
/// milliseconds (R. G. Cole, J. H. Rosenbluth, 2001), and loss is random, so that
/// `Ie,eff = Ie + (95 - Ie) Ppl / (Ppl + Bpl)` (G.107 equation 7-29 with BurstR = 1). Then
/// `ICPIF = Id + Ie,eff - A`, the impairment that G.113 sums up, and `R = 93.2 - ICPIF`, which
/// G.107 equation B-4 turns into a mean opinion score. Estimates to compare paths by.
///
/// ```
/// use std::time::Duration;
/// use pmip_sla::{Codec, VoiceScore};
///
/// // 100 ms one way, no loss: Id = 2.4, R = 90.8 and MOS 4.36.
/// let score = VoiceScore::estimate(Codec::G711Ulaw, Duration::from_millis(100), 0, 0);
/// assert_eq!((score.icpif, score.mos_hundredths), (2, 436));
/// // 5 % loss with G.729A: Ie,eff = 11 + 84 * 5 / 24 = 28.5, R = 62.3 and MOS 3.22.
/// let score = VoiceScore::estimate(Codec::G729a, Duration::from_millis(100), 50_000, 0);
/// assert_eq!((score.icpif, score.mos_hundredths), (30, 322));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct VoiceScore {
    /// Calculated planning impairment factor, 0 to 93; 93 from 10 % loss on.
    pub icpif: u32,
    /// Mean opinion score in hundredths, 100 to 500.
    pub mos_hundredths: u16,
}

/// R without impairment, in thousandths: G.107's default of 93.2.
const BASE: i128 = 93_200;
/// The worst impairment factor that is told.
const WORST_ICPIF: u32 = 93;
/// Loss per million from which the worst factor is told.
const WORST_LOSS_PPM: u32 = 100_000;
/// Where delay begins to disturb the conversation: 177.3 ms.
const KNEE: u64 = 177_300;

impl VoiceScore {
    /// The score of a call over a path with this `one_way` delay and `loss_ppm` lost packets per
    /// million; callers who expect less give an `advantage` (A, 0 to 20; G.107 table 1).
    pub fn estimate(codec: Codec, one_way: Duration, loss_ppm: u32, advantage: u8) -> Self {
        let micros = nanos(one_way) / 1_000;
        let delay =
            u128::from(micros) * 24 / 1_000 + u128::from(micros.saturating_sub(KNEE)) * 110 / 1_000;
        let loss = u128::from(codec.impairment())
            + loss_impairment(codec, u128::from(loss_ppm.min(1_000_000)));
        let relief = u128::from(advantage) * 1_000;
        let impairment = delay.saturating_add(loss).saturating_sub(relief);
        let icpif = u32::try_from(impairment / 1_000).unwrap_or(WORST_ICPIF);
        Self {
            icpif: if loss_ppm >= WORST_LOSS_PPM {
                WORST_ICPIF
            } else {
                icpif.min(WORST_ICPIF)
            },
            mos_hundredths: mos(BASE - i128::try_from(impairment).unwrap_or(BASE)),
        }
    }

    /// The score of what `window` showed: half its mean round-trip time, or the mean one-way
    /// delay there where that is known, and its loss. `None` without any answer or loss.
    pub fn of(window: &Window, codec: Codec, advantage: u8) -> Option<Self> {
        let loss = window.loss_ppm()?;
        let half = window.rtt().average().map(|rtt| rtt / 2);
        let one_way = window.one_way_forward().average().or(half);
        Some(Self::estimate(
            codec,
            one_way.unwrap_or_default(),
            loss,
            advantage,
        ))
    }
}

/// `(95 - Ie) Ppl / (Ppl + Bpl)` in thousandths, with Ppl in percent.
fn loss_impairment(codec: Codec, loss_ppm: u128) -> u128 {
    let room = u128::from(95_000 - codec.impairment());
    // Ten per million are a thousandth of a percent.
    let percent = loss_ppm / 10;
    let whole = percent + u128::from(codec.robustness());
    (room * percent).checked_div(whole).unwrap_or(0)
}

/// G.107 equation B-4, from R in thousandths: `1 + 0.035 R + R (R - 60) (100 - R) 7 10^-6`.
fn mos(r: i128) -> u16 {
    if r <= 0 {
        return 100;
    }
    if r >= 100_000 {
        return 450;
    }
    let cubic = r * (r - 60_000) * (100_000 - r) * 7 / 1_000_000_000;
    let millionths = 1_000_000 + r * 35 + cubic;
    let hundredths = (millionths + 5_000) / 10_000;
    u16::try_from(hundredths.clamp(100, 500)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_loss_and_delay_never_sound_better() {
        for codec in [Codec::G711Ulaw, Codec::G729a] {
            let mut last = VoiceScore::estimate(codec, Duration::ZERO, 0, 0);
            for step in 1..200u32 {
                let delay = Duration::from_millis(u64::from(step) * 5);
                let score = VoiceScore::estimate(codec, delay, step * 2_000, 0);
                assert!(score.mos_hundredths <= last.mos_hundredths, "{step}");
                assert!(score.icpif >= last.icpif, "{step}");
                last = score;
            }
            assert_eq!((last.icpif, last.mos_hundredths), (93, 100));
        }
    }

    /// The reference points of G.107 Annex B, table B.1.
    #[test]
    fn the_scale_is_that_of_g_107() {
        for (r, hundredths) in [(90_000, 434), (80_000, 402), (70_000, 360), (60_000, 310)] {
            assert!(mos(r).abs_diff(hundredths) <= 1, "{r}: {}", mos(r));
        }
        assert!(mos(50_000).abs_diff(258) <= 1);
    }

    #[test]
    fn absurd_values_stay_in_range() {
        let score = VoiceScore::estimate(Codec::G729a, Duration::MAX, u32::MAX, 255);
        assert_eq!((score.icpif, score.mos_hundredths), (93, 100));
        let score = VoiceScore::estimate(Codec::G711Alaw, Duration::ZERO, 0, 255);
        assert_eq!((score.icpif, score.mos_hundredths), (0, 441));
    }
}
