//! From wire messages.

use bytes::Bytes;
use std::net::IpAddr;

use pmip_wire::{
    BindingAckFlags, BindingAcknowledgement, BindingUpdate, BindingUpdateFlags, MagIdentifier,
    MagMultipathBinding, MobilityOption, MobilityOptions,
};

use super::{Acknowledgement, Common, HomeReply, Identifier, LinkLayer, Multipath, Update};

impl Update {
    /// `None` for a Binding Update that is no Proxy Binding Update.
    pub(crate) fn from_wire(message: &BindingUpdate) -> Option<Self> {
        if !message.is_proxy() {
            return None;
        }
        let flags = message.flags;
        let mut update = Self {
            acknowledge: flags.contains(BindingUpdateFlags::ACKNOWLEDGE),
            home_registration: flags.contains(BindingUpdateFlags::HOME_REGISTRATION),
            force_udp: flags.contains(BindingUpdateFlags::FORCE_UDP),
            distributed: flags.contains(BindingUpdateFlags::DISTRIBUTED),
            ..Self::default()
        };
        update.common.sequence = message.sequence.0;
        update.common.lifetime = message.lifetime.as_units();
        update.common.tlv_header = flags.contains(BindingUpdateFlags::TLV_HEADER);
        message
            .options
            .iter()
            .for_each(|option| update.take(option));
        update.common.drop_zero_link_layer();
        Some(update)
    }

    /// Of options that come once the first counts.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most options are none of a PBU's, and those of both directions are taken apart"
    )]
    fn take(&mut self, option: MobilityOption<&[u8]>) {
        match option {
            // Over IPv6 the care-of address is an IPv6 one, whatever else is named.
            MobilityOption::AlternateCareOfAddress(address) => {
                if !matches!(self.alternate_care_of, Some(IpAddr::V6(_))) {
                    self.alternate_care_of = Some(address.into());
                }
            }
            MobilityOption::AlternateIpv4CareOfAddress(address) => {
                first(&mut self.alternate_care_of, || address.into());
            }
            MobilityOption::Ipv4CareOfAddress(address) => {
                first(&mut self.ipv4_care_of, || address);
            }
            MobilityOption::Ipv4HomeAddressRequest(request) => {
                let asked = (request.address(), request.prefix_length());
                self.home_requests.push(asked);
            }
            MobilityOption::MagIdentifier(id) => {
                first(&mut self.mag_id, || Identifier::from_wire(&id));
            }
            MobilityOption::ServiceSelection(service) => {
                first(&mut self.service, || {
                    Bytes::copy_from_slice(service.identifier())
                });
            }
            MobilityOption::VendorSpecific(vendor) => self.vendor.push(vendor.to_bytes()),
            MobilityOption::RedirectCapability(()) => self.redirect_capable = true,
            other => self.common.take(&other),
        }
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
        let mut answer = Self {
            proxy: flags.contains(BindingAckFlags::PROXY),
            status: message.status.code(),
            ..Self::default()
        };
        answer.common.sequence = message.sequence.0;
        answer.common.lifetime = message.lifetime.as_units();
        answer.common.tlv_header = flags.contains(BindingAckFlags::TLV_HEADER);
        message
            .options
            .iter()
            .for_each(|option| answer.take(option));
        answer.common.drop_zero_link_layer();
        Some(answer)
    }

    /// As [`Update::take`].
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most options are none of a PBA's, and those of both directions are taken apart"
    )]
    fn take(&mut self, option: MobilityOption<&[u8]>) {
        match option {
            MobilityOption::Ipv4HomeAddressReply(reply) => {
                first(&mut self.home_reply, || HomeReply {
                    status: reply.status().code(),
                    address: reply.address(),
                    prefix_length: reply.prefix_length(),
                });
            }
            MobilityOption::Ipv4DefaultRouterAddress(router) => {
                first(&mut self.default_router, || router);
            }
            MobilityOption::NatDetection(nat) => {
                first(&mut self.nat_detection, || {
                    (nat.force_udp, nat.refresh_time)
                });
            }
            MobilityOption::Ipv4DhcpSupportMode(mode) => {
                first(&mut self.dhcp_server, || mode.server);
            }
            MobilityOption::AlternateIpv4CareOfAddress(address) => {
                first(&mut self.alternate_ipv4_care_of, || address);
            }
            MobilityOption::LmaControlledMagParameters(controlled) => {
                first(&mut self.controlled, || controlled.to_bytes());
            }
            MobilityOption::Redirect(target) => first(&mut self.redirect, || target),
            MobilityOption::LoadInformation(load) => first(&mut self.load, || load),
            other => self.common.take(&other),
        }
    }
}

impl Common {
    /// Options of both directions. Of those that come once the first counts.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "most options are none of registrations"
    )]
    fn take(&mut self, option: &MobilityOption<&[u8]>) {
        match option {
            MobilityOption::MobileNodeIdentifier(id) => {
                first(&mut self.mn_id, || {
                    Identifier::new(id.subtype().code(), id.identifier())
                });
            }
            MobilityOption::HomeNetworkPrefix(prefix) => {
                self.home_prefixes.push(prefix.to_prefix());
            }
            MobilityOption::HandoffIndicator(handoff) => {
                first(&mut self.handoff, || handoff.code());
            }
            MobilityOption::AccessTechnologyType(technology) => {
                first(&mut self.access_technology, || technology.code());
            }
            MobilityOption::LinkLayerIdentifier(id) => {
                first(&mut self.link_layer, || {
                    LinkLayer::from_slice(id.identifier())
                });
            }
            MobilityOption::LinkLocalAddress(address) => {
                first(&mut self.link_local, || *address);
            }
            MobilityOption::Timestamp(timestamp) => {
                first(&mut self.timestamp, || timestamp.to_bits());
            }
            MobilityOption::DelegatedMobileNetworkPrefix(prefix) => {
                self.delegated.push(prefix.to_prefix());
            }
            MobilityOption::MagMultipathBinding(multipath) => {
                first(&mut self.multipath, || Multipath::from_wire(multipath));
            }
            MobilityOption::GreKey(key) => first(&mut self.gre, || *key),
            MobilityOption::AccessNetworkIdentifier(network) => {
                first(&mut self.access_network, || network.to_bytes());
            }
            _ => {}
        }
    }

    /// One whose octets are all zero is the same as none (RFC 5213 section 2.2), and so is one
    /// behind it, for the first counts.
    fn drop_zero_link_layer(&mut self) {
        self.link_layer
            .take_if(|id| id.iter().all(|octet| *octet == 0));
    }
}

/// Keeps the first value.
fn first<T>(slot: &mut Option<T>, value: impl FnOnce() -> T) {
    if slot.is_none() {
        *slot = Some(value());
    }
}

impl Multipath {
    pub(crate) fn from_options(options: &MobilityOptions) -> Option<Self> {
        let wire = options.mag_multipath_binding()?;
        Some(Self::from_wire(&wire))
    }

    fn from_wire(wire: &MagMultipathBinding) -> Self {
        Self {
            access_technology: wire.access_technology.code(),
            label: wire.label,
            binding_id: wire.binding_id,
            bulk: wire.bulk,
            overwrite: wire.overwrite,
        }
    }
}

impl Identifier {
    pub(crate) fn from_wire(id: &MagIdentifier<&[u8]>) -> Self {
        Self::new(id.subtype().code(), id.identifier())
    }
}
