//! From wire messages.

use bytes::Bytes;
use std::net::IpAddr;

use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingUpdate, BindingUpdateFlags, MagIdentifier,
    MobilityOptions, OptionType,
};

use super::{Acknowledgement, Common, HomeReply, Identifier, Multipath, Update};

impl Update {
    /// `None` for a Binding Update that is no Proxy Binding Update.
    pub(crate) fn from_wire(message: &BindingUpdate) -> Option<Self> {
        if !message.is_proxy() {
            return None;
        }
        let options = &message.options;
        let ipv6 = options.alternate_care_of_address().map(IpAddr::V6);
        let ipv4 = options.alternate_ipv4_care_of_address().map(IpAddr::V4);
        let requests = options.ipv4_home_address_requests();
        Some(Self {
            common: Common {
                sequence: message.sequence.0,
                lifetime: message.lifetime.as_units(),
                tlv_header: message.flags.contains(BindingUpdateFlags::TLV_HEADER),
                ..Common::from_options(options)
            },
            acknowledge: message.flags.contains(BindingUpdateFlags::ACKNOWLEDGE),
            home_registration: message
                .flags
                .contains(BindingUpdateFlags::HOME_REGISTRATION),
            force_udp: message.flags.contains(BindingUpdateFlags::FORCE_UDP),
            distributed: message.flags.contains(BindingUpdateFlags::DISTRIBUTED),
            alternate_care_of: ipv6.or(ipv4),
            ipv4_care_of: options.ipv4_care_of_address(),
            home_requests: requests
                .map(|request| (request.address(), request.prefix_length()))
                .collect(),
            mag_id: options
                .mag_identifier()
                .map(|id| Identifier::from_wire(&id)),
            service: options
                .service_selection()
                .map(|service| Bytes::copy_from_slice(service.identifier())),
            vendor: options
                .vendor_specific()
                .map(|vendor| vendor.to_bytes())
                .collect(),
            redirect_capable: options
                .iter()
                .any(|option| option.option_type() == OptionType::RedirectCapability),
        })
    }
}

impl Acknowledgement {
    /// `None` for one of distributed mobility, which a gateway without that must ignore (RFC 8885
    /// section 4.2).
    pub(crate) fn from_wire(message: &BindingAcknowledgement) -> Option<Self> {
        let flags = message.flags;
        if flags.contains(BindingAckFlags::DISTRIBUTED) {
            return None;
        }
        let options = &message.options;
        let nat = options.nat_detection();
        Some(Self {
            common: Common {
                sequence: message.sequence.0,
                lifetime: message.lifetime.as_units(),
                tlv_header: flags.contains(BindingAckFlags::TLV_HEADER),
                ..Common::from_options(options)
            },
            proxy: flags.contains(BindingAckFlags::PROXY),
            status: message.status.code(),
            home_reply: options.ipv4_home_address_reply().map(|reply| HomeReply {
                status: reply.status().code(),
                address: reply.address(),
                prefix_length: reply.prefix_length(),
            }),
            default_router: options.ipv4_default_router_address(),
            nat_detection: nat.map(|nat| (nat.force_udp, nat.refresh_time)),
            dhcp_server: options.ipv4_dhcp_support_mode().map(|mode| mode.server),
            alternate_ipv4_care_of: options.alternate_ipv4_care_of_address(),
            controlled: options
                .lma_controlled_mag_parameters()
                .map(|controlled| controlled.to_bytes()),
            redirect: options.redirect(),
            load: options.load_information(),
        })
    }
}

impl Common {
    fn from_options(options: &MobilityOptions) -> Self {
        let link_layer = options.link_layer_identifier();
        let link_layer = link_layer.filter(|id| !id.is_all_zero());
        let prefixes = options.home_network_prefixes();
        let delegated = options.delegated_mobile_network_prefixes();
        let technology = options.access_technology_type();
        Self {
            sequence: 0,
            lifetime: 0,
            mn_id: options.mn_identifier().map(|id| Identifier {
                subtype: id.subtype().code(),
                octets: Bytes::copy_from_slice(id.identifier()),
            }),
            home_prefixes: prefixes.map(|prefix| prefix.to_prefix()).collect(),
            handoff: options.handoff_indicator().map(|code| code.code()),
            access_technology: technology.map(|code| code.code()),
            link_layer: link_layer.map(|id| Bytes::copy_from_slice(id.identifier())),
            link_local: options.link_local_address(),
            timestamp: options.timestamp().map(|timestamp| timestamp.to_bits()),
            delegated: delegated.map(|prefix| prefix.to_prefix()).collect(),
            multipath: Multipath::from_options(options),
            gre: options.gre_key(),
            tlv_header: false,
            access_network: options
                .access_network_identifier()
                .map(|network| network.to_bytes()),
        }
    }
}

impl Multipath {
    pub(crate) fn from_options(options: &MobilityOptions) -> Option<Self> {
        let wire = options.mag_multipath_binding()?;
        Some(Self {
            access_technology: wire.access_technology.code(),
            label: wire.label,
            binding_id: wire.binding_id,
            bulk: wire.bulk,
            overwrite: wire.overwrite,
        })
    }
}

impl Identifier {
    pub(crate) fn from_wire(id: &MagIdentifier<&[u8]>) -> Self {
        Self {
            subtype: id.subtype().code(),
            octets: Bytes::copy_from_slice(id.identifier()),
        }
    }
}
