//! Any value of `pmip-wire` as a tree of named parts.
//!
//! The values derive `Serialize`, and serde hands the names of types, fields and variants along. So
//! a message or option that is new there shows up here with all its fields, without a line of view.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a part of any other shape is no octet"
)]

use std::fmt::{Display, Error};

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// One part.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// An absent optional part, or one without content.
    Nothing,
    Bool(bool),
    Number(u64),
    /// Of a list, until it is known whether that is a sequence of octets.
    Octet(u8),
    Negative(i64),
    Float(f64),
    Text(String),
    Octets(Vec<u8>),
    List(Vec<Self>),
    /// A structure with its name and fields.
    Fields(&'static str, Vec<(&'static str, Self)>),
    /// A value that a named type wraps: a code point, a unit.
    Named(&'static str, Box<Self>),
    /// The name of a variant and what it holds.
    Variant(&'static str, Box<Self>),
}

impl Node {
    /// The parts of `value`.
    pub(super) fn of(value: &impl Serialize) -> Self {
        // What fails to describe itself has nothing to show.
        value
            .serialize(Describe)
            .map_or(Self::Nothing, Self::settled)
    }

    /// An octet that stands alone is a number.
    fn settled(self) -> Self {
        if let Self::Octet(octet) = self {
            return Self::Number(octet.into());
        }
        self
    }
}

/// The serializer: it cannot fail, but serde wants an error.
struct Describe;

/// A compound that is being described.
struct Parts {
    /// The structure's name, empty for what has none.
    name: &'static str,
    variant: Option<&'static str>,
    items: Vec<Node>,
    fields: Vec<(&'static str, Node)>,
}

impl Parts {
    const fn new(name: &'static str, variant: Option<&'static str>) -> Self {
        Self {
            name,
            variant,
            items: Vec::new(),
            fields: Vec::new(),
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(Describe)?);
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.fields
            .push((key, value.serialize(Describe)?.settled()));
        Ok(())
    }

    /// Arrays and borrowed octets come as lists of octets.
    fn list(self) -> Result<Node, Error> {
        let octets = self.items.iter().map(|item| match item {
            Node::Octet(octet) => Some(*octet),
            _ => None,
        });
        let octets: Option<Vec<u8>> = octets.collect();
        let list = match octets {
            Some(octets) if !octets.is_empty() => Node::Octets(octets),
            _ => Node::List(self.items.into_iter().map(Node::settled).collect()),
        };
        Ok(wrap(self.variant, list))
    }

    fn structure(self) -> Result<Node, Error> {
        let fields = Node::Fields(self.name, self.fields);
        Ok(wrap(self.variant, fields))
    }
}

fn wrap(variant: Option<&'static str>, node: Node) -> Node {
    match variant {
        Some(variant) => Node::Variant(variant, Box::new(node)),
        None => node,
    }
}

macro_rules! scalars {
    ($($method:ident($type:ty) => $node:expr;)+) => {$(
        fn $method(self, value: $type) -> Result<Node, Error> {
            let node: fn($type) -> Node = $node;
            Ok(node(value))
        }
    )+};
}

impl Serializer for Describe {
    type Ok = Node;
    type Error = Error;
    type SerializeSeq = Parts;
    type SerializeTuple = Parts;
    type SerializeTupleStruct = Parts;
    type SerializeTupleVariant = Parts;
    type SerializeMap = Parts;
    type SerializeStruct = Parts;
    type SerializeStructVariant = Parts;

    scalars! {
        serialize_bool(bool) => Node::Bool;
        serialize_u8(u8) => Node::Octet;
        serialize_u16(u16) => |number| Node::Number(number.into());
        serialize_u32(u32) => |number| Node::Number(number.into());
        serialize_u64(u64) => Node::Number;
        serialize_i8(i8) => |number| signed(number.into());
        serialize_i16(i16) => |number| signed(number.into());
        serialize_i32(i32) => |number| signed(number.into());
        serialize_i64(i64) => signed;
        serialize_f32(f32) => |number| Node::Float(number.into());
        serialize_f64(f64) => Node::Float;
        serialize_char(char) => |character| Node::Text(character.into());
        serialize_str(&str) => |text| Node::Text(text.into());
        serialize_bytes(&[u8]) => |octets| Node::Octets(octets.into());
    }

    fn serialize_none(self) -> Result<Node, Error> {
        Ok(Node::Nothing)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Node, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Node, Error> {
        Ok(Node::Nothing)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Node, Error> {
        Ok(Node::Nothing)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Node, Error> {
        Ok(wrap(Some(variant), Node::Nothing))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Node, Error> {
        Ok(Node::Named(
            name,
            Box::new(value.serialize(self)?.settled()),
        ))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Node, Error> {
        Ok(wrap(Some(variant), value.serialize(self)?.settled()))
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts::new("", None))
    }

    fn serialize_tuple(self, _length: usize) -> Result<Parts, Error> {
        Ok(Parts::new("", None))
    }

    fn serialize_tuple_struct(self, name: &'static str, _length: usize) -> Result<Parts, Error> {
        Ok(Parts::new(name, None))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts, Error> {
        Ok(Parts::new(name, Some(variant)))
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Parts, Error> {
        Ok(Parts::new("", None))
    }

    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Parts, Error> {
        Ok(Parts::new(name, None))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Parts, Error> {
        Ok(Parts::new(name, Some(variant)))
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<Node, Error> {
        Ok(Node::Text(value.to_string()))
    }
}

fn signed(number: i64) -> Node {
    u64::try_from(number).map_or(Node::Negative(number), Node::Number)
}

macro_rules! lists {
    ($($trait:ident::$method:ident;)+) => {$(
        impl $trait for Parts {
            type Ok = Node;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.item(value)
            }

            fn end(self) -> Result<Node, Error> {
                self.list()
            }
        }
    )+};
}

lists! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! structures {
    ($($trait:ident)+) => {$(
        impl $trait for Parts {
            type Ok = Node;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.field(key, value)
            }

            fn end(self) -> Result<Node, Error> {
                self.structure()
            }
        }
    )+};
}

structures! { SerializeStruct SerializeStructVariant }

/// The wire has no maps; their keys and values would follow each other.
impl SerializeMap for Parts {
    type Ok = Node;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.item(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<Node, Error> {
        self.list()
    }
}
