//! Options that hold sub-options, each under its number.

use super::{SECOND, UNIT};
use crate::rules::*;

/// One field of a binary traffic selector, of either family.
macro_rules! selector {
    ($ours:literal, $theirs:literal, $row:ident, $our_field:literal, $their_field:literal) => {
        $row(
            concat!(
                $ours, ".Ipv4.", $our_field, "|", $ours, ".Ipv6.", $our_field
            ),
            concat!($theirs, ".", $their_field),
        )
    };
}

/// The rows given, and those of a traffic selector (RFC 6088 section 3).
macro_rules! with_selector {
    ($ours:literal, $theirs:literal, [$($row:expr,)*]) => {
        &[
            $($row,)*
            selector!($ours, $theirs, same, "source_address.start", "source_address.start"),
            selector!($ours, $theirs, same, "source_address.end", "source_address.end"),
            selector!($ours, $theirs, same, "destination_address.start", "destination_address.start"),
            selector!($ours, $theirs, same, "destination_address.end", "destination_address.end"),
            selector!($ours, $theirs, same, "spi.start", "spi.start"),
            selector!($ours, $theirs, same, "spi.end", "spi.end"),
            same(concat!($ours, ".Ipv6.flow_label.start"), concat!($theirs, ".flow_label.start")),
            same(concat!($ours, ".Ipv6.flow_label.end"), concat!($theirs, ".flow_label.end")),
            selector!($ours, $theirs, same, "source_port.start", "source_port.start"),
            selector!($ours, $theirs, same, "source_port.end", "source_port.end"),
            selector!($ours, $theirs, same, "destination_port.start", "destination_port.start"),
            selector!($ours, $theirs, same, "destination_port.end", "destination_port.end"),
            selector!($ours, $theirs, upper_six_bits, "dscp.start", "ds.start"),
            selector!($ours, $theirs, upper_six_bits, "dscp.end", "ds.end"),
            same(concat!($ours, ".Ipv4.protocol.start"), concat!($theirs, ".protocol.start")),
            same(concat!($ours, ".Ipv4.protocol.end"), concat!($theirs, ".protocol.end")),
            same(concat!($ours, ".Ipv6.next_header.start"), concat!($theirs, ".next_header.start")),
            same(concat!($ours, ".Ipv6.next_header.end"), concat!($theirs, ".next_header.end")),
            same(concat!($ours, ".Other.format"), concat!($theirs, ".format")),
            same(concat!($ours, ".Other.selector"), concat!($theirs, ".octets")),
            zero(concat!($theirs, ".left_over")),
        ]
    };
}

/// The DSCP is the upper six bits of the octet (RFC 6088 section 3.1).
const fn upper_six_bits(ours: &'static str, theirs: &'static str) -> Row {
    times(ours, theirs, 4)
}

/// Type 45.
pub(super) const FLOW_IDENTIFICATION: &[Row] = with_selector!(
    "sub_options.TrafficSelector",
    "suboptions.3.selector",
    [
        same("fid", "fid"),
        same("priority", "fid_pri"),
        zero("reserved"),
        same("status", "status"),
        same("sub_options.BindingReference", "suboptions.2.bid"),
        same("sub_options.FlowBindingAction", "suboptions.4.action"),
        same("sub_options.TargetCareOfAddress", "suboptions.5.address"),
        ignored("suboptions.3.reserved"),
        ignored("suboptions.4.reserved"),
        ignored("suboptions.5.reserved"),
        same("sub_options.Unknown.number", "suboptions.other.type"),
        same("sub_options.Unknown.data", "suboptions.other.data"),
    ]
);

/// Type 52.
pub(super) const ACCESS_NETWORK_IDENTIFIER: &[Row] = &[
    same("sub_options.NetworkIdentifier.utf8", "suboptions.1.utf8"),
    zero("suboptions.1.reserved"),
    same(
        "sub_options.NetworkIdentifier.network_name",
        "suboptions.1.net_name",
    ),
    same(
        "sub_options.NetworkIdentifier.access_point_name",
        "suboptions.1.ap_name",
    ),
    same(
        "sub_options.GeoLocation.latitude",
        "suboptions.2.raw_latitude",
    ),
    same(
        "sub_options.GeoLocation.longitude",
        "suboptions.2.raw_longitude",
    ),
    same(
        "sub_options.OperatorIdentifier.identifier_type",
        "suboptions.3.op_id_type",
    ),
    same(
        "sub_options.OperatorIdentifier.identifier",
        "suboptions.3.identifier",
    ),
    same("sub_options.CivicLocation.format", "suboptions.4.format"),
    ignored("suboptions.4.reserved"),
    same(
        "sub_options.CivicLocation.location",
        "suboptions.4.location",
    ),
    same("sub_options.MagGroupIdentifier", "suboptions.5.group_id"),
    times("sub_options.UpdateTimer", "suboptions.6.timer", UNIT),
    same("sub_options.Unknown.number", "suboptions.other.type"),
    same("sub_options.Unknown.data", "suboptions.other.data"),
];

/// Type 53.
pub(super) const IPV4_TRAFFIC_OFFLOAD_SELECTOR: &[Row] = with_selector!(
    "sub_options.TrafficSelector",
    "selector.3.selector",
    [
        same("tunnel_matching", "mode"),
        zero("reserved"),
        same("sub_options.BindingReference", "selector.2.bid"),
        same("sub_options.FlowBindingAction", "selector.4.action"),
        same("sub_options.TargetCareOfAddress", "selector.5.address"),
        ignored("selector.3.reserved"),
        ignored("selector.4.reserved"),
        ignored("selector.5.reserved"),
        same("sub_options.Unknown.number", "selector.other.type"),
        same("sub_options.Unknown.data", "selector.other.data"),
    ]
);

/// Type 58.
pub(super) const QUALITY_OF_SERVICE: &[Row] = with_selector!(
    "attributes.QosTrafficSelector",
    "attributes.10.selector",
    [
        same("service_request", "sr_id"),
        same("dscp", "dscp"),
        same("operation", "oc"),
        zero("reserved"),
        same("attributes.PerMnAggMaxDlBitRate", "attributes.1.rate"),
        same("attributes.PerMnAggMaxUlBitRate", "attributes.2.rate"),
        same(
            "attributes.PerSessionAggMaxDlBitRate.service",
            "attributes.3.service"
        ),
        same(
            "attributes.PerSessionAggMaxDlBitRate.exclude",
            "attributes.3.exclude"
        ),
        same(
            "attributes.PerSessionAggMaxDlBitRate.bit_rate",
            "attributes.3.rate"
        ),
        same(
            "attributes.PerSessionAggMaxUlBitRate.service",
            "attributes.4.service"
        ),
        same(
            "attributes.PerSessionAggMaxUlBitRate.exclude",
            "attributes.4.exclude"
        ),
        same(
            "attributes.PerSessionAggMaxUlBitRate.bit_rate",
            "attributes.4.rate"
        ),
        same(
            "attributes.AllocationRetentionPriority.priority_level",
            "attributes.5.priority_level"
        ),
        same(
            "attributes.AllocationRetentionPriority.preemption_capability",
            "attributes.5.preemption_capability"
        ),
        same(
            "attributes.AllocationRetentionPriority.preemption_vulnerability",
            "attributes.5.preemption_vulnerability"
        ),
        same("attributes.AggregateMaxDlBitRate", "attributes.6.rate"),
        same("attributes.AggregateMaxUlBitRate", "attributes.7.rate"),
        same("attributes.GuaranteedDlBitRate", "attributes.8.rate"),
        same("attributes.GuaranteedUlBitRate", "attributes.9.rate"),
        same(
            "attributes.QosVendorSpecific.vendor_id",
            "attributes.11.vendor"
        ),
        same(
            "attributes.QosVendorSpecific.sub_type",
            "attributes.11.subtype"
        ),
        same("attributes.QosVendorSpecific.data", "attributes.11.data"),
        zero("attributes.1.reserved"),
        zero("attributes.2.reserved"),
        zero("attributes.3.reserved"),
        zero("attributes.4.reserved"),
        zero("attributes.5.reserved"),
        zero("attributes.6.reserved"),
        zero("attributes.7.reserved"),
        zero("attributes.8.reserved"),
        zero("attributes.9.reserved"),
        zero("attributes.10.reserved"),
        zero("attributes.11.reserved"),
        same("attributes.Unknown.number", "attributes.other.type"),
        same("attributes.Unknown.data", "attributes.other.data"),
    ]
);

/// Type 62.
pub(super) const LMA_CONTROLLED_MAG_PARAMETERS: &[Row] = &[
    times(
        "sub_options.BindingReregistrationControl.start_time",
        "suboptions.1.start_time",
        UNIT,
    ),
    times(
        "sub_options.BindingReregistrationControl.initial_retransmission_time",
        "suboptions.1.initial_retransmission",
        SECOND,
    ),
    times(
        "sub_options.BindingReregistrationControl.maximum_retransmission_time",
        "suboptions.1.max_retransmission",
        SECOND,
    ),
    times(
        "sub_options.HeartbeatControl.interval",
        "suboptions.2.interval",
        SECOND,
    ),
    times(
        "sub_options.HeartbeatControl.retransmission_delay",
        "suboptions.2.retransmission_delay",
        SECOND,
    ),
    same(
        "sub_options.HeartbeatControl.max_retransmissions",
        "suboptions.2.max_retransmissions",
    ),
    same("sub_options.Unknown.number", "suboptions.other.type"),
    same("sub_options.Unknown.data", "suboptions.other.data"),
];
