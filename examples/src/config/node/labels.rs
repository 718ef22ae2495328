//! Label names and the numbers that the engines use for them.

use pmip_wire::types::Label;

use crate::config::model::{Config, Domain};

/// Names of labels in one node, by number.
///
/// A name of the domain's `link-label` table has its number 1 to 255, which travels as If-Label;
/// any other name gets a number above 255, which travels as 0 (no label).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelTable {
    names: Vec<(Label, String)>,
}

impl LabelTable {
    /// The labels of a domain, and every other label name that `config` mentions.
    pub(super) fn new(config: &Config, domain: Option<&Domain>) -> Self {
        let mut table = Self::default();
        for label in domain
            .map(|domain| domain.link_labels.as_slice())
            .unwrap_or_default()
        {
            let number = Label(label.id);
            table.names.push((number, label.name.clone()));
        }
        for name in mentioned(config) {
            table.intern(name);
        }
        table
    }

    /// The number of a name; [`Label::NONE`] for a name that is not in the table.
    pub fn label(&self, name: &str) -> Label {
        let found = self.names.iter().find(|(_, known)| known == name);
        found.map_or(Label::NONE, |(label, _)| *label)
    }

    /// The name of a number.
    pub fn name(&self, label: Label) -> Option<&str> {
        let found = self.names.iter().find(|(known, _)| *known == label);
        found.map(|(_, name)| name.as_str())
    }

    /// Every label with its name.
    pub fn iter(&self) -> impl Iterator<Item = (Label, &str)> {
        self.names
            .iter()
            .map(|(label, name)| (*label, name.as_str()))
    }

    fn intern(&mut self, name: &str) {
        if self.names.iter().any(|(_, known)| known == name) {
            return;
        }
        let above = self.names.iter().map(|(label, _)| label.0).max();
        let next = above.unwrap_or(0).max(255) + 1;
        self.names.push((Label(next), name.to_owned()));
    }
}

/// Label names in the order of the file.
fn mentioned(config: &Config) -> Vec<&str> {
    let mut names = Vec::new();
    for mag in &config.mags {
        for interface in &mag.roaming_interface {
            names.push(interface.label.as_deref().unwrap_or(&interface.name));
        }
        names.extend(
            mag.heartbeat
                .iter()
                .filter_map(|line| line.label.as_deref()),
        );
        let links = mag.hybrid_access.iter().flat_map(|service| &service.link);
        names.extend(links.map(|link| link.label.as_str()));
    }
    for lma in &config.lmas {
        names.extend(
            lma.heartbeat
                .iter()
                .filter_map(|line| line.label.as_deref()),
        );
        let links = lma.hybrid_access.iter().flat_map(|service| &service.link);
        names.extend(links.map(|link| link.label.as_str()));
    }
    for domain in &config.domains {
        let entries = domain.mobile_maps.iter().flat_map(|map| &map.entries);
        names.extend(entries.flat_map(|entry| entry.link_type.iter().map(String::as_str)));
    }
    names
}
