//! Access lists: what traffic is meant.

mod compiled;
mod list;
mod selector;

pub(crate) use compiled::Fields;
pub use compiled::{CompiledAccessList, LineHits};
pub use list::{AccessList, AccessListError, Action, Family, Line, Rule};
pub use selector::{AddressMatch, PortMatch, Selector};
