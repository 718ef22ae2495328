//! Test packets of STAMP (RFC 8762) with its extensions (RFC 8972), which are those of TWAMP Light
//! too (RFC 5357, RFC 8762 section 4.6).
//!
//! A [`SenderPacket`] goes out, a [`ReflectorPacket`] comes back, each with [`Tlvs`] behind it.
//!
//! ```
//! use core::time::Duration;
//! use pmip_wire::stamp::{ReflectorPacket, SenderPacket, StampMode};
//! use pmip_wire::types::{ProbeTimestamp, TimestampFormat};
//!
//! let now = |millis| ProbeTimestamp::from_unix(Duration::from_millis(millis), TimestampFormat::Ntp);
//! let mode = StampMode::Unauthenticated;
//! let sent = SenderPacket { sequence: 3, timestamp: now(10), ..SenderPacket::default() };
//! let mut wire = Vec::new();
//! sent.encode(mode, &mut wire);
//!
//! // The reflector: a stateless one copies the sequence number.
//! let received = SenderPacket::parse(&wire, mode)?;
//! let mut answer = ReflectorPacket::reflecting(&received.base, now(12), 255);
//! answer.timestamp = now(13);
//! let mut reply = Vec::new();
//! answer.encode(mode, &mut reply);
//! reply.extend_from_slice(received.extension);
//!
//! let back = ReflectorPacket::parse(&reply, mode)?.base;
//! assert_eq!((back.sequence, back.sender_sequence), (3, 3));
//! assert_eq!(back.sender_timestamp, now(10));
//! # Ok::<(), pmip_wire::DecodeError>(())
//! ```

mod error_estimate;
mod location;
mod packet;
mod tlv;
mod value;

pub use error_estimate::ErrorEstimate;
pub use location::LocationSubTlv;
pub use packet::{ReflectorPacket, SenderPacket, StampKey, StampMode, StampPacket};
pub use tlv::{Tlv, TlvFlags, TlvIntegrity, Tlvs};
pub use value::{
    AccessNetwork, AccessReport, ClassOfService, DirectMeasurement, FollowUpTelemetry, Location,
    TimestampInformation, TlvValue,
};

/// UDP port of a reflector (RFC 8762 section 4.1).
pub const PORT: u16 = 862;

/// Octets of a base packet without authentication (RFC 8762 section 4.2).
pub const UNAUTHENTICATED_LEN: usize = 44;

/// Octets of a base packet with authentication (RFC 8762 section 4.2).
pub const AUTHENTICATED_LEN: usize = 112;

code_points! {
    /// What a TLV is (RFC 8972 section 5.1, "STAMP TLV Types").
    pub enum TlvType: u8 {
        ExtraPadding = 1, "Extra Padding", 8972;
        Location = 2, "Location", 8972;
        TimestampInformation = 3, "Timestamp Information", 8972;
        ClassOfService = 4, "Class of Service", 8972;
        DirectMeasurement = 5, "Direct Measurement", 8972;
        AccessReport = 6, "Access Report", 8972;
        FollowUpTelemetry = 7, "Follow-Up Telemetry", 8972;
        Hmac = 8, "HMAC", 8972;
    }

    /// What a TLV inside another one is (RFC 8972 section 5.3, "STAMP Sub-TLV Types").
    pub enum SubTlvType: u8 {
        SourceMacAddress = 1, "Source MAC Address", 8972;
        SourceEui48Address = 2, "Source EUI-48 Address", 8972;
        SourceEui64Address = 3, "Source EUI-64 Address", 8972;
        DestinationIpAddress = 4, "Destination IP Address", 8972;
        DestinationIpv4Address = 5, "Destination IPv4 Address", 8972;
        DestinationIpv6Address = 6, "Destination IPv6 Address", 8972;
        SourceIpAddress = 7, "Source IP Address", 8972;
        SourceIpv4Address = 8, "Source IPv4 Address", 8972;
        SourceIpv6Address = 9, "Source IPv6 Address", 8972;
    }

    /// What synchronizes a clock (RFC 8972 section 5.4, "STAMP Synchronization Sources").
    pub enum SynchronizationSource: u8 {
        Ntp = 1, "NTP", 8972;
        Ptp = 2, "PTP", 8972;
        SsuBits = 3, "SSU/BITS", 8972;
        SatelliteOrLoran = 4, "GPS/GLONASS/LORAN-C/BDS/Galileo", 8972;
        LocalFreeRunning = 5, "Local free-running", 8972;
    }

    /// How a timestamp was taken (RFC 8972 section 5.5, "STAMP Timestamping Methods").
    pub enum TimestampingMethod: u8 {
        HardwareAssist = 1, "HW Assist", 8972;
        SoftwareLocal = 2, "SW Local", 8972;
        ControlPlane = 3, "Control Plane", 8972;
    }

    /// What an Access Report says (RFC 8972 section 5.6, "STAMP Return Codes").
    pub enum AccessReturnCode: u8 {
        NetworkAvailable = 1, "Network available", 8972;
        NetworkUnavailable = 2, "Network unavailable", 8972;
    }
}
