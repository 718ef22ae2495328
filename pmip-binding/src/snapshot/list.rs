//! Records as a list, for their keys are in them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Record;

pub(super) fn serialize<S, R>(
    records: &BTreeMap<R::Key, R>,
    serializer: S,
) -> Result<S::Ok, S::Error>
where
    S: Serializer,
    R: Record + Serialize,
{
    serializer.collect_seq(records.values())
}

pub(super) fn deserialize<'de, D, R>(deserializer: D) -> Result<BTreeMap<R::Key, R>, D::Error>
where
    D: Deserializer<'de>,
    R: Record + Deserialize<'de>,
{
    deserializer.deserialize_seq(List(PhantomData))
}

struct List<R>(PhantomData<R>);

impl<'de, R: Record + Deserialize<'de>> Visitor<'de> for List<R> {
    type Value = BTreeMap<R::Key, R>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut records = BTreeMap::new();
        while let Some(record) = list.next_element::<R>()? {
            super::put(&mut records, record);
        }
        Ok(records)
    }
}
