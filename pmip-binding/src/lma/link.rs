//! Learning the names and weights of the gateways' roaming interfaces.

use pmip_wire::types::{Label, PathId};

use crate::event::{Event, PathEvent};
use crate::link::Link;

use super::Lma;
use super::judge::Request;
use super::paths::Path;

impl Lma {
    /// What a PBU tells of its link, if we listen.
    pub(super) fn link_of(&self, request: &Request) -> Option<Box<Link>> {
        let enterprise = self.config.vendor_info?;
        Link::read(enterprise, &request.update.vendor).map(Box::new)
    }

    /// The label of a path: its number, else the one that its name has here.
    pub(super) fn label_of(&self, request: &Request, link: Option<&Link>) -> Label {
        let number = request.multipath.map_or(0, |multipath| multipath.label);
        let name = link.and_then(|link| link.label.as_deref());
        let named = name.and_then(|name| self.config.label(name));
        match number {
            0 => named.unwrap_or(Label::NONE),
            number => Label::from(number),
        }
    }

    /// The weight of a path in our sending direction: what is configured wins over what the
    /// gateway tells.
    pub(super) fn weight_of(&self, label: Label, link: Option<&Link>) -> u32 {
        let told = link.and_then(|link| link.weights);
        let told = told.map(|weights| u32::from(weights.down));
        let configured = self.config.configured_weight(label);
        configured.or(told).unwrap_or(1)
    }

    /// Tells the driver of a path's names if they changed.
    pub(super) fn report_link(&mut self, id: PathId) {
        let Some(path) = self.paths.watch_mut(id) else {
            return;
        };
        if std::mem::replace(&mut path.link_told, true) {
            return;
        }
        let event = PathEvent::Link {
            path: id,
            label_name: path.label_name(),
            interface: path.interface(),
        };
        self.emit(Event::Path(event));
    }
}

impl Path {
    pub(super) fn set_link(&mut self, link: Option<Box<Link>>) {
        self.link_told &= self.link == link;
        self.link = link;
    }

    /// The name of the label, as the gateway has it.
    pub(super) fn label_name(&self) -> Option<String> {
        self.link.as_ref()?.label.clone()
    }

    /// The name of the roaming interface, as the gateway has it.
    pub(super) fn interface(&self) -> Option<String> {
        self.link.as_ref()?.interface.clone()
    }
}
