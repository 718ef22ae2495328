//! Whom an update notification is for (RFC 7077 section 5).

use pmip_wire::{MobileNodeGroupIdentifier, MobilityOption, MobilityOptions};

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
            let id = Identifier::new(id.subtype().code(), id.identifier());
            return Some(Self::MobileNode(id));
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
            Self::MobileNode(id) => options.push_ok(id.to_mn_identifier()),
            Self::All => options.push(MobileNodeGroupIdentifier::ALL_SESSIONS),
        }
        for option in others.iter() {
            if !matches!(
                option,
                MobilityOption::MobileNodeIdentifier(_)
                    | MobilityOption::MobileNodeGroupIdentifier(_)
            ) {
                options.push(option);
            }
        }
        options.into_inner()
    }
}
