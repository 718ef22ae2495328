//! One node of a file as its engine takes it.

use std::time::Duration;

use pmip_binding::config::{PrefixRequest, SharedKey, Tolerance};
use pmip_examples::config::node::{Engine, NodeConfig, Role, select};
use pmip_wire::types::{Encapsulation, Label};

use super::{model, read, toml};

fn sample(name: &str, role: Role) -> NodeConfig {
    let config = model(&read(&format!("../docs/samples/{name}")));
    select(&config, role, None).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn the_sample_lma_becomes_an_engine() {
    let node = sample("lma.cfg", Role::Lma);
    let Engine::Lma(engine) = &node.engine else {
        panic!("not an LMA");
    };
    assert_eq!(engine.identity, "LMA1");
    assert_eq!(engine.encapsulation, Encapsulation::Ipv4Udp);
    assert_eq!(engine.timestamp_window, Duration::from_secs(7));
    assert_eq!(
        engine.default_profile.as_deref(),
        Some("RegularMn@example.com")
    );
    assert_eq!(engine.networks[0].mobile_network_pools.len(), 4);
    let wifi = engine
        .heartbeat
        .for_label(Label(9))
        .expect("a rule of its own");
    assert_eq!(
        (wifi.interval, wifi.nat_reboot),
        (Duration::from_secs(300), true)
    );
    assert_eq!(engine.weight(Label(11)), 4);
    assert_eq!(node.interfaces, ["eth0"]);
    assert_eq!(node.tunnel_mtu, Some(1360));
    assert_eq!(node.labels.name(Label(12)), Some("3g_intf"));
}

#[test]
fn the_sample_mag_becomes_an_engine() {
    let node = sample("mag.cfg", Role::Mag);
    let Engine::Mag(engine) = &node.engine else {
        panic!("not a MAG");
    };
    assert!(engine.multipath);
    let first = &engine.roaming_interfaces[0];
    assert_eq!(
        (first.name.as_str(), first.label, first.weight),
        ("wwan0", Label(11), 3)
    );
    assert_eq!(first.access_technology, 8);
    let uplink = &node.uplinks[2];
    assert_eq!(
        (uplink.name.as_str(), uplink.egress.as_str()),
        ("Loopback0", "wlan0")
    );
    assert_eq!(uplink.vrf.as_deref(), Some("blue"));
    let network = &engine.logical_mobile_nodes[0].mobile_networks[0];
    assert_eq!(network.interface, "eth1");
    assert_eq!(
        network.prefixes,
        [PrefixRequest::LearnIpv4, PrefixRequest::LearnIpv6]
    );
    assert_eq!(engine.maximum_bindings, 128_000);
}

#[test]
fn ambiguity_lists_the_nodes() {
    let config = model(
        "ipv6 mobile pmipv6-lma A domain D\n address ipv4 192.0.2.1\nipv6 mobile pmipv6-lma B domain D\n",
    );
    let errors = select(&config, Role::Lma, None).expect_err("two nodes");
    assert!(errors.to_string().contains("A, B"), "{errors}");
    assert!(select(&config, Role::Lma, Some("A")).is_ok());
    let errors = select(&config, Role::Lma, Some("C")).expect_err("no such node");
    assert!(errors.to_string().contains("`C`"), "{errors}");
    let errors = select(&config, Role::Mag, None).expect_err("no such role");
    assert!(errors.to_string().contains("pmipv6-mag"), "{errors}");
}

#[test]
fn laboratories_may_use_short_intervals() {
    let loaded = toml(
        "[[lma]]\nid = \"L\"\ndomain = \"D\"\naddress = { ipv4 = [\"192.0.2.1\"] }\n\
         heartbeat = [{ interval-ms = 200, retries = 1 }]\n",
    );
    let node = select(&loaded.config, Role::Lma, None).expect("a runnable node");
    let Engine::Lma(engine) = node.engine else {
        panic!("not an LMA");
    };
    let rule = engine
        .heartbeat
        .for_label(Label::NONE)
        .expect("the default rule");
    assert_eq!(rule.interval, Duration::from_millis(200));
}

#[test]
fn a_label_without_number_travels_as_none() {
    let config = model(
        "ipv6 mobile pmipv6-mag M domain D\n address dynamic\n  roaming interface eth0\n lma L D\n  ipv4-address 192.0.2.1\n",
    );
    let node = select(&config, Role::Mag, None).unwrap_or_else(|errors| panic!("{errors}"));
    let Engine::Mag(engine) = &node.engine else {
        panic!("not a MAG");
    };
    let label = engine.roaming_interfaces[0].label;
    assert_eq!(label.if_label(), 0);
    assert_eq!(node.labels.name(label), Some("eth0"));
}

#[test]
fn a_key_reaches_the_engines() {
    let base =
        "ipv6 mobile pmipv6-domain D1\n encap udptunnel\n auth-option spi 100 key ascii shared\n";
    let lma = "ipv6 mobile pmipv6-lma LMA1 domain D1\n address ipv4 192.0.2.1\n \
               mag MAG1 D1\n  auth-option spi 200 key hex 6f776e\n";
    let mag = "ipv6 mobile pmipv6-mag MAG1 domain D1\n address dynamic\n  roaming interface eth0\n \
               lma LMA1 D1\n  ipv4-address 192.0.2.1\n";
    let own = SharedKey::new(0x200, *b"own");
    let shared = SharedKey::new(0x100, *b"shared");
    let of = |text: &str, role| select(&model(text), role, None).unwrap_or_else(|e| panic!("{e}"));
    let Engine::Lma(anchor) = of(&format!("{base}{lma}"), Role::Lma).engine else {
        panic!("not an LMA");
    };
    assert_eq!(anchor.keys, std::slice::from_ref(&shared));
    assert_eq!(anchor.peers[0].keys, std::slice::from_ref(&own));
    let anchor_of = |text: &str| match of(text, Role::Mag).engine {
        Engine::Mag(mut gateway) => gateway.lmas.remove(0).keys,
        Engine::Lma(_) => panic!("not a MAG"),
    };
    assert_eq!(anchor_of(&format!("{base}{mag}")), [shared]);
    let keyed = format!("{base}{mag}  auth-option spi 200 key ascii own\n");
    assert_eq!(anchor_of(&keyed), [own]);
}

#[test]
fn required_authentication_without_a_key_for_a_peer_does_not_run() {
    let text = "ipv6 mobile pmipv6-domain D1\n encap udptunnel\n auth-option required\n\
                ipv6 mobile pmipv6-lma LMA1 domain D1\n address ipv4 192.0.2.1\n \
                mag MAG1 D1\n  auth-option spi 100 key ascii secret\n mag MAG2 D1\n";
    let refused = select(&model(text), Role::Lma, None).expect_err("refused");
    let refused = refused.to_string();
    assert!(refused.contains("MAG2 has no key"), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
}

#[test]
fn during_a_roll_over_the_first_key_sends_and_all_are_accepted() {
    let config = model(
        "ipv6 mobile pmipv6-domain D\n auth-option spi 200 key ascii new\n \
         auth-option spi 100 key ascii old\nipv6 mobile pmipv6-lma L domain D\n \
         address ipv4 192.0.2.1\n mag M D\n  auth-option spi 300 key ascii own\n  \
         auth-option spi 400 key ascii next\n  no auth-option spi 300\n  \
         lenient padded-mn-id host-prefix\n  no lenient host-prefix\n",
    );
    let node = select(&config, Role::Lma, None).unwrap_or_else(|errors| panic!("{errors}"));
    let Engine::Lma(engine) = &node.engine else {
        panic!("not an LMA");
    };
    let key = |spi, key: &str| SharedKey::new(spi, key.as_bytes().to_vec());
    assert_eq!(engine.keys, [key(0x200, "new"), key(0x100, "old")]);
    assert_eq!(engine.peers[0].keys, [key(0x400, "next")]);
    assert_eq!(engine.peers[0].lenient, [Tolerance::PaddedMnId]);
}

#[test]
fn a_gateway_takes_the_tolerances_and_keys_of_its_anchor_from_the_domain() {
    let config = toml(
        r#"
[[domain]]
name = "D"
auth-option = { spi = 256, key = { ascii = "one" } }
[[domain.lma]]
id = "L"
ipv4-address = "192.0.2.1"
lenient = ["no-proxy-flag"]
[[mag]]
id = "M"
domain = "D"
lma = [{ id = "L", domain = "D" }]
"#,
    )
    .config;
    let node = select(&config, Role::Mag, None).unwrap_or_else(|errors| panic!("{errors}"));
    let Engine::Mag(engine) = &node.engine else {
        panic!("not a MAG");
    };
    let lma = &engine.lmas[0];
    assert_eq!(lma.lenient, [Tolerance::NoProxyFlag]);
    assert_eq!(lma.keys, [SharedKey::new(256, b"one".to_vec())]);
}

#[test]
fn what_engines_have_is_configured() {
    let config = model(
        "ipv6 mobile pmipv6-domain D\n encap gre-ipv4\n vendor-info enterprise 99\n \
         link-label lte id 7\n nai a@x\n  apn internet\n  gre-encap-key up 8\n  \
         gre-encap-key down 9\nipv6 mobile pmipv6-lma L domain D\n address ipv4 192.0.2.1\n \
         generate grekey\n heartbeat interval 60 retries 3\n heartbeat enforce\n \
         bri delay min 700\n bri retries 4\nipv6 mobile pmipv6-mag M domain D\n \
         generate grekey\n ignore grekey\n lma L D\n  ipv4-address 192.0.2.1\n logical-mn a@x\n  \
         mobile network eth1\n address dynamic\n  roaming interface wwan0 label lte\n",
    );
    let lma = select(&config, Role::Lma, None).unwrap_or_else(|errors| panic!("{errors}"));
    let mag = select(&config, Role::Mag, None).unwrap_or_else(|errors| panic!("{errors}"));
    let (Engine::Lma(lma), Engine::Mag(mag)) = (&lma.engine, &mag.engine) else {
        panic!("one of each role");
    };
    assert!(lma.gre_required && mag.generate_gre_keys && mag.ignore_gre_keys);
    assert_eq!((lma.vendor_info, mag.vendor_info), (Some(99), Some(99)));
    assert_eq!(lma.label("lte"), Some(Label(7)));
    let label = mag.roaming_interfaces[0].label_name.as_deref();
    assert_eq!(label, Some("lte"));
    let profile = &lma.profiles[0];
    assert_eq!(profile.gre_uplink_key, Some(8));
    assert_eq!(profile.services, ["internet"]);
    let node = &mag.logical_mobile_nodes[0];
    assert_eq!(node.gre_downlink_key, Some(9));
    assert_eq!(node.service_selection.as_deref(), Some("internet"));
    let enforced = lma.controlled.heartbeat.as_ref().expect("enforced values");
    let seconds = Duration::from_secs;
    let values = (enforced.interval, enforced.retransmission_delay);
    assert_eq!(values, (seconds(60), seconds(3)));
    assert_eq!(enforced.max_retransmissions, 3);
    let bri = &lma.revocation;
    assert_eq!(
        (bri.initial_delay, bri.retries),
        (Duration::from_millis(700), 4)
    );
}

#[test]
fn values_that_no_gateway_can_be_told_are_not_enforced() {
    for line in [
        "",
        " heartbeat interval 15 retries 1\n",
        " heartbeat interval 60 retries 1 label x\n",
    ] {
        let report = super::refused(&format!(
            "ipv6 mobile pmipv6-lma L domain D\n address ipv4 192.0.2.1\n{line} heartbeat enforce\n"
        ));
        assert!(report.contains("heartbeat enforce"), "{report}");
        assert!(report.contains("leave `enforce` out"), "{report}");
    }
}

#[test]
fn both_roles_have_the_window_of_the_domain() {
    let config = model(
        "ipv6 mobile pmipv6-domain D\n replay-protection timestamp window 9\n\
         ipv6 mobile pmipv6-lma L domain D\n address ipv4 192.0.2.1\n\
         ipv6 mobile pmipv6-mag M domain D\n lma L D\n  ipv4-address 192.0.2.1\n",
    );
    for role in [Role::Lma, Role::Mag] {
        let node = select(&config, role, None).unwrap_or_else(|errors| panic!("{errors}"));
        let window = match &node.engine {
            Engine::Lma(lma) => lma.timestamp_window,
            Engine::Mag(mag) => mag.timestamp_window,
        };
        assert_eq!(window, Duration::from_secs(9), "{role}");
    }
}
