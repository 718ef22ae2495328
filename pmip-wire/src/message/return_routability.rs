//! The messages of the return routability procedure (RFC 6275 section 5.2.5).

use super::body::{Body, Layout};
use crate::error::Field;
use crate::option::MobilityOptions;

/// Declares the message that starts one of the two tests.
macro_rules! test_init {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        ///
        /// ```text
        ///                                 +-------------------------------+
        ///                                 |           Reserved            |
        /// +-------------------------------+-------------------------------+
        /// |                     Init Cookie (8 octets)                    |
        /// +---------------------------------------------------------------+
        /// |                      Mobility Options ...                     |
        /// +---------------------------------------------------------------+
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        pub struct $name {
            /// A random value that the answer returns.
            pub init_cookie: [u8; 8],
            /// Options in wire order.
            pub options: MobilityOptions,
        }

        impl Body for $name {
            type Fixed = [u8; 10];

            const LAYOUT: Layout = &[(Field::Reserved, 2), (Field::InitCookie, 8)];

            #[inline]
            fn from_wire(fixed: &[u8; 10], options: MobilityOptions) -> Self {
                let [_, _, init_cookie @ ..] = *fixed;
                Self {
                    init_cookie,
                    options,
                }
            }

            #[inline]
            fn to_wire(&self) -> [u8; 10] {
                let mut fixed = [0; 10];
                let [_, _, init_cookie @ ..] = &mut fixed;
                *init_cookie = self.init_cookie;
                fixed
            }
        }
    };
}

/// Declares the answer to one of the two tests.
macro_rules! test {
    ($(#[$doc:meta])+ $name:ident) => {
        $(#[$doc])+
        ///
        /// ```text
        ///                                 +-------------------------------+
        ///                                 |          Nonce Index          |
        /// +-------------------------------+-------------------------------+
        /// |                     Init Cookie (8 octets)                    |
        /// +---------------------------------------------------------------+
        /// |                    Keygen Token (8 octets)                    |
        /// +---------------------------------------------------------------+
        /// |                      Mobility Options ...                     |
        /// +---------------------------------------------------------------+
        /// ```
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "arbitrary", derive(arbitrary::Arbitrary))]
        pub struct $name {
            /// What the mobile node returns in its Binding Update.
            pub nonce_index: u16,
            /// The cookie of the message that this answers.
            pub init_cookie: [u8; 8],
            /// One half of the key of the Binding Update.
            pub keygen_token: [u8; 8],
            /// Options in wire order.
            pub options: MobilityOptions,
        }

        impl Body for $name {
            type Fixed = [u8; 18];

            const LAYOUT: Layout = &[
                (Field::NonceIndex, 2),
                (Field::InitCookie, 8),
                (Field::KeygenToken, 8),
            ];

            #[inline]
            fn from_wire(fixed: &[u8; 18], options: MobilityOptions) -> Self {
                let [n0, n1, c0, c1, c2, c3, c4, c5, c6, c7, keygen_token @ ..] = *fixed;
                Self {
                    nonce_index: u16::from_be_bytes([n0, n1]),
                    init_cookie: [c0, c1, c2, c3, c4, c5, c6, c7],
                    keygen_token,
                    options,
                }
            }

            #[inline]
            fn to_wire(&self) -> [u8; 18] {
                let [n0, n1] = self.nonce_index.to_be_bytes();
                let [c0, c1, c2, c3, c4, c5, c6, c7] = self.init_cookie;
                let [t0, t1, t2, t3, t4, t5, t6, t7] = self.keygen_token;
                [
                    n0, n1, c0, c1, c2, c3, c4, c5, c6, c7, t0, t1, t2, t3, t4, t5, t6, t7,
                ]
            }
        }
    };
}

test_init! {
    /// A Home Test Init, MH type 1: asks a correspondent node, through the home agent, for a home
    /// keygen token (RFC 6275 section 6.1.3).
    HomeTestInit
}

test_init! {
    /// A Care-of Test Init, MH type 2: asks a correspondent node for a care-of keygen token
    /// (RFC 6275 section 6.1.4).
    CareOfTestInit
}

test! {
    /// A Home Test, MH type 3: answers a [`HomeTestInit`] (RFC 6275 section 6.1.5).
    HomeTest
}

test! {
    /// A Care-of Test, MH type 4: answers a [`CareOfTestInit`] (RFC 6275 section 6.1.6).
    CareOfTest
}
