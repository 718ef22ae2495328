//! Prefix delegation to routers behind a logical mobile node (RFC 8415 section 6.3): parts of the
//! prefix that the anchor delegated (RFC 7148).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use dhcproto::v6::{
    Decodable, Decoder, DhcpOption, DhcpOptions, Encodable, IAPD, IAPrefix, Message, MessageType,
    OptionCode, Status, StatusCode,
};
use pmip_wire::types::{Instant, IpPrefix};

use super::{Mac, seconds};

/// What a router gets that says nothing else: one link of IPv6 hosts.
const USUAL_LENGTH: u8 = 64;
/// Delegations of one link at most, and places looked at for a free one.
const MOST: usize = 256;
const PLACES: u128 = 1024;
/// IA_PDs of one message at most.
const MOST_IN_MESSAGE: usize = 8;
/// An advertised prefix is kept this long for the router that asked.
const OFFERED: Duration = Duration::from_secs(60);
/// The longest DUID (RFC 8415 section 11.1).
const LONGEST_DUID: usize = 130;

/// A router, by DUID and IAID.
type Key = (Vec<u8>, u32);

/// Prefixes delegated on one link.
#[derive(Clone, Debug, Default)]
pub struct Delegations {
    parent: Option<IpPrefix>,
    held: BTreeMap<Key, Held>,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    prefix: IpPrefix,
    via: Ipv6Addr,
    until: Instant,
    /// The router took it, and there is a route.
    is_used: bool,
}

/// The way to a delegated prefix comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What is reached.
    pub prefix: IpPrefix,
    /// The router's link-local address.
    pub via: Ipv6Addr,
    /// It comes; otherwise it goes.
    pub comes: bool,
}

/// One message of a router, and what is needed to answer it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The present moment.
    pub now: Instant,
    /// How long a delegation lasts: never longer than the binding that it comes from.
    pub lifetime: Duration,
    /// Our MAC address, which names us.
    pub us: Mac,
    /// Who asks.
    pub from: Ipv6Addr,
    /// The message.
    pub payload: &'a [u8],
}

impl Delegations {
    /// The prefix that parts are taken from; returns the ways that end with another one.
    pub fn set_parent(&mut self, parent: Option<IpPrefix>) -> Vec<Way> {
        if self.parent == parent {
            return Vec::new();
        }
        self.parent = parent;
        let gone = std::mem::take(&mut self.held);
        gone.into_values().filter_map(Held::end).collect()
    }

    /// When the first delegation ends.
    pub fn timeout(&self) -> Option<Instant> {
        self.held.values().map(|held| held.until).min()
    }

    /// Ends what is due.
    pub fn expire(&mut self, now: Instant) -> Vec<Way> {
        let ended = self.held.extract_if(.., |_, held| held.until <= now);
        ended.filter_map(|(_, held)| held.end()).collect()
    }

    /// Answers one message. Returns the answer's payload and the ways that change.
    ///
    /// # Errors
    /// Why it is not answered: `dhcp6-...`, a name for a counter.
    pub fn serve(&mut self, asked: Asked<'_>) -> Result<(Vec<u8>, Vec<Way>), &'static str> {
        let known = known_options(asked.payload).ok_or("dhcp6-malformed")?;
        let message = Message::decode(&mut Decoder::new(&known)).map_err(|_| "dhcp6-malformed")?;
        let client = client_of(&message)?;
        check_server(&message, &duid(asked.us))?;
        let mut ways = self.expire(asked.now);
        let rapid = message.opts().get(OptionCode::RapidCommit).is_some();
        let kind = match message.msg_type() {
            MessageType::Solicit if !rapid => MessageType::Advertise,
            MessageType::Solicit
            | MessageType::Request
            | MessageType::Renew
            | MessageType::Rebind
            | MessageType::Release => MessageType::Reply,
            _ => return Err("dhcp6-unserved"),
        };
        let mut answer = Message::new_with_id(kind, message.xid());
        let options = answer.opts_mut();
        options.insert(DhcpOption::ClientId(client.clone()));
        options.insert(DhcpOption::ServerId(duid(asked.us)));
        if rapid && message.msg_type() == MessageType::Solicit {
            options.insert(DhcpOption::RapidCommit);
        }
        if message.msg_type() == MessageType::Release {
            let success = "released";
            options.insert(status(Status::Success, success));
        }
        let mut wanted = 0;
        for option in message.opts().iter() {
            // What a router wants besides, such as an address, it makes by advertisement.
            if let DhcpOption::IAPD(ia) = option
                && wanted < MOST_IN_MESSAGE
            {
                wanted += 1;
                let key = (client.clone(), ia.id);
                let given = self.association(asked, message.msg_type(), kind, key, ia, &mut ways);
                options.insert(DhcpOption::IAPD(given));
            }
        }
        if wanted == 0 {
            return Err("dhcp6-no-prefix-wanted");
        }
        let payload = answer.to_vec().map_err(|_| "dhcp6-malformed")?;
        Ok((payload, ways))
    }

    fn association(
        &mut self,
        asked: Asked<'_>,
        request: MessageType,
        answer: MessageType,
        key: Key,
        ia: &IAPD,
        ways: &mut Vec<Way>,
    ) -> IAPD {
        let hint = hint_of(ia);
        let mut given = IAPD {
            id: ia.id,
            t1: 0,
            t2: 0,
            opts: DhcpOptions::new(),
        };
        if request == MessageType::Release {
            let released = self.held.remove(&key);
            if released.is_none() {
                given
                    .opts
                    .insert(status(Status::NoBinding, "nothing is delegated"));
            }
            ways.extend(released.and_then(Held::end));
            return given;
        }
        // A renewal of what is not known: it may have been given before a restart.
        let known = self.held.contains_key(&key);
        let renewal = matches!(request, MessageType::Renew | MessageType::Rebind);
        let exact = hint.filter(|_| renewal && !known);
        let is_used = answer == MessageType::Reply;
        let Some(held) = self.hold(asked, key, hint, exact.is_some(), is_used, ways) else {
            if let Some(old) = exact {
                given
                    .opts
                    .insert(DhcpOption::IAPrefix(prefix(old, Duration::ZERO)));
            }
            let why = "no prefix is left";
            given.opts.insert(status(Status::NoPrefixAvail, why));
            return given;
        };
        let lifetime = seconds(asked.lifetime);
        (given.t1, given.t2) = (lifetime / 2, lifetime / 5 * 4);
        given
            .opts
            .insert(DhcpOption::IAPrefix(prefix(held, asked.lifetime)));
        given
    }

    /// The prefix of a router: the one it has, else a free one.
    fn hold(
        &mut self,
        asked: Asked<'_>,
        key: Key,
        hint: Option<IpPrefix>,
        exact: bool,
        is_used: bool,
        ways: &mut Vec<Way>,
    ) -> Option<IpPrefix> {
        if asked.lifetime.as_secs() == 0 {
            return None;
        }
        let found = self.held.get(&key).copied();
        let before = found.filter(|held| held.is_used);
        let prefix = match found {
            Some(held) => held.prefix,
            None if self.held.len() >= MOST => return None,
            None => self.free(hint, exact)?,
        };
        let lasts = if is_used { asked.lifetime } else { OFFERED };
        let until = asked.now + lasts;
        let held = Held {
            prefix,
            via: asked.from,
            // A new question does not shorten what was promised.
            until: before.map_or(until, |before| before.until.max(until)),
            is_used: is_used || before.is_some(),
        };
        self.held.insert(key, held);
        let way = |held: Held| (held.prefix, held.via);
        if before.map(way) != Some(way(held)) && held.is_used {
            ways.extend(before.and_then(Held::end));
            ways.push(Way {
                prefix,
                via: asked.from,
                comes: true,
            });
        }
        Some(prefix)
    }

    /// A part that nobody has and that is not our own link: what the router would like, where
    /// that can be.
    fn free(&self, hint: Option<IpPrefix>, exact: bool) -> Option<IpPrefix> {
        let parent = self.parent?;
        let IpAddr::V6(base) = parent.address() else {
            return None;
        };
        let is_part = |part: &IpPrefix| {
            part.length() > parent.length()
                && part.length() <= USUAL_LENGTH
                && parent.contains(part.address())
        };
        if let Some(hint) = hint.filter(|hint| is_part(hint) && self.is_free(base, hint)) {
            return Some(hint);
        }
        if exact || parent.length() >= USUAL_LENGTH {
            return None;
        }
        let wanted = hint.map_or(USUAL_LENGTH, |hint| hint.length());
        let length = wanted.clamp(parent.length() + 1, USUAL_LENGTH);
        let count = 1_u128 << (length - parent.length());
        let step = 1_u128 << (128 - length);
        // The first is our own link's.
        let mut places = (1..count.min(PLACES)).filter_map(|place| {
            let address = Ipv6Addr::from_bits(base.to_bits() + place * step);
            IpPrefix::new(address.into(), length).ok()
        });
        places.find(|part| self.is_free(base, part))
    }

    fn is_free(&self, own_link: Ipv6Addr, part: &IpPrefix) -> bool {
        let overlaps = |held: &Held| {
            held.prefix.contains(part.address()) || part.contains(held.prefix.address())
        };
        !part.contains(own_link.into()) && !self.held.values().any(overlaps)
    }
}

impl Held {
    fn end(self) -> Option<Way> {
        self.is_used.then_some(Way {
            prefix: self.prefix,
            via: self.via,
            comes: false,
        })
    }
}

/// The message with no other options than those that matter here: what the codec makes of others
/// is nothing that a host should be able to try.
fn known_options(payload: &[u8]) -> Option<Vec<u8>> {
    let (fixed, options) = payload.split_at_checked(4)?;
    let mut known = fixed.to_vec();
    for (code, value) in each_option(options)? {
        match OptionCode::from(code) {
            OptionCode::ClientId | OptionCode::ServerId | OptionCode::RapidCommit => {
                known.extend(option(code, value)?);
            }
            OptionCode::IAPD => {
                let (association, inside) = value.split_at_checked(12)?;
                let mut association = association.to_vec();
                for (code, value) in each_option(inside)? {
                    if OptionCode::from(code) == OptionCode::IAPrefix {
                        // Without options of its own.
                        association.extend(option(code, value.get(..25)?)?);
                    }
                }
                known.extend(option(code, &association)?);
            }
            _ => {}
        }
    }
    Some(known)
}

fn each_option(mut options: &[u8]) -> Option<Vec<(u16, &[u8])>> {
    let mut all = Vec::new();
    while let [a, b, c, d, rest @ ..] = options {
        let length = u16::from_be_bytes([*c, *d]);
        let (value, rest) = rest.split_at_checked(length.into())?;
        all.push((u16::from_be_bytes([*a, *b]), value));
        options = rest;
    }
    options.is_empty().then_some(all)
}

fn option(code: u16, value: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(value.len()).ok()?;
    let mut option = code.to_be_bytes().to_vec();
    option.extend(length.to_be_bytes());
    option.extend(value);
    Some(option)
}

fn client_of(message: &Message) -> Result<Vec<u8>, &'static str> {
    match message.opts().get(OptionCode::ClientId) {
        Some(DhcpOption::ClientId(id)) if !id.is_empty() && id.len() <= LONGEST_DUID => {
            Ok(id.clone())
        }
        Some(_) | None => Err("dhcp6-malformed"),
    }
}

/// Sections 16.2 to 16.9: who says which server.
fn check_server(message: &Message, ours: &[u8]) -> Result<(), &'static str> {
    let named = match message.opts().get(OptionCode::ServerId) {
        Some(DhcpOption::ServerId(id)) => Some(id.as_slice()),
        Some(_) | None => None,
    };
    let open = matches!(
        message.msg_type(),
        MessageType::Solicit | MessageType::Rebind
    );
    match named {
        Some(_) if open => Err("dhcp6-malformed"),
        Some(named) if named != ours => Err("dhcp6-for-another-server"),
        None if !open => Err("dhcp6-malformed"),
        Some(_) | None => Ok(()),
    }
}

/// The first prefix that a router names; its address may be unspecified, its length is a wish.
fn hint_of(ia: &IAPD) -> Option<IpPrefix> {
    match ia.opts.get(OptionCode::IAPrefix)? {
        DhcpOption::IAPrefix(hint) => {
            IpPrefix::new(hint.prefix_ip.into(), hint.prefix_len.min(USUAL_LENGTH)).ok()
        }
        _ => None,
    }
}

fn prefix(prefix: IpPrefix, lifetime: Duration) -> IAPrefix {
    let lifetime = seconds(lifetime);
    IAPrefix {
        preferred_lifetime: lifetime,
        valid_lifetime: lifetime,
        prefix_len: prefix.length(),
        prefix_ip: match prefix.address() {
            IpAddr::V6(address) => address,
            IpAddr::V4(_) => Ipv6Addr::UNSPECIFIED,
        },
        opts: DhcpOptions::new(),
    }
}

fn status(status: Status, words: &str) -> DhcpOption {
    DhcpOption::StatusCode(StatusCode {
        status,
        msg: words.to_owned(),
    })
}

/// DUID-LL of Ethernet (section 11.4).
fn duid(mac: Mac) -> Vec<u8> {
    [&[0, 3, 0, 1][..], &mac].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const US: Mac = [2, 0, 0, 0, 0, 1];
    const HOUR: Duration = Duration::from_secs(3600);

    fn router() -> Ipv6Addr {
        "fe80::99".parse().expect("an address")
    }

    fn delegations() -> Delegations {
        let mut delegations = Delegations::default();
        let parent = "2001:db8:6400::/56".parse().expect("a prefix");
        delegations.set_parent(Some(parent));
        delegations
    }

    fn message(kind: MessageType, client: u8, more: &[DhcpOption]) -> Vec<u8> {
        let mut message = Message::new_with_id(kind, [1, 2, 3]);
        let options = message.opts_mut();
        options.insert(DhcpOption::ClientId(vec![0, 3, 0, 1, client]));
        if !matches!(kind, MessageType::Solicit | MessageType::Rebind) {
            options.insert(DhcpOption::ServerId(duid(US)));
        }
        for option in more {
            options.insert(option.clone());
        }
        message.to_vec().expect("a message")
    }

    fn wish(prefix: Option<&str>) -> DhcpOption {
        let mut opts = DhcpOptions::new();
        if let Some(wanted) = prefix {
            let wanted = wanted.parse().expect("a prefix");
            opts.insert(DhcpOption::IAPrefix(super::prefix(wanted, Duration::ZERO)));
        }
        let (id, t1, t2) = (5, 0, 0);
        DhcpOption::IAPD(IAPD { id, t1, t2, opts })
    }

    fn ask(
        delegations: &mut Delegations,
        now: u64,
        payload: &[u8],
    ) -> Result<(Message, Vec<Way>), &'static str> {
        let (answer, ways) = delegations.serve(Asked {
            now: Instant::from_secs(now),
            lifetime: HOUR,
            us: US,
            from: router(),
            payload,
        })?;
        let answer = Message::decode(&mut Decoder::new(&answer)).expect("an answer");
        Ok((answer, ways))
    }

    fn given(answer: &Message) -> Option<(String, u32)> {
        let Some(DhcpOption::IAPD(ia)) = answer.opts().get(OptionCode::IAPD) else {
            panic!("no IA_PD: {answer:?}");
        };
        match ia.opts.get(OptionCode::IAPrefix) {
            Some(DhcpOption::IAPrefix(given)) => {
                let prefix = format!("{}/{}", given.prefix_ip, given.prefix_len);
                Some((prefix, given.valid_lifetime))
            }
            Some(_) | None => None,
        }
    }

    #[test]
    fn a_router_is_offered_takes_renews_and_releases_one_prefix() {
        let mut held = delegations();
        let solicit = message(MessageType::Solicit, 1, &[wish(None)]);
        let (offer, ways) = ask(&mut held, 1, &solicit).expect("an offer");
        assert_eq!(offer.msg_type(), MessageType::Advertise);
        let part = Some(("2001:db8:6400:1::/64".to_owned(), 3600));
        assert_eq!((given(&offer), ways), (part.clone(), Vec::new()));
        let request = message(MessageType::Request, 1, &[wish(None)]);
        let (reply, ways) = ask(&mut held, 2, &request).expect("a reply");
        assert_eq!(
            (reply.msg_type(), given(&reply)),
            (MessageType::Reply, part.clone())
        );
        let way = |comes| Way {
            prefix: "2001:db8:6400:1::/64".parse().expect("a prefix"),
            via: router(),
            comes,
        };
        assert_eq!(ways, [way(true)]);
        let renew = message(MessageType::Renew, 1, &[wish(None)]);
        let (reply, ways) = ask(&mut held, 1800, &renew).expect("a reply");
        assert_eq!((given(&reply), ways), (part, Vec::new()));
        assert_eq!(held.timeout(), Some(Instant::from_secs(5400)));
        let release = message(MessageType::Release, 1, &[wish(None)]);
        let (_, ways) = ask(&mut held, 1900, &release).expect("a reply");
        assert_eq!(ways, [way(false)]);
    }

    #[test]
    fn rapid_commit_saves_a_round_and_lengths_do_not_overlap() {
        let mut held = delegations();
        let rapid = [DhcpOption::RapidCommit, wish(Some("::/60"))];
        let (reply, ways) =
            ask(&mut held, 1, &message(MessageType::Solicit, 1, &rapid)).expect("a reply");
        assert_eq!(reply.msg_type(), MessageType::Reply);
        assert!(reply.opts().get(OptionCode::RapidCommit).is_some());
        assert_eq!(ways.len(), 1);
        let first = given(&reply).map(|given| given.0);
        assert_eq!(first.as_deref(), Some("2001:db8:6400:10::/60"));
        for client in 2..=16 {
            let solicit = message(MessageType::Solicit, client, &[wish(None)]);
            let (offer, _) = ask(&mut held, 1, &solicit).expect("an offer");
            let part: IpPrefix = given(&offer).expect("a part").0.parse().expect("a prefix");
            let taken: IpPrefix = "2001:db8:6400:10::/60".parse().expect("a prefix");
            assert!(!taken.contains(part.address()), "{part}");
        }
        let solicit = message(MessageType::Solicit, 17, &[wish(None)]);
        let (offer, _) = ask(&mut held, 1, &solicit).expect("an offer");
        let next = given(&offer).map(|given| given.0);
        assert_eq!(next.as_deref(), Some("2001:db8:6400:20::/64"));
    }

    /// Would break: a restart that takes away what routers have.
    #[test]
    fn a_renewal_after_a_restart_keeps_the_prefix_and_a_foreign_one_ends() {
        let mut held = delegations();
        let renew = message(MessageType::Renew, 1, &[wish(Some("2001:db8:6400:7::/64"))]);
        let (reply, ways) = ask(&mut held, 1, &renew).expect("a reply");
        let part = Some(("2001:db8:6400:7::/64".to_owned(), 3600));
        assert_eq!((given(&reply), ways.len()), (part, 1));
        let renew = message(MessageType::Renew, 2, &[wish(Some("2001:db8:1::/64"))]);
        let (reply, ways) = ask(&mut held, 1, &renew).expect("a reply");
        let ended = Some(("2001:db8:1::/64".to_owned(), 0));
        assert_eq!((given(&reply), ways.len()), (ended, 0));
    }

    #[test]
    fn delegations_end_with_their_time_and_with_their_parent() {
        let mut held = delegations();
        let request = message(MessageType::Request, 1, &[wish(None)]);
        ask(&mut held, 1, &request).expect("a reply");
        assert_eq!(held.expire(Instant::from_secs(3600)), []);
        assert_eq!(held.expire(Instant::from_secs(3601)).len(), 1);
        ask(&mut held, 4000, &request).expect("a reply");
        let other = "2001:db8:6500::/56".parse().expect("a prefix");
        assert_eq!(held.set_parent(Some(other)).len(), 1);
    }

    #[test]
    fn what_is_not_for_us_is_not_answered() {
        let mut held = delegations();
        let mut elsewhere = Message::new_with_id(MessageType::Request, [1, 2, 3]);
        elsewhere.opts_mut().insert(DhcpOption::ClientId(vec![1]));
        elsewhere.opts_mut().insert(DhcpOption::ServerId(vec![9]));
        let elsewhere = elsewhere.to_vec().expect("a message");
        let asked = ask(&mut held, 1, &elsewhere).map(|_| ());
        assert_eq!(asked, Err("dhcp6-for-another-server"));
        let none = message(MessageType::Solicit, 1, &[]);
        let asked = ask(&mut held, 1, &none).map(|_| ());
        assert_eq!(asked, Err("dhcp6-no-prefix-wanted"));
    }

    proptest! {
        #[test]
        fn no_message_makes_serve_panic(
            options in prop::collection::vec((0..70_u16, prop::collection::vec(any::<u8>(), 0..40)), 0..6),
        ) {
            let mut payload = message(MessageType::Request, 1, &[]);
            for (code, value) in options {
                payload.extend(code.to_be_bytes());
                payload.extend(u16::try_from(value.len()).expect("short").to_be_bytes());
                payload.extend(value);
            }
            let _ = ask(&mut delegations(), 1, &payload);
        }
    }
}
