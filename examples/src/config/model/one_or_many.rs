//! A list that TOML may also write as its only element: `[domain.auth-option]` for one key,
//! `[[domain.auth-option]]` for several.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<T: Serialize, S: Serializer>(
    list: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match list {
        [only] => only.serialize(serializer),
        list => list.serialize(serializer),
    }
}

pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    deserializer.deserialize_any(OneOrMany(PhantomData))
}

struct OneOrMany<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table or an array of tables")
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Vec<T>, M::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|only| vec![only])
    }

    fn visit_seq<S: SeqAccess<'de>>(self, list: S) -> Result<Vec<T>, S::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}
