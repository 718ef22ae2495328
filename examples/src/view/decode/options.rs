//! Mobility options as JSON.

use pmip_wire::{DecodeError, MobilityOption, OptionType, RawOption};
use serde_json::{Map, Value, json};

use super::hex;

/// One option of the contract; `raw` adds its octets.
pub(super) fn option(raw_option: RawOption<'_>, raw: bool) -> Result<Value, DecodeError> {
    let typed = raw_option.decode()?;
    let option_type = raw_option.option_type();
    let mut tree = Map::new();
    tree.insert("type".into(), json!(u8::from(option_type)));
    tree.insert("name".into(), json!(name(option_type, typed.as_ref())));
    tree.insert("offset".into(), json!(raw_option.offset()));
    tree.insert("length".into(), json!(raw_option.data().len()));
    if let Some(Value::Object(fields)) = typed.as_ref().map(fields) {
        tree.extend(fields);
    }
    if raw {
        tree.insert("data".into(), json!(hex(raw_option.data())));
    }
    Ok(Value::Object(tree))
}

/// Options that are kept as they are have no name that promises fields.
fn name(option_type: OptionType, typed: Option<&MobilityOption<&[u8]>>) -> String {
    match typed {
        Some(MobilityOption::Unknown(_)) => "Unknown".into(),
        Some(_) | None => format!("{option_type:?}"),
    }
}

fn fields(option: &MobilityOption<&[u8]>) -> Value {
    match option {
        MobilityOption::AlternateCareOfAddress(address)
        | MobilityOption::LinkLocalAddress(address) => json!({ "address": address }),
        MobilityOption::Ipv4CareOfAddress(address)
        | MobilityOption::Ipv4DefaultRouterAddress(address)
        | MobilityOption::AlternateIpv4CareOfAddress(address) => json!({ "address": address }),
        MobilityOption::MobileNodeIdentifier(id) => {
            identifier(id.subtype().into(), id.identifier())
        }
        MobilityOption::MagIdentifier(id) => identifier(id.subtype().into(), id.identifier()),
        MobilityOption::VendorSpecific(vendor) => json!({
            "vendor_id": vendor.vendor_id(),
            "sub_type": vendor.sub_type(),
            "vendor_data": hex(vendor.data()),
        }),
        MobilityOption::HomeNetworkPrefix(prefix) => json!({
            "off_link": prefix.off_link(),
            "prefix_length": prefix.length(),
            "prefix": prefix.prefix(),
        }),
        MobilityOption::HandoffIndicator(indicator) => json!({
            "handoff_indicator": u8::from(*indicator),
            "handoff_indicator_name": format!("{indicator:?}"),
        }),
        MobilityOption::AccessTechnologyType(technology) => json!({
            "access_technology_type": u8::from(*technology),
            "access_technology_type_name": format!("{technology:?}"),
        }),
        MobilityOption::LinkLayerIdentifier(id) => json!({
            "link_layer_identifier": hex(id.identifier()),
        }),
        MobilityOption::Timestamp(timestamp) => json!({
            "timestamp": format!("{:016x}", timestamp.to_bits()),
            "unix_seconds": timestamp.as_unix().as_secs_f64(),
        }),
        MobilityOption::RestartCounter(counter) => json!({ "restart_counter": counter }),
        MobilityOption::NatDetection(nat) => json!({
            "force_udp": nat.force_udp,
            "refresh_time": nat.refresh_time,
        }),
        MobilityOption::Ipv4HomeAddressRequest(request) => json!({
            "prefix_length": request.prefix_length(),
            "address": request.address(),
        }),
        MobilityOption::Ipv4HomeAddressReply(reply) => json!({
            "status": u8::from(reply.status()),
            "prefix_length": reply.prefix_length(),
            "address": reply.address(),
        }),
        MobilityOption::Ipv4DhcpSupportMode(mode) => json!({ "server": mode.server }),
        MobilityOption::DelegatedMobileNetworkPrefix(prefix) => json!({
            "ipv4": prefix.is_ipv4(),
            "prefix_length": prefix.length(),
            "prefix": prefix.prefix(),
        }),
        MobilityOption::MagMultipathBinding(binding) => json!({
            "interface_access_technology": u8::from(binding.access_technology),
            "interface_label": binding.label,
            "binding_id": binding.binding_id,
            "bulk": binding.bulk,
            "overwrite": binding.overwrite,
        }),
        MobilityOption::Unknown(unknown) => json!({ "data": hex(unknown.data()) }),
        _ => json!({}),
    }
}

/// An identifier as text where it is text, else in hexadecimal.
fn identifier(subtype: u8, octets: &[u8]) -> Value {
    let text = std::str::from_utf8(octets).ok();
    let text = text.filter(|text| !text.contains(char::is_control));
    json!({
        "subtype": subtype,
        "identifier": text.map_or_else(|| hex(octets), str::to_owned),
    })
}
