//! To wire messages.

use std::net::IpAddr;

use pmip_wire::types::IpPrefix;
use pmip_wire::{
    AccessTechnologyType, BindingAckFlags, BindingAcknowledgement, BindingUpdate,
    BindingUpdateFlags, DelegatedMobileNetworkPrefix, HandoffIndicator, HomeNetworkPrefix,
    InvalidOption, Ipv4DhcpSupportMode, Ipv4HomeAddressReply, Ipv4HomeAddressRequest,
    Ipv4HomeAddressStatus, Lifetime, LinkLayerIdentifier, MagIdentifier, MagMultipathBinding,
    MnIdSubtype, MobileNodeIdentifier, MobilityOption, MobilityOptions, NatDetection,
    SequenceNumber, ServiceSelection, Status, Timestamp,
};

use super::{Acknowledgement, Common, Identifier, Multipath, Update};

/// Writes options one behind the other. What does not fit in a Mobility Header is left out; the
/// limits on prefixes keep every message that an engine builds far from that.
#[derive(Default)]
pub(crate) struct Options(MobilityOptions);

impl Options {
    #[inline]
    pub(crate) fn push<'a>(&mut self, option: impl Into<MobilityOption<&'a [u8]>>) {
        let _full = self.0.push_borrowed(&option.into());
    }

    /// Leaves out what can't be written.
    #[inline]
    pub(crate) fn push_ok<'a, T: Into<MobilityOption<&'a [u8]>>, E>(
        &mut self,
        option: Result<T, E>,
    ) {
        if let Ok(option) = option {
            self.push(option);
        }
    }

    #[inline]
    fn push_some<'a, T: Into<MobilityOption<&'a [u8]>>, E>(
        &mut self,
        option: Option<Result<T, E>>,
    ) {
        if let Some(option) = option {
            self.push_ok(option);
        }
    }

    /// Adds one that holds its own octets.
    fn push_owned(&mut self, option: impl Into<MobilityOption>) {
        let _full = self.0.push(option);
    }

    pub(crate) fn into_inner(self) -> MobilityOptions {
        self.0
    }
}

impl Update {
    pub(crate) fn to_wire(&self) -> BindingUpdate {
        let mut flags = BindingUpdateFlags::PROXY;
        flags.set(BindingUpdateFlags::ACKNOWLEDGE, self.acknowledge);
        let home = BindingUpdateFlags::HOME_REGISTRATION;
        flags.set(home, self.home_registration);
        flags.set(BindingUpdateFlags::FORCE_UDP, self.force_udp);
        flags.set(BindingUpdateFlags::TLV_HEADER, self.common.tlv_header);
        let mut options = Options::default();
        self.common.push_identity(&mut options);
        if let Some(Ok(service)) = self.service.as_deref().map(service_selection) {
            options.push_owned(service);
        }
        for &(address, length) in &self.home_requests {
            options.push_some(Some(Ipv4HomeAddressRequest::new(address, length)));
        }
        self.common.push_rest(&mut options);
        match self.alternate_care_of {
            Some(IpAddr::V6(address)) => {
                options.push(MobilityOption::AlternateCareOfAddress(address));
            }
            Some(IpAddr::V4(address)) => {
                options.push(MobilityOption::AlternateIpv4CareOfAddress(address));
            }
            None => {}
        }
        if let Some(address) = self.ipv4_care_of {
            options.push(MobilityOption::Ipv4CareOfAddress(address));
        }
        options.push_some(self.mag_id.as_ref().map(Identifier::to_mag_identifier));
        for vendor in &self.vendor {
            options.push_owned(vendor.clone());
        }
        if self.redirect_capable {
            options.push(MobilityOption::RedirectCapability(()));
        }
        BindingUpdate {
            sequence: SequenceNumber(self.common.sequence),
            flags,
            lifetime: Lifetime::from_units(self.common.lifetime),
            options: options.into_inner(),
        }
    }
}

impl Acknowledgement {
    pub(crate) fn to_wire(&self) -> BindingAcknowledgement {
        let mut flags = BindingAckFlags::PROXY;
        flags.set(BindingAckFlags::TLV_HEADER, self.common.tlv_header);
        let mut options = Options::default();
        self.common.push_identity(&mut options);
        options.push_some(self.home_reply.map(|reply| {
            let status = Ipv4HomeAddressStatus::from_code(reply.status);
            Ipv4HomeAddressReply::new(status, reply.address, reply.prefix_length)
        }));
        if let Some(router) = self.default_router {
            options.push(MobilityOption::Ipv4DefaultRouterAddress(router));
        }
        if let Some(server) = self.dhcp_server {
            options.push(Ipv4DhcpSupportMode { server });
        }
        self.common.push_rest(&mut options);
        if let Some((force_udp, refresh_time)) = self.nat_detection {
            options.push(NatDetection {
                force_udp,
                refresh_time,
            });
        }
        if let Some(address) = self.alternate_ipv4_care_of {
            options.push(MobilityOption::AlternateIpv4CareOfAddress(address));
        }
        if let Some(parameters) = &self.controlled {
            options.push_owned(parameters.clone());
        }
        if let Some(address) = self.redirect {
            options.push(MobilityOption::Redirect(address));
        }
        if let Some(load) = self.load {
            options.push(load);
        }
        BindingAcknowledgement {
            status: Status::from_code(self.status),
            flags,
            sequence: SequenceNumber(self.common.sequence),
            lifetime: Lifetime::from_units(self.common.lifetime),
            options: options.into_inner(),
        }
    }
}

impl Common {
    fn push_identity(&self, options: &mut Options) {
        options.push_some(self.mn_id.as_ref().map(Identifier::to_mn_identifier));
        for prefix in &self.home_prefixes {
            if let IpAddr::V6(address) = prefix.address() {
                options.push_some(Some(HomeNetworkPrefix::new(address, prefix.length())));
            }
        }
    }

    fn push_rest(&self, options: &mut Options) {
        if let Some(code) = self.handoff {
            options.push(HandoffIndicator::from_code(code));
        }
        if let Some(code) = self.access_technology {
            options.push(AccessTechnologyType::from_code(code));
        }
        options.push_some(
            self.link_layer
                .as_deref()
                .map(LinkLayerIdentifier::borrowed),
        );
        if let Some(address) = self.link_local {
            options.push(MobilityOption::LinkLocalAddress(address));
        }
        if let Some(bits) = self.timestamp {
            options.push(Timestamp::from_bits(bits));
        }
        for prefix in &self.delegated {
            options.push(delegated(*prefix));
        }
        if let Some(multipath) = &self.multipath {
            options.push(multipath.to_wire());
        }
        if let Some(gre) = self.gre {
            options.push(gre);
        }
        if let Some(network) = &self.access_network {
            options.push_owned(network.clone());
        }
    }
}

impl Multipath {
    pub(crate) fn to_wire(self) -> MagMultipathBinding {
        MagMultipathBinding {
            access_technology: AccessTechnologyType::from_code(self.access_technology),
            label: self.label,
            binding_id: self.binding_id,
            bulk: self.bulk,
            overwrite: self.overwrite,
        }
    }
}

impl Identifier {
    pub(crate) fn to_mag_identifier(&self) -> Result<MagIdentifier<&[u8]>, InvalidOption> {
        let subtype = MnIdSubtype::from_code(self.subtype);
        MagIdentifier::borrowed(subtype, &self.octets)
    }

    pub(crate) fn to_mn_identifier(&self) -> Result<MobileNodeIdentifier<&[u8]>, InvalidOption> {
        let subtype = MnIdSubtype::from_code(self.subtype);
        MobileNodeIdentifier::borrowed(subtype, &self.octets)
    }
}

/// A name that is no text can't have come from us.
fn service_selection(name: &[u8]) -> Result<ServiceSelection, InvalidOption> {
    ServiceSelection::new(&String::from_utf8_lossy(name))
}

fn delegated(prefix: IpPrefix) -> DelegatedMobileNetworkPrefix {
    prefix.into()
}
