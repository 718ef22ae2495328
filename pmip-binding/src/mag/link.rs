//! Telling the anchor the names and weights of roaming interfaces.

use crate::config::RoamingInterface;
use crate::link::{Link, Weights};
use crate::message::Update;

use super::Mag;

impl Mag {
    /// Puts the vendor options about a roaming interface into a PBU that registers it.
    pub(super) fn name_link(&self, about: u8, update: &mut Update) {
        let index = usize::from(about).saturating_sub(1);
        let interface = self.config.roaming_interfaces.get(index);
        if let (Some(enterprise), Some(interface)) = (self.config.vendor_info, interface)
            && update.common.lifetime > 0
        {
            update.vendor = link(interface).write(enterprise);
        }
    }
}

fn link(interface: &RoamingInterface) -> Link {
    let octet = |weight: u32| u8::try_from(weight).ok();
    let down = interface.down_weight.unwrap_or(interface.weight);
    let weights = octet(interface.weight).zip(octet(down));
    Link {
        label: interface.label_name.clone(),
        interface: Some(interface.name.clone()),
        weights: weights.map(|(up, down)| Weights { up, down }),
    }
}
