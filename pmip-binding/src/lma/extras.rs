//! What few sessions have, kept apart so that the many others stay small.

use bytes::Bytes;
use pmip_wire::AccessNetworkIdentifier;
use smallvec::SmallVec;

use super::cache::Session;
use super::gre::GreBinding;

/// The rare parts of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    /// By Binding ID, in no order.
    pub(super) gre: SmallVec<[GreBinding; 2]>,
    pub(super) access_network: Option<AccessNetworkIdentifier>,
    pub(super) service: Option<Bytes>,
}

impl Session {
    /// For changes; made where the session had none.
    pub(super) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }

    pub(super) fn access_network(&self) -> Option<&AccessNetworkIdentifier> {
        self.extras.as_ref()?.access_network.as_ref()
    }

    /// The service selected.
    pub(super) fn service(&self) -> Option<&Bytes> {
        self.extras.as_ref()?.service.as_ref()
    }

    pub(super) fn service_name(&self) -> Option<String> {
        let name = self.service()?;
        Some(String::from_utf8_lossy(name).into_owned())
    }
}
