use alloc::collections::BTreeMap;
use alloc::string::String;

use pmip_wire::types::Label;
use smallvec::SmallVec;

/// A mobile map: entries 1 to 255, evaluated in that order; the first whose access list permits a
/// flow decides where it goes.
///
/// `mobile-map NAME SEQ` of the domain. What no entry matches is the default class: every usable
/// path, by weight.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "UncheckedMap"))]
pub struct MobileMap {
    entries: BTreeMap<u8, MapEntry>,
}

impl MobileMap {
    /// A map without entries.
    pub const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
        }
    }

    /// Puts an entry at a sequence number, in place of what was there.
    ///
    /// # Errors
    /// [`MobileMapError::Sequence`] for 0.
    pub fn insert(
        &mut self,
        sequence: u8,
        entry: MapEntry,
    ) -> Result<Option<MapEntry>, MobileMapError> {
        if sequence == 0 {
            return Err(MobileMapError::Sequence);
        }
        Ok(self.entries.insert(sequence, entry))
    }

    /// Removes an entry.
    pub fn remove(&mut self, sequence: u8) -> Option<MapEntry> {
        self.entries.remove(&sequence)
    }

    /// All entries with their sequence numbers, in order.
    pub fn entries(&self) -> impl Iterator<Item = (u8, &MapEntry)> {
        self.entries
            .iter()
            .map(|(sequence, entry)| (*sequence, entry))
    }
}

/// One entry of a [`MobileMap`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "kebab-case"))]
#[non_exhaustive]
pub struct MapEntry {
    /// `match access-list NAME`: the entry matches what the list permits. `None` matches
    /// everything.
    pub access_list: Option<String>,
    /// `set link-type ...`; `None` is the default class, which exempts traffic from later entries.
    pub links: Option<LinkPreference>,
    /// `traffic-profile NAME`: only paths that meet it, and of these the best label's; where none
    /// meets it, the one that violates least.
    pub traffic_profile: Option<String>,
    /// `strict`: traffic is dropped while no path meets the profile.
    pub strict: bool,
}

impl MapEntry {
    /// An entry that matches everything and sets nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// With `match access-list NAME`.
    #[must_use]
    pub fn with_access_list(mut self, name: impl Into<String>) -> Self {
        self.access_list = Some(name.into());
        self
    }

    /// With `traffic-profile NAME`.
    #[must_use]
    pub fn with_traffic_profile(mut self, name: impl Into<String>) -> Self {
        self.traffic_profile = Some(name.into());
        self
    }

    /// With `strict`.
    #[must_use]
    pub const fn with_strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// With `set link-type ...`.
    #[must_use]
    pub fn with_links(mut self, links: LinkPreference) -> Self {
        self.links = Some(links);
        self
    }
}

/// `set link-type L1 [L2] [L3] [null]`: labels in order of preference.
///
/// The next label counts only while the former has no usable path; among the paths of one label
/// the load is balanced. With `null`, traffic is dropped when no label has a usable path; without
/// it, the default class takes it. Labels beyond the third are refused; none but `null` drops all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "UncheckedLinks", into = "UncheckedLinks")
)]
pub struct LinkPreference {
    labels: SmallVec<[Label; 3]>,
    null: bool,
}

impl LinkPreference {
    /// The most labels.
    pub const MAX_LABELS: usize = 3;

    /// These labels, without `null`.
    ///
    /// # Errors
    /// [`MobileMapError::Labels`] for none or more than three.
    pub fn new(labels: &[Label]) -> Result<Self, MobileMapError> {
        Self::build(labels, false)
    }

    /// These labels, then `null`.
    ///
    /// # Errors
    /// [`MobileMapError::Labels`] for more than three.
    pub fn with_null(labels: &[Label]) -> Result<Self, MobileMapError> {
        Self::build(labels, true)
    }

    /// The labels in order of preference.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Whether `null` ends the list.
    pub const fn null(&self) -> bool {
        self.null
    }

    fn build(labels: &[Label], null: bool) -> Result<Self, MobileMapError> {
        let least = usize::from(!null);
        if !(least..=Self::MAX_LABELS).contains(&labels.len()) {
            return Err(MobileMapError::Labels {
                given: labels.len(),
            });
        }
        Ok(Self {
            labels: SmallVec::from_slice(labels),
            null,
        })
    }
}

/// Why a mobile map cannot be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MobileMapError {
    /// Sequence number 0.
    #[error("a mobile-map entry has a sequence number of 1 to 255")]
    Sequence,
    /// No label and no `null`, or more than three labels.
    #[error("{given} link types: give one to three, or null")]
    Labels {
        /// How many were given.
        given: usize,
    },
}

/// What is read still has to pass [`LinkPreference::build`].
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
struct UncheckedLinks {
    labels: alloc::vec::Vec<Label>,
    #[serde(default)]
    null: bool,
}

#[cfg(feature = "serde")]
impl TryFrom<UncheckedLinks> for LinkPreference {
    type Error = MobileMapError;

    fn try_from(from: UncheckedLinks) -> Result<Self, MobileMapError> {
        Self::build(&from.labels, from.null)
    }
}

#[cfg(feature = "serde")]
impl From<LinkPreference> for UncheckedLinks {
    fn from(from: LinkPreference) -> Self {
        Self {
            labels: from.labels.to_vec(),
            null: from.null,
        }
    }
}

/// What is read still has to pass [`MobileMap::insert`].
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct UncheckedMap {
    entries: BTreeMap<u8, MapEntry>,
}

#[cfg(feature = "serde")]
impl TryFrom<UncheckedMap> for MobileMap {
    type Error = MobileMapError;

    fn try_from(from: UncheckedMap) -> Result<Self, MobileMapError> {
        let mut map = Self::new();
        for (sequence, entry) in from.entries {
            map.insert(sequence, entry)?;
        }
        Ok(map)
    }
}
