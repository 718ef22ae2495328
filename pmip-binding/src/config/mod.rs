//! What the engines are told: plain data, validated once when an engine is built.
//!
//! Every structure has a constructor with the defaults of the RFCs and public fields to change
//! them; `validate` names every mistake at once.

mod access_link;
mod controlled;
mod customer;
mod error;
mod heartbeat;
mod lenient;
mod lma;
mod mag;
mod network;
mod notification;
mod redirect;
mod revocation;
mod security;
#[cfg(feature = "serde")]
mod text;

pub use access_link::{AccessLinkConfig, RESERVED_LINK_LAYER_ADDRESS, RESERVED_LINK_LOCAL_ADDRESS};
pub use controlled::{ControlledConfig, HeartbeatControl, ReregistrationControl};
pub use customer::{Customer, CustomerLimits};
pub use error::{ConfigError, ConfigErrors};
pub use heartbeat::{HeartbeatConfig, HeartbeatRule};
pub use lenient::Tolerance;
pub use lma::{LmaConfig, LmaLimits, MagPeer, Profile};
pub use mag::{
    LmaPeer, LogicalMobileNode, MagConfig, MobileNetwork, PrefixRequest, RoamingInterface,
};
pub use network::{Ipv4Pool, Ipv6Pool, MobileNetworkPool, Network, Service};
pub use notification::NotificationConfig;
pub use redirect::{LoadConfig, RedirectConfig};
pub use revocation::RevocationConfig;
pub use security::SharedKey;

use std::time::Duration;

/// PBU lifetime when nothing else is configured.
pub const DEFAULT_LIFETIME: Duration = Duration::from_secs(3600);
/// How long before expiry a MAG refreshes when nothing else is configured.
pub const DEFAULT_REFRESH_TIME: Duration = Duration::from_secs(300);
/// The private enterprise number of vendor options when no other is configured: the one for
/// documentation (RFC 5612).
pub const DEFAULT_ENTERPRISE: u32 = 32_473;
/// INITIAL_BINDACK_TIMEOUT (RFC 6275 section 12): first retransmission of a PBU.
pub const INITIAL_BINDACK_TIMEOUT: Duration = Duration::from_secs(1);
/// MAX_BINDACK_TIMEOUT (RFC 6275 section 12): the back-off stops doubling here.
pub const MAX_BINDACK_TIMEOUT: Duration = Duration::from_secs(32);
/// MinDelayBeforeBCEDelete (RFC 5213 section 9.1).
pub const MIN_DELAY_BEFORE_BCE_DELETE: Duration = Duration::from_secs(10);
/// MaxDelayBeforeNewBCEAssign (RFC 5213 section 9.1).
pub const MAX_DELAY_BEFORE_NEW_BCE_ASSIGN: Duration = Duration::from_millis(1500);
/// TimestampValidityWindow (RFC 5213 section 9.1).
pub const TIMESTAMP_VALIDITY_WINDOW: Duration = Duration::from_millis(300);
/// The largest lifetime that fits in a PBU: 65,535 units of 4 s (RFC 6275 section 6.1.7).
pub const MAX_LIFETIME: Duration = Duration::from_secs(65_535 * 4);
