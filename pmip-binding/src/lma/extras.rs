//! What few sessions have, kept apart so that the many others stay small.

use smallvec::SmallVec;

use super::cache::Session;
use super::gre::GreBinding;

/// The rare parts of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Extras {
    /// By Binding ID, in no order.
    pub(super) gre: SmallVec<[GreBinding; 2]>,
}

impl Session {
    /// For changes; made where the session had none.
    pub(super) fn extras_mut(&mut self) -> &mut Extras {
        self.extras.get_or_insert_default()
    }
}
