//! Control messages and measurement packets of the Cisco Service-Level Assurance Protocol
//! (RFC 6812).
//!
//! A [`ControlMessage`] asks a responder on [`CONTROL_PORT`] to open a port for a while, and
//! carries its answer; [`MeasurementPacket`]s then go there and back.

mod authentication;
mod control;
mod csld;
mod measurement;
mod version1;

pub use authentication::{Authentication, AuthenticationFailure};
pub use control::{
    ControlHeader, ControlMessage, ControlPacket, CsldsFull, InvalidControl, MAX_CSLDS,
    UnknownControl,
};
pub use csld::{Csld, MeasurementAddresses, SlaAddresses, UdpMeasurement, UnknownCsld};
pub use measurement::{MeasurementHeader, MeasurementPacket};
pub use version1::{CONTROL_PORT_V1, Version1Control, Version1Measurement, Version1Times};

/// UDP port of control messages (RFC 6812 section 3.1).
pub const CONTROL_PORT: u16 = 1167;

code_points! {
    /// Statuses of a control message and of its sections (RFC 6812 section 6, "Cisco SLA Protocol
    /// Status Types Registry").
    pub enum SlaStatus: u16 {
        Success = 0, "Success", 6812;
        Fail = 1, "Fail", 6812;
        AuthenticationFailure = 2, "Authentication failure", 6812;
        FormatError = 3, "Format error", 6812;
        PortInUse = 4, "Port in use", 6812;
    }

    /// How a control message is authenticated (RFC 6812 section 6, "Cisco SLA Protocol
    /// Authenticator Modes Registry").
    pub enum AuthenticationMode: u8 {
        NoAuthentication = 0, "No Authentication", 6812;
        Sha256 = 1, "SHA256", 6812;
        HmacSha256 = 2, "HMAC-SHA-256", 6812;
    }

    /// What a section of a control message is (RFC 6812 section 6, "Cisco SLA Protocol CSLD
    /// Command Registry").
    pub enum CsldCommand: u16 {
        Authentication = 1, "Authentication CSLD", 6812;
        UdpMeasurement = 2, "UDP-Measurement", 6812;
    }

    /// The role of the endpoint that receives a control message. RFC 6812 gives 1 to a responder
    /// in section 3.1.1.2.2 and 2 in its registry (section 6): 1 is sent, both are understood.
    pub enum SlaRole: u8 {
        Responder = 1, "Responder", 6812;
        RegistryResponder = 2, "Responder (registry)", 6812;
    }
}

impl SlaRole {
    /// Whether the endpoint is to respond, by either numbering.
    pub fn is_responder(self) -> bool {
        self == Self::Responder || self == Self::RegistryResponder
    }
}
