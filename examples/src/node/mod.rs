//! The driver loop that mag and lma share.
