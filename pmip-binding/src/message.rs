//! Proxy Binding Updates and Acknowledgements as the engines think of them: plain values with the
//! options found by kind. Turned into and out of [`pmip_wire`] messages here and nowhere else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use pmip_wire::types::{IpPrefix, Lifetime};
use pmip_wire::{
    AccessNetworkIdentifier, GreKey, LmaControlledMagParameters, LoadInformation, VendorSpecific,
};
use smallvec::SmallVec;

mod decode;
mod encode;

pub(crate) use encode::Options;

/// An identifier option: its subtype and octets, apart from the datagram that it came in. Most names
/// need no memory of their own.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identifier {
    pub(crate) subtype: u8,
    pub(crate) octets: SmallVec<[u8; 40]>,
}

/// A link-layer identifier: most are MAC addresses.
pub(crate) type LinkLayer = SmallVec<[u8; 8]>;

/// Subtype of a Network Access Identifier (RFC 4283 section 3.1).
pub(crate) const NAI: u8 = 1;

/// As a whole: what is derived would copy octet by octet.
impl Clone for Identifier {
    fn clone(&self) -> Self {
        Self::new(self.subtype, &self.octets)
    }
}

impl Identifier {
    pub(crate) fn new(subtype: u8, octets: &[u8]) -> Self {
        Self {
            subtype,
            octets: SmallVec::from_slice(octets),
        }
    }

    pub(crate) fn nai(name: &str) -> Self {
        Self::new(NAI, name.as_bytes())
    }

    /// For people; octets that are no text show as replacement characters.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(&self.octets).into_owned()
    }
}

/// MAG Multipath Binding (RFC 8278 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Multipath {
    pub(crate) access_technology: u8,
    pub(crate) label: u8,
    pub(crate) binding_id: u8,
    pub(crate) bulk: bool,
    pub(crate) overwrite: bool,
}

/// What both directions carry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Common {
    pub(crate) sequence: u16,
    /// Units of 4 s.
    pub(crate) lifetime: u16,
    pub(crate) mn_id: Option<Identifier>,
    pub(crate) home_prefixes: SmallVec<[IpPrefix; 1]>,
    pub(crate) handoff: Option<u8>,
    pub(crate) access_technology: Option<u8>,
    pub(crate) link_layer: Option<LinkLayer>,
    pub(crate) link_local: Option<Ipv6Addr>,
    /// The 64 bits of the Timestamp option.
    pub(crate) timestamp: Option<u64>,
    pub(crate) delegated: SmallVec<[IpPrefix; 2]>,
    pub(crate) multipath: Option<Multipath>,
    /// GRE asked for or agreed on, with or without a key (RFC 5845 section 6.1).
    pub(crate) gre: Option<GreKey>,
    /// The T flag: the TLV header asked for or agreed on (RFC 5845 section 7.2).
    pub(crate) tlv_header: bool,
    /// Where the mobile node is attached (RFC 6757 section 3).
    pub(crate) access_network: Option<AccessNetworkIdentifier>,
}

/// A Proxy Binding Update (RFC 5213 section 8.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) common: Common,
    pub(crate) acknowledge: bool,
    pub(crate) home_registration: bool,
    pub(crate) force_udp: bool,
    /// The D flag: the sender is no gateway but a node of distributed mobility (RFC 8885 section
    /// 4.1).
    pub(crate) distributed: bool,
    /// Alternate Care-of Address (option 3) or Alternate IPv4 Care-of Address (49).
    pub(crate) alternate_care_of: Option<IpAddr>,
    /// The MAG's own IPv4 care-of address (option 32).
    pub(crate) ipv4_care_of: Option<Ipv4Addr>,
    /// IPv4 Home Address Requests: address and prefix length.
    pub(crate) home_requests: SmallVec<[(Ipv4Addr, u8); 1]>,
    pub(crate) mag_id: Option<Identifier>,
    /// The name of the service that the mobile node is to have (RFC 5149), UTF-8 if well-formed.
    pub(crate) service: Option<Bytes>,
    /// Vendor-specific options (RFC 5094).
    pub(crate) vendor: Vec<VendorSpecific>,
    /// The MAG can be redirected (RFC 6463 section 4.1).
    pub(crate) redirect_capable: bool,
}

/// An IPv4 Home Address Reply (RFC 5844 section 3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HomeReply {
    pub(crate) status: u8,
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix_length: u8,
}

/// A Proxy Binding Acknowledgement (RFC 5213 section 8.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acknowledgement {
    pub(crate) common: Common,
    pub(crate) proxy: bool,
    pub(crate) status: u8,
    pub(crate) home_reply: Option<HomeReply>,
    pub(crate) default_router: Option<Ipv4Addr>,
    /// NAT Detection: forced UDP and the keep-alive time in seconds.
    pub(crate) nat_detection: Option<(bool, u32)>,
    /// IPv4 DHCP Support Mode: the MAG acts as the DHCP server.
    pub(crate) dhcp_server: Option<bool>,
    /// Alternate IPv4 Care-of Address, echoed (RFC 6463 section 4.4).
    pub(crate) alternate_ipv4_care_of: Option<Ipv4Addr>,
    /// Timers that the MAG obeys (RFC 8127).
    pub(crate) controlled: Option<LmaControlledMagParameters>,
    /// The anchor to go to (RFC 6463 section 4.2).
    pub(crate) redirect: Option<IpAddr>,
    /// How busy the anchor is (RFC 6463 section 4.3).
    pub(crate) load: Option<LoadInformation>,
}

/// The span in units of 4 s, rounded up; at most the longest.
pub(crate) fn lifetime(span: Duration) -> Lifetime {
    Lifetime::from_secs(u32::try_from(span.as_secs()).unwrap_or(u32::MAX))
}

/// Whether every octet of the prefix is zero: a request to allocate (RFC 5213 section 2.2).
pub(crate) fn is_all_zero(prefix: IpPrefix) -> bool {
    prefix.address().is_unspecified()
}

/// Status values the engines use (RFC 5213 section 8.9 and its extensions).
pub(crate) mod status {
    pub(crate) const ACCEPTED: u8 = 0;
    pub(crate) const GRE_NOT_REQUIRED: u8 = 2;
    pub(crate) const GRE_WITHOUT_TLV_HEADER: u8 = 3;
    /// Values from here reject.
    pub(crate) const FIRST_REJECTION: u8 = 128;
    pub(crate) const REASON_UNSPECIFIED: u8 = 128;
    pub(crate) const ADMINISTRATIVELY_PROHIBITED: u8 = 129;
    pub(crate) const INSUFFICIENT_RESOURCES: u8 = 130;
    pub(crate) const SEQUENCE_OUT_OF_WINDOW: u8 = 135;
    pub(crate) const AUTHENTICATION_FAILED: u8 = 146;
    pub(crate) const SERVICE_AUTHORIZATION_FAILED: u8 = 151;
    pub(crate) const PROXY_REG_NOT_ENABLED: u8 = 152;
    pub(crate) const NOT_LMA_FOR_THIS_MN: u8 = 153;
    pub(crate) const MAG_NOT_AUTHORIZED: u8 = 154;
    pub(crate) const NOT_AUTHORIZED_FOR_HNP: u8 = 155;
    pub(crate) const TIMESTAMP_MISMATCH: u8 = 156;
    pub(crate) const TIMESTAMP_LOWER: u8 = 157;
    pub(crate) const MISSING_HNP: u8 = 158;
    pub(crate) const PREFIX_SET_MISMATCH: u8 = 159;
    pub(crate) const MISSING_MN_ID: u8 = 160;
    pub(crate) const MISSING_HANDOFF: u8 = 161;
    pub(crate) const MISSING_ATT: u8 = 162;
    pub(crate) const GRE_REQUIRED: u8 = 163;
    pub(crate) const NOT_AUTHORIZED_FOR_IPV4: u8 = 170;
    pub(crate) const NOT_AUTHORIZED_FOR_IPV4_HOA: u8 = 171;
    pub(crate) const NOT_AUTHORIZED_FOR_IPV6: u8 = 172;
    pub(crate) const MULTIPLE_IPV4_HOA: u8 = 173;
    pub(crate) const NOT_AUTHORIZED_FOR_DMNP: u8 = 177;
    pub(crate) const DMNP_IN_USE: u8 = 178;
    pub(crate) const NO_MULTIPATH: u8 = 180;
}

/// Handoff Indicator values (RFC 5213 section 8.4).
pub(crate) mod handoff {
    pub(crate) const NEW_INTERFACE: u8 = 1;
    pub(crate) const BETWEEN_INTERFACES: u8 = 2;
    pub(crate) const BETWEEN_GATEWAYS: u8 = 3;
    pub(crate) const UNKNOWN: u8 = 4;
    pub(crate) const NOT_CHANGED: u8 = 5;
}
