//! Bounds-checked access to network-order fields. Writes out of range do nothing: callers write
//! only into headers whose length they checked, and a bug must not become a panic on traffic.

use core::net::Ipv6Addr;

#[inline]
pub(crate) fn u8_at(data: &[u8], at: usize) -> Option<u8> {
    data.get(at).copied()
}

#[inline]
pub(crate) fn array_at<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..)?.first_chunk::<N>().copied()
}

#[inline]
pub(crate) fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    array_at(data, at).map(u16::from_be_bytes)
}

#[inline]
pub(crate) fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    array_at(data, at).map(u32::from_be_bytes)
}

#[inline]
pub(crate) fn ipv6_at(data: &[u8], at: usize) -> Option<Ipv6Addr> {
    array_at::<16>(data, at).map(Ipv6Addr::from)
}

#[inline]
pub(crate) fn put<const N: usize>(data: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = data.get_mut(at..).and_then(<[u8]>::first_chunk_mut::<N>) {
        *field = value;
    }
}

#[inline]
pub(crate) fn put_u8(data: &mut [u8], at: usize, value: u8) {
    put(data, at, [value]);
}

#[inline]
pub(crate) fn put_u16(data: &mut [u8], at: usize, value: u16) {
    put(data, at, value.to_be_bytes());
}

#[inline]
pub(crate) fn put_u32(data: &mut [u8], at: usize, value: u32) {
    put(data, at, value.to_be_bytes());
}

/// `value` as 16 bits; what does not fit becomes 65,535 (lengths are checked long before).
#[inline]
pub(crate) fn saturating_u16(value: usize) -> u16 {
    u16::try_from(value).unwrap_or(u16::MAX)
}

/// RFC 1624 equation 3: the checksum after a 16-bit field changed.
#[inline]
pub(crate) fn update_checksum(checksum: u16, old: u16, new: u16) -> u16 {
    let sum = u32::from(!checksum)
        .wrapping_add(u32::from(!old))
        .wrapping_add(u32::from(new));
    let folded = (sum & 0xffff).wrapping_add(sum >> 16);
    let folded = (folded & 0xffff).wrapping_add(folded >> 16);
    // Folding twice leaves 16 bits.
    !u16::try_from(folded & 0xffff).unwrap_or(u16::MAX)
}
