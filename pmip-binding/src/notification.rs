//! Whom an update notification is for (RFC 7077 section 5).

use bytes::Bytes;
use pmip_wire::{
    MnIdSubtype, MobileNodeGroupIdentifier, MobileNodeIdentifier, MobilityOption, MobilityOptions,
};

use crate::message::{Identifier, Options};

/// One mobile node, or all that the peers share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    MobileNode(Identifier),
    All,
}

impl Target {
    pub(crate) fn from_wire(options: &MobilityOptions) -> Option<Self> {
        if let Some(id) = options.mn_identifier() {
            return Some(Self::MobileNode(Identifier {
                subtype: id.subtype().code(),
                octets: Bytes::copy_from_slice(id.identifier()),
            }));
        }
        let mut groups = options.mobile_node_group_identifiers();
        groups
            .any(|group| group == MobileNodeGroupIdentifier::ALL_SESSIONS)
            .then_some(Self::All)
    }

    /// The option that names it, then `others`.
    pub(crate) fn to_wire(&self, others: &MobilityOptions) -> MobilityOptions {
        let mut options = Options::default();
        match self {
            Self::MobileNode(id) => {
                let subtype = MnIdSubtype::from_code(id.subtype);
                options.push_ok(MobileNodeIdentifier::new(subtype, id.octets.clone()));
            }
            Self::All => options.push(MobileNodeGroupIdentifier::ALL_SESSIONS),
        }
        for option in others.iter() {
            if !matches!(
                option,
                MobilityOption::MobileNodeIdentifier(_)
                    | MobilityOption::MobileNodeGroupIdentifier(_)
            ) {
                options.push(option.to_bytes());
            }
        }
        options.into_inner()
    }
}
