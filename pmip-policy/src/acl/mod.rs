//! Access lists: what traffic is meant.

mod axis;
mod classifier;
mod compiled;
mod fields;
mod list;
mod rules;
mod selector;
mod test;

pub(crate) use rules::{RuleSet, RuleSetBuilder};

pub use compiled::{AccessListVerdict, CompiledAccessList, LineHits};
pub use list::{AccessList, AccessListError, Action, Family, Line, Rule};
pub use selector::{AddressMatch, PortMatch, Selector};
