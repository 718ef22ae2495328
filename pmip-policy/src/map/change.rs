use alloc::string::String;

/// The mobile map that is in force on a node, and the rule by which it may be changed.
///
/// Several maps may exist, one is active per node at a time. The guide's rule: a map and its entries
/// are made or changed only while no binding exists.
///
/// ```
/// use pmip_policy::ActiveMap;
///
/// let active = ActiveMap::new("MAP1");
/// assert!(active.may_change("MAP2", 5).is_ok());
/// assert!(active.may_change("MAP1", 0).is_ok());
/// let refused = active.may_change("MAP1", 5).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "mobile-map MAP1 is active and 5 bindings exist: clear them (clear ipv6 mobile pmipv6 \
///      binding all), change the map, and they will register anew"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActiveMap {
    name: Option<String>,
}

impl ActiveMap {
    /// `mobile-map NAME` of the MAG or LMA.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
        }
    }

    /// No map: all traffic is of the default class.
    pub const fn none() -> Self {
        Self { name: None }
    }

    /// Its name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether the map `name`, or an entry of it, may be changed, with so many bindings there. A map
    /// that is not active may always.
    ///
    /// # Errors
    /// [`MapChangeRefused::InUse`], which says what to do.
    pub fn may_change(&self, name: &str, bindings: usize) -> Result<(), MapChangeRefused> {
        if bindings == 0 || self.name() != Some(name) {
            return Ok(());
        }
        Err(MapChangeRefused::InUse {
            map: name.into(),
            bindings,
        })
    }

    /// Whether this node may go over to another active map. It may always: taking a map off and
    /// setting it again is how changed access lists take effect.
    ///
    /// # Errors
    /// [`MapChangeRefused::Unknown`] for a map that does not exist.
    pub fn apply(&mut self, name: &str, exists: bool) -> Result<(), MapChangeRefused> {
        if !exists {
            return Err(MapChangeRefused::Unknown { map: name.into() });
        }
        self.name = Some(name.into());
        Ok(())
    }
}

/// Why a mobile map stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MapChangeRefused {
    /// It is active and bindings exist.
    #[error(
        "mobile-map {map} is active and {bindings} bindings exist: clear them (clear ipv6 mobile \
         pmipv6 binding all), change the map, and they will register anew"
    )]
    InUse {
        /// The map.
        map: String,
        /// How many.
        bindings: usize,
    },
    /// There is no such map.
    #[error("there is no mobile-map {map}: define its entries in the domain first")]
    Unknown {
        /// The name.
        map: String,
    },
}
