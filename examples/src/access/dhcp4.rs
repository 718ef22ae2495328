//! DHCPv4 messages of a server (RFC 2131): what a client asks, and the answer.

use std::net::Ipv4Addr;
use std::time::Duration;

use dhcproto::v4::{
    Decodable, Decoder, DhcpOption, Encodable, HType, Message, MessageType, Opcode, OptionCode,
};

use super::frame::{BROADCAST, DHCP4_PORTS, build_udp4};
use super::{Mac, seconds};

/// Octets before the options: the fields of BOOTP and the cookie.
const FIXED: usize = 240;

/// A client's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it is.
    pub kind: MessageType,
    /// Who sent it.
    pub mac: Mac,
    /// The address that it has or wants: `ciaddr`, else the Requested IP Address.
    pub wanted: Option<Ipv4Addr>,
    /// The server that it chose.
    pub server: Option<Ipv4Addr>,
    message: Message,
}

/// What a client is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its address.
    pub address: Ipv4Addr,
    /// The prefix length of its network, 0 to 32.
    pub length: u8,
    /// The server that gives it.
    pub server: Ipv4Addr,
    /// Default routers, the preferred one first.
    pub routers: Vec<Ipv4Addr>,
    /// Name servers.
    pub name_servers: Vec<Ipv4Addr>,
    /// Domain name.
    pub domain_name: Option<String>,
    /// Interface MTU, at least 68 octets.
    pub mtu: Option<u16>,
    /// How long it may be used.
    pub lease: Duration,
}

impl Ask {
    /// Reads what `sender` sent to the server port.
    ///
    /// # Errors
    /// Why it is not served: `dhcp4-...`, a name for a counter.
    pub fn parse(sender: Mac, payload: &[u8]) -> Result<Self, &'static str> {
        let known = known_options(payload).ok_or("dhcp4-malformed")?;
        let message = Message::decode(&mut Decoder::new(&known)).map_err(|_| "dhcp4-malformed")?;
        let kind = message.opts().msg_type().ok_or("dhcp4-malformed")?;
        if message.opcode() != Opcode::BootRequest {
            return Err("dhcp4-no-request");
        }
        if message.htype() != HType::Eth || message.hlen() != 6 {
            return Err("dhcp4-malformed");
        }
        // Relay agents have a server of their own.
        if !message.giaddr().is_unspecified() {
            return Err("dhcp4-relayed");
        }
        // A host asks for itself alone, else one could use up all addresses or release others.
        if message.chaddr() != sender {
            return Err("dhcp4-for-another");
        }
        let server = match message.opts().get(OptionCode::ServerIdentifier) {
            Some(DhcpOption::ServerIdentifier(server)) => Some(*server),
            Some(_) | None => None,
        };
        let requested = match message.opts().get(OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(address)) => Some(*address),
            Some(_) | None => None,
        };
        let own = Some(message.ciaddr()).filter(|own| !own.is_unspecified());
        Ok(Self {
            kind,
            mac: sender,
            wanted: own.or(requested),
            server,
            message,
        })
    }

    /// DHCPOFFER of `grant`, as a frame from `us`.
    pub fn offer(&self, us: Mac, grant: &Grant) -> Option<Vec<u8>> {
        self.granting(us, MessageType::Offer, grant)
    }

    /// DHCPACK of `grant`, as a frame from `us`.
    pub fn acknowledge(&self, us: Mac, grant: &Grant) -> Option<Vec<u8>> {
        self.granting(us, MessageType::Ack, grant)
    }

    /// DHCPACK of a DHCPINFORM: settings without address or lease (RFC 2131 section 4.3.5).
    pub fn inform(&self, us: Mac, grant: &Grant) -> Option<Vec<u8>> {
        let mut answer = self.answer(MessageType::Ack, grant.server);
        settings(&mut answer, grant);
        self.frame(us, grant.server, &answer)
    }

    /// DHCPNAK from `server`, as a frame from `us`.
    pub fn refuse(&self, us: Mac, server: Ipv4Addr) -> Option<Vec<u8>> {
        let mut answer = self.answer(MessageType::Nak, server);
        // Its address is wrong, so nothing can be sent to it (RFC 2131 section 4.1).
        answer.set_ciaddr(Ipv4Addr::UNSPECIFIED);
        self.frame(us, server, &answer)
    }

    fn granting(&self, us: Mac, kind: MessageType, grant: &Grant) -> Option<Vec<u8>> {
        let mut answer = self.answer(kind, grant.server);
        answer.set_yiaddr(grant.address);
        settings(&mut answer, grant);
        let lease = seconds(grant.lease);
        let options = answer.opts_mut();
        options.insert(DhcpOption::AddressLeaseTime(lease));
        options.insert(DhcpOption::Renewal(lease / 2));
        options.insert(DhcpOption::Rebinding(lease / 8 * 7));
        self.frame(us, grant.server, &answer)
    }

    /// The fields that every answer has (RFC 2131 table 3).
    fn answer(&self, kind: MessageType, server: Ipv4Addr) -> Message {
        let asked = &self.message;
        let none = Ipv4Addr::UNSPECIFIED;
        let mut answer =
            Message::new_with_id(asked.xid(), asked.ciaddr(), none, none, none, &self.mac);
        answer.set_opcode(Opcode::BootReply);
        answer.set_flags(asked.flags());
        let options = answer.opts_mut();
        options.insert(DhcpOption::MessageType(kind));
        options.insert(DhcpOption::ServerIdentifier(server));
        // RFC 6842 section 3.
        if let Some(client) = asked.opts().get(OptionCode::ClientIdentifier) {
            options.insert(client.clone());
        }
        answer
    }

    /// Where an answer goes: RFC 2131 section 4.1.
    fn frame(&self, us: Mac, server: Ipv4Addr, answer: &Message) -> Option<Vec<u8>> {
        let payload = answer.to_vec().ok()?;
        let everyone = (BROADCAST, Ipv4Addr::BROADCAST);
        let (mac, to) = if !answer.ciaddr().is_unspecified() {
            (self.mac, answer.ciaddr())
        } else if self.message.flags().broadcast() || answer.yiaddr().is_unspecified() {
            everyone
        } else {
            (self.mac, answer.yiaddr())
        };
        Some(build_udp4((us, mac), (server, to), DHCP4_PORTS, &payload))
    }
}

/// The message with no other options than those that matter here, each of the right length: the
/// codec panics on some others, such as a route of more than 32 bits.
fn known_options(payload: &[u8]) -> Option<Vec<u8>> {
    const PAD: u8 = 0;
    const END: u8 = 255;
    let (fixed, mut options) = payload.split_at_checked(FIXED)?;
    let mut known = fixed.to_vec();
    loop {
        match options {
            [] | [END, ..] => break,
            [PAD, rest @ ..] => options = rest,
            [code, length, rest @ ..] => {
                let (value, rest) = rest.split_at_checked(usize::from(*length))?;
                let right = match OptionCode::from(*code) {
                    OptionCode::MessageType => value.len() == 1,
                    OptionCode::RequestedIpAddress | OptionCode::ServerIdentifier => {
                        value.len() == 4
                    }
                    // RFC 2132 section 9.14.
                    OptionCode::ClientIdentifier => value.len() >= 2,
                    _ => {
                        options = rest;
                        continue;
                    }
                };
                if !right {
                    return None;
                }
                known.extend([*code, *length]);
                known.extend(value);
                options = rest;
            }
            [_] => return None,
        }
    }
    known.push(END);
    Some(known)
}

fn settings(answer: &mut Message, grant: &Grant) {
    let options = answer.opts_mut();
    let mask = u32::MAX.checked_shl(32 - u32::from(grant.length.min(32)));
    options.insert(DhcpOption::SubnetMask(mask.unwrap_or(0).into()));
    if !grant.routers.is_empty() {
        options.insert(DhcpOption::Router(grant.routers.clone()));
    }
    if !grant.name_servers.is_empty() {
        options.insert(DhcpOption::DomainNameServer(grant.name_servers.clone()));
    }
    if let Some(name) = &grant.domain_name {
        options.insert(DhcpOption::DomainName(name.clone()));
    }
    if let Some(mtu) = grant.mtu {
        options.insert(DhcpOption::InterfaceMtu(mtu));
    }
}

/// What a client would send and read: for tests of the servers.
#[cfg(test)]
pub(crate) mod client {
    use super::*;

    /// A client's frame.
    pub(crate) fn send(mac: Mac, kind: MessageType, options: &[DhcpOption]) -> Vec<u8> {
        from(mac, kind, Ipv4Addr::UNSPECIFIED, options)
    }

    /// A frame of a client that has an address.
    pub(crate) fn from(
        mac: Mac,
        kind: MessageType,
        own: Ipv4Addr,
        options: &[DhcpOption],
    ) -> Vec<u8> {
        let none = Ipv4Addr::UNSPECIFIED;
        let mut message = Message::new_with_id(7, own, none, none, none, &mac);
        message.opts_mut().insert(DhcpOption::MessageType(kind));
        for option in options {
            message.opts_mut().insert(option.clone());
        }
        let payload = message.to_vec().expect("a message");
        let everyone = Ipv4Addr::BROADCAST;
        build_udp4((mac, BROADCAST), (own, everyone), (68, 67), &payload)
    }

    /// The message of a server's frame.
    pub(crate) fn read(frame: &[u8]) -> Message {
        let payload = frame.get(14 + 20 + 8..).expect("a datagram");
        Message::decode(&mut Decoder::new(payload)).expect("a message")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::{Said, parse};
    use super::*;

    const HOST: Mac = [2, 0, 0, 0, 0, 9];
    const US: Mac = [2, 0, 0, 0, 0, 1];

    fn grant() -> Grant {
        Grant {
            address: Ipv4Addr::new(10, 65, 0, 10),
            length: 24,
            server: Ipv4Addr::new(10, 65, 0, 1),
            routers: vec![Ipv4Addr::new(10, 65, 0, 1)],
            name_servers: Vec::new(),
            domain_name: None,
            mtu: Some(1400),
            lease: Duration::from_secs(3600),
        }
    }

    fn asked(frame: &[u8]) -> Result<Ask, &'static str> {
        match parse(frame) {
            Ok(Some((mac, Said::Dhcp4(payload)))) => Ask::parse(mac, payload),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_offer_says_what_a_host_needs() {
        let ask = asked(&client::send(HOST, MessageType::Discover, &[])).expect("a discover");
        let frame = ask.offer(US, &grant()).expect("an offer");
        let offer = client::read(&frame);
        assert_eq!(offer.yiaddr(), Ipv4Addr::new(10, 65, 0, 10));
        assert_eq!(offer.xid(), 7);
        let options = offer.opts();
        for wanted in [
            DhcpOption::MessageType(MessageType::Offer),
            DhcpOption::SubnetMask(Ipv4Addr::new(255, 255, 255, 0)),
            DhcpOption::Router(vec![Ipv4Addr::new(10, 65, 0, 1)]),
            DhcpOption::InterfaceMtu(1400),
            DhcpOption::AddressLeaseTime(3600),
            DhcpOption::Renewal(1800),
        ] {
            assert_eq!(options.get(OptionCode::from(&wanted)), Some(&wanted));
        }
        assert_eq!(frame.get(..6), Some(HOST.as_slice()), "unicast");
    }

    /// Would break: one host that releases the addresses of all others.
    #[test]
    fn a_message_for_another_host_is_not_served() {
        let mut frame = client::send(HOST, MessageType::Release, &[]);
        frame
            .get_mut(6..12)
            .expect("a source")
            .copy_from_slice(&[2, 0, 0, 0, 0, 66]);
        assert_eq!(asked(&frame), Err("dhcp4-for-another"));
    }

    /// Would break: the whole gateway, by one packet of one host.
    #[test]
    fn options_that_the_codec_panics_on_do_no_harm() {
        let good = client::send(HOST, MessageType::Discover, &[]);
        let good = good.get(42..).expect("a payload").to_vec();
        for option in [
            &[80, 1, 0][..],
            &[121, 6, 64, 10, 0, 0, 0, 1],
            &[90, 2, 0, 0],
            &[82, 4, 1, 200, 0, 0],
        ] {
            let mut payload = good.get(..240).expect("the fixed part").to_vec();
            payload.extend(option);
            payload.extend(good.get(240..).expect("options"));
            assert!(Ask::parse(HOST, &payload).is_ok(), "{option:?}");
        }
    }

    #[test]
    fn a_refusal_is_broadcast() {
        let own = Ipv4Addr::new(192, 0, 2, 9);
        let ask = client::from(HOST, MessageType::Request, own, &[]);
        let ask = asked(&ask).expect("a request");
        assert_eq!(ask.wanted, Some(own));
        let frame = ask.refuse(US, Ipv4Addr::new(10, 65, 0, 1)).expect("a NAK");
        assert_eq!(frame.get(..6), Some(BROADCAST.as_slice()));
        assert!(client::read(&frame).opts().has_msg_type(MessageType::Nak));
    }

    proptest! {
        #[test]
        fn no_message_makes_parse_panic(
            options in prop::collection::vec(any::<u8>(), 0..200),
            cut in 0..440_usize,
        ) {
            let good = client::send(HOST, MessageType::Discover, &[]);
            let mut payload = good.get(42..42 + FIXED).expect("the fixed part").to_vec();
            payload.extend(options);
            payload.truncate(cut);
            let _ = Ask::parse(HOST, &payload);
        }
    }
}
