//! Linux behind small traits: namespaces, sockets, TUN, netlink.
