//! Linux behind small traits: namespaces, sockets, TUN, netlink.

pub mod dataplane;
pub mod netns;
