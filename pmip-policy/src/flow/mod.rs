//! The flow table: where each flow went, and why.

mod config;
mod entry;
mod index;
mod load;
mod place;
mod slab;
mod table;

pub use config::{FlowTableConfig, Spread};
pub use entry::{FlowInfo, Reason};
pub use table::{Choice, FlowRef, FlowTable, FlowTableStats, Flows, Outcome};
