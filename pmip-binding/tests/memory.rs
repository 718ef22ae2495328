//! What a binding costs.
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

#[path = "../benches/domain/counting.rs"]
mod counting;
#[path = "../benches/domain/mod.rs"]
mod domain;

use domain::Domain;

/// One test alone: the count is of the whole process.
#[test]
fn a_two_path_binding_takes_less_than_512_octets_and_gives_them_back() {
    let empty = counting::requested();
    let sessions = 20_000;
    let mut domain = Domain::new(domain::config(sessions), sessions, 1_000);
    let homes = domain.homes.capacity() * size_of::<domain::Homes>();
    let each = (counting::requested() - empty - homes) / (sessions as usize);
    assert!(each <= 400, "{each} octets");
    // A refresh leaves nothing behind.
    for round in 0..3 {
        for session in 0..100 {
            let ask = domain.ask(session, 1 + round % 2, 5);
            let datagram = domain.datagram(&ask);
            assert!(domain.give(datagram).is_some());
        }
    }
    let before = counting::requested();
    let mut requests = 0;
    for session in 0..1_000 {
        let ask = domain.ask(session, 1, 5);
        let datagram = domain.datagram(&ask);
        let so_far = counting::requests();
        assert!(domain.give(datagram).is_some());
        requests += counting::requests() - so_far;
    }
    assert_eq!(counting::requested(), before);
    // The reference to the datagram's memory, the answer's options and the answer.
    assert_eq!(requests, 3_000, "of 1000 refreshes");
}
