//! Explicit Congestion Notification across a tunnel (RFC 6040).

/// The two ECN bits of an IP header (RFC 3168 section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ecn {
    /// Not ECN-capable.
    NotEct,
    /// ECN-capable, codepoint 01.
    Ect1,
    /// ECN-capable, codepoint 10.
    Ect0,
    /// Congestion experienced.
    Ce,
}

impl Ecn {
    /// The ECN bits of a traffic class or type of service octet.
    pub const fn of(traffic_class: u8) -> Self {
        match traffic_class & 0b11 {
            0b00 => Self::NotEct,
            0b01 => Self::Ect1,
            0b10 => Self::Ect0,
            _ => Self::Ce,
        }
    }

    /// The two bits.
    pub const fn bits(self) -> u8 {
        match self {
            Self::NotEct => 0b00,
            Self::Ect1 => 0b01,
            Self::Ect0 => 0b10,
            Self::Ce => 0b11,
        }
    }

    /// What a tunnel ingress puts in the outer header: normal mode copies the inner field
    /// (RFC 6040 section 4.1).
    pub const fn at_ingress(self) -> Self {
        self
    }

    /// What leaves a tunnel egress when `self` is the inner field; `None` = drop the packet
    /// (RFC 6040 section 4.2, figure 4).
    pub const fn at_egress(self, outer: Self) -> Option<Self> {
        match (self, outer) {
            (Self::NotEct, Self::Ce) => None,
            (Self::NotEct, Self::NotEct | Self::Ect0 | Self::Ect1) => Some(Self::NotEct),
            (Self::Ect0, Self::NotEct | Self::Ect0) => Some(Self::Ect0),
            (Self::Ect0, Self::Ect1) => Some(Self::Ect1),
            (Self::Ect1, Self::NotEct | Self::Ect0 | Self::Ect1) => Some(Self::Ect1),
            (Self::Ect0 | Self::Ect1, Self::Ce) | (Self::Ce, _) => Some(Self::Ce),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6040 figure 4, row by row: inner Not-ECT, ECT(0), ECT(1), CE; columns the same.
    #[test]
    fn egress_follows_figure_4() {
        use Ecn::{Ce, Ect0, Ect1, NotEct};
        let columns = [NotEct, Ect0, Ect1, Ce];
        let rows = [
            (NotEct, [Some(NotEct), Some(NotEct), Some(NotEct), None]),
            (Ect0, [Some(Ect0), Some(Ect0), Some(Ect1), Some(Ce)]),
            (Ect1, [Some(Ect1), Some(Ect1), Some(Ect1), Some(Ce)]),
            (Ce, [Some(Ce), Some(Ce), Some(Ce), Some(Ce)]),
        ];
        for (inner, expected) in rows {
            assert_eq!(columns.map(|outer| inner.at_egress(outer)), expected);
        }
    }

    #[test]
    fn bits_survive_and_dscp_is_ignored() {
        for octet in 0..=255u8 {
            assert_eq!(Ecn::of(octet).bits(), octet & 0b11);
        }
    }
}
