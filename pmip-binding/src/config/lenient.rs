/// One bend of the rules that is taken from a peer, as old open implementations need it. Without
/// any, everything is read strictly. Each use is counted in [`Stats`](crate::Stats).
///
/// Runs of Pad1 and options in any order need none: receivers take them (RFC 6275 section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Tolerance {
    /// An update without the Home Registration flag (RFC 6275 section 6.1.7).
    NoHomeRegistration,
    /// An update whose access technology is 0, which is reserved (RFC 5213 section 8.5).
    AccessTechnologyZero,
    /// An acknowledgement without the Proxy Registration flag (RFC 5213 section 8.2).
    NoProxyFlag,
    /// Other octets behind the network access identifier in the MN Identifier option: it ends
    /// before the first one that none has (RFC 4282 section 2.1).
    PaddedMnId,
    /// A home network prefix of length 128 that stands for the one of length 64 around it.
    HostPrefix,
    /// The last option is cut off by the end of the Mobility Header: it is left out.
    LastOptionCut,
}
