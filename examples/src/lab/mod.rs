//! A whole domain on one machine: scenarios, topologies, traffic and report.
