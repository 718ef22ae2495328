//! Keys in the configuration, how they are changed, and where they never show.

use pmip_binding::config::ConfigError;
use pmip_binding::testing::{World, address, lma_config, mag_config};

use crate::common::{SECOND, link, uplink};
use crate::keys::{KEY, OTHER, SPI, key, protected};

#[test]
fn required_authentication_refuses_to_go_without_a_key() {
    let mut config = lma_config();
    config.authentication_required = true;
    assert!(!config.is_open_to_all());
    let errors = config.validate().unwrap_err();
    assert!(
        errors
            .iter()
            .any(|e| matches!(e, ConfigError::NoKey { .. }))
    );
    config.keys = vec![key(SPI, KEY)];
    config.validate().unwrap();
    let mut mag = mag_config(1, 1);
    mag.authentication_required = true;
    assert!(mag.validate().is_err());

    let mut open = lma_config();
    assert!(open.is_open_to_all());
    open.keys = vec![key(SPI, KEY)];
    assert!(!open.is_open_to_all());
}

#[test]
fn a_key_names_one_peer_and_reserved_numbers_none() {
    let mut config = protected();
    config.peers[1].keys = vec![key(SPI, OTHER)];
    let errors = config.validate().unwrap_err();
    let shared = ConfigError::SharedSpi { spi: SPI };
    assert!(errors.iter().any(|error| *error == shared));
    config.peers[1].keys = vec![key(255, OTHER)];
    assert!(config.validate().is_err());
}

/// Both ends accept both keys while they change from one to the other.
#[test]
fn keys_are_rolled_over_without_a_break() {
    let (old, new) = (key(SPI, KEY), key(SPI + 1, OTHER));
    for (lma_keys, mag_keys) in [
        (vec![old.clone(), new.clone()], vec![old.clone()]),
        (
            vec![old.clone(), new.clone()],
            vec![new.clone(), old.clone()],
        ),
        (vec![new.clone(), old], vec![new.clone()]),
    ] {
        let mut lma = lma_config();
        let mut mag = mag_config(1, 1);
        // The one that is not rolled over yet must know what the other one sends with.
        let sends = lma_keys[0].clone();
        lma.keys = lma_keys;
        mag.lmas[0].keys = mag_keys;
        if !mag.lmas[0].keys.contains(&sends) {
            mag.lmas[0].keys.push(sends);
        }
        let mut world = World::new(lma, 1);
        world.add_mag(mag, &[address(1, 1)], &link(10));
        world.all_up();
        world.run_for(5 * SECOND);
        assert_eq!(uplink(&world), [1], "{}", world.tail());
        assert!(world.lma.stats().dropped.is_empty());
    }
}

#[test]
fn keys_are_in_no_text_for_people() {
    let mut lma = protected();
    lma.keys = vec![key(SPI + 5, KEY)];
    let mut mag = mag_config(1, 1);
    mag.lmas[0].keys = vec![key(SPI, KEY)];
    let mut world = World::new(lma.clone(), 1);
    world.add_mag(mag.clone(), &[address(1, 1)], &link(1));
    let texts = [
        format!("{lma:?}"),
        format!("{mag:?}"),
        format!("{:?}", world.lma),
        format!("{:?}", world.mags[0]),
        serde_json::to_string(&lma).unwrap(),
        serde_json::to_string(&mag).unwrap(),
        serde_json::to_string(&world.lma.snapshot()).unwrap(),
    ];
    let hex = "30313233343536373839616263646566";
    let list = "48, 49, 50, 51, 52";
    for text in texts {
        for shown in ["0123456789abcdef", hex, list, "48,49,50,51,52"] {
            assert!(!text.contains(shown), "{shown}");
        }
    }
}
