//! The addresses of the domain: fixed, so that scenarios may write them into configurations.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One of the two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lab) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub(in crate::lab) const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

/// LMA `lma` (from 1): 192.0.2.LMA or 2001:db8:ff::LMA, on `lo`.
pub(in crate::lab) fn anchor(lma: u8, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(192, 0, 2, lma).into(),
        Family::V6 => v6([0x2001, 0xdb8, 0xff, 0, 0, 0, 0, lma.into()]),
    }
}

/// Host `host` on the access network of WAN `wan` of MAG `mag`: 100.64.(10 MAG + WAN).HOST/24 or
/// 2001:db8:10 MAG + WAN::HOST/64. The router is host 1, the MAG host 2: its care-of address.
pub(in crate::lab) fn access(mag: u8, wan: u8, host: u8, family: Family) -> IpAddr {
    let number = 10 * mag + wan;
    match family {
        Family::V4 => Ipv4Addr::new(100, 64, number, host).into(),
        Family::V6 => v6([0x2001, 0xdb8, number.into(), 0, 0, 0, 0, host.into()]),
    }
}

/// The MAG's care-of address on a WAN.
pub(in crate::lab) fn care_of(mag: u8, wan: u8, family: Family) -> IpAddr {
    access(mag, wan, 2, family)
}

/// Between the router of a WAN (host 2) and LMA `lma` (host 1): 198.18.(10 MAG + WAN).0 + 4 LMA,
/// /30, or 2001:db8:1800 + 10 MAG + WAN:LMA::/64.
pub(in crate::lab) fn transfer(mag: u8, wan: u8, lma: u8, host: u8, family: Family) -> IpAddr {
    let number = 10 * mag + wan;
    match family {
        Family::V4 => Ipv4Addr::new(198, 18, number, 4 * lma + host).into(),
        Family::V6 => {
            let number = 0x1800 + u16::from(number);
            v6([0x2001, 0xdb8, number, lma.into(), 0, 0, 0, host.into()])
        }
    }
}

/// Host `host` on the network of correspondent `number`: 203.0.113.(16 NUMBER + HOST)/28 or
/// 2001:db8:cc00 + NUMBER::HOST/64. The LMA is host 1, the correspondent hosts 2 to 9.
pub(in crate::lab) fn core(number: u8, host: u8, family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(203, 0, 113, 16 * number + host).into(),
        Family::V6 => {
            let network = 0xcc00 + u16::from(number);
            v6([0x2001, 0xdb8, network, 0, 0, 0, 0, host.into()])
        }
    }
}

/// Addresses of each correspondent and family.
pub(in crate::lab) const CORRESPONDENT_HOSTS: std::ops::RangeInclusive<u8> = 2..=9;

fn v6(segments: [u16; 8]) -> IpAddr {
    Ipv6Addr::from(segments).into()
}
