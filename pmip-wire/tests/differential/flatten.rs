//! A typed value as a flat list of named leaves, through its `Serialize`: independent of how the
//! value is encoded, and complete without a line for each type.

use std::fmt::Error;

use serde::ser::{
    Impossible, Serialize, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleVariant, Serializer,
};

type Done = Result<(), Error>;

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Leaf {
    Number(i128),
    Octets(Vec<u8>),
    /// A variant without data.
    Name(&'static str),
}

/// Leaves in the order of declaration, named by the path to them; members of a list share a name.
pub(crate) type Fields = Vec<(String, Leaf)>;

/// The leaves of `value`.
pub(crate) fn flatten(value: &impl Serialize) -> Fields {
    let mut flattener = Flattener::default();
    value.serialize(&mut flattener).expect("serializable");
    flattener.fields
}

#[derive(Default)]
struct Flattener {
    path: Vec<&'static str>,
    fields: Fields,
    /// Whether the leaf pushed last was an octet.
    octet: bool,
}

/// Where a list began: one of octets only is one leaf.
struct List<'a> {
    flattener: &'a mut Flattener,
    start: usize,
    octets: bool,
}

impl Flattener {
    fn leaf(&mut self, leaf: Leaf) -> Done {
        self.octet = false;
        self.fields.push((self.path.join("."), leaf));
        Ok(())
    }

    fn within(&mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Done {
        self.path.push(name);
        let result = value.serialize(&mut *self);
        self.path.pop();
        self.octet = false;
        result
    }

    fn list(&mut self) -> List<'_> {
        let start = self.fields.len();
        List {
            flattener: self,
            start,
            octets: true,
        }
    }
}

impl List<'_> {
    fn add(&mut self, value: &(impl Serialize + ?Sized)) -> Done {
        value.serialize(&mut *self.flattener)?;
        self.octets &= self.flattener.octet;
        Ok(())
    }

    fn close(self) -> Done {
        let fields = &mut self.flattener.fields;
        if !self.octets || fields.len() == self.start {
            return Ok(());
        }
        let octets = fields.split_off(self.start).into_iter();
        let octets = octets.map(|(_, leaf)| match leaf {
            Leaf::Number(octet) => octet as u8,
            Leaf::Octets(_) | Leaf::Name(_) => unreachable!("octets are numbers"),
        });
        let octets = octets.collect();
        self.flattener.leaf(Leaf::Octets(octets))
    }
}

macro_rules! numbers {
    ($($method:ident: $number:ty;)+) => {$(
        fn $method(self, number: $number) -> Done {
            self.leaf(Leaf::Number(i128::from(number)))
        }
    )+};
}

impl<'a> Serializer for &'a mut Flattener {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Variant<'a>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = &'a mut Flattener;
    type SerializeStructVariant = Variant<'a>;

    numbers! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
    }

    fn serialize_u8(self, number: u8) -> Done {
        self.leaf(Leaf::Number(number.into()))?;
        self.octet = true;
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Done {
        self.leaf(Leaf::Octets(text.as_bytes().to_vec()))
    }

    fn serialize_bytes(self, octets: &[u8]) -> Done {
        self.leaf(Leaf::Octets(octets.to_vec()))
    }

    fn serialize_none(self) -> Done {
        self.octet = false;
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.leaf(Leaf::Name(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        // The length of an address tells its family.
        if name == "IpAddr" {
            return value.serialize(self);
        }
        self.within(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Error> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Error> {
        Ok(self.list())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        self.octet = false;
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'a>, Error> {
        Ok(Variant::enter(self, variant))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Variant<'a>, Error> {
        Ok(Variant::enter(self, variant))
    }

    fn is_human_readable(&self) -> bool {
        false
    }

    fn serialize_unit(self) -> Done {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_none()
    }

    // What no wire value is made of.

    fn serialize_f32(self, _: f32) -> Done {
        Err(Error)
    }

    fn serialize_f64(self, _: f64) -> Done {
        Err(Error)
    }

    fn serialize_char(self, _: char) -> Done {
        Err(Error)
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Err(Error)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        Err(Error)
    }
}

impl SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.add(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl SerializeTuple for List<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.add(value)
    }

    fn end(self) -> Done {
        self.close()
    }
}

impl SerializeStruct for &mut Flattener {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.within(name, value)
    }

    fn end(self) -> Done {
        self.octet = false;
        Ok(())
    }
}

/// The inside of a variant with several members.
struct Variant<'a> {
    flattener: &'a mut Flattener,
    /// Members without names so far.
    members: usize,
}

/// Names for members without one.
const PLACES: [&str; 4] = ["0", "1", "2", "3"];

impl<'a> Variant<'a> {
    fn enter(flattener: &'a mut Flattener, variant: &'static str) -> Self {
        flattener.path.push(variant);
        Self {
            flattener,
            members: 0,
        }
    }

    fn leave(self) -> Done {
        self.flattener.path.pop();
        self.flattener.octet = false;
        Ok(())
    }
}

impl SerializeTupleVariant for Variant<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        let name = PLACES.get(self.members).ok_or(Error)?;
        self.members += 1;
        self.flattener.within(name, value)
    }

    fn end(self) -> Done {
        self.leave()
    }
}

impl SerializeStructVariant for Variant<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        self.flattener.within(name, value)
    }

    fn end(self) -> Done {
        self.leave()
    }
}
