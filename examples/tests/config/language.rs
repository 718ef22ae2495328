//! How lines are understood: abbreviations, prompts, nesting, `no`, tolerated slips.

use pmip_examples::config::model::{TunnelAcl, TunnelEncap};

use super::{model, refused, text};

#[test]
fn unambiguous_abbreviations_are_read() {
    let config =
        model("ipv6 mob pmipv6-d D\n enc udp\nipv6 mob pmipv6-lma L dom D\n mult\n tun m 1400\n");
    assert_eq!(config.domains[0].encap, Some(TunnelEncap::Udptunnel));
    assert!(config.lmas[0].multipath);
    assert_eq!(config.lmas[0].tunnel.mtu, Some(1400));
}

#[test]
fn ambiguous_abbreviations_list_what_they_could_be() {
    let report = refused("ipv6 mobile pmipv6-lma L domain D\n mo MAP\n");
    assert!(report.contains("ambiguous"), "{report}");
    assert!(
        report.contains("`mobile-map`") && report.contains("`mobility-service`"),
        "{report}"
    );
}

#[test]
fn indentation_closes_blocks() {
    let config = model(
        "ipv6 mobile pmipv6-mag M domain D\n interface eth0\n mobility-service hybrid-access\n  \
         sla frequency 60\ninterface eth1\n device wlan0\n",
    );
    assert_eq!(config.mags[0].interface, ["eth0"]);
    assert_eq!(config.interfaces[0].device.as_deref(), Some("wlan0"));
}

#[test]
fn flat_transcripts_find_commands_in_outer_modes() {
    let config = model(
        "Device(config)# ipv6 mobile pmipv6-lma L domain D\r\n\
         Device(config-ipv6-pmipv6-lma)# network a\r\n\
         Device(config-ipv6-pmipv6lma-network)# network b\r\n\
         Device(config-ipv6-pmipv6lma-network)# multipath\r\n\
         Device(config-ipv6-pmipv6-lma)#\tend\r\n",
    );
    assert_eq!(config.lmas[0].network.len(), 2);
    assert!(config.lmas[0].multipath);
}

#[test]
fn a_line_of_arguments_continues_the_last_command() {
    for wrapped in [
        "num-packets 10\ninterval 100 frequency 100",
        "num-packets\n10 interval 100 frequency 100",
    ] {
        let config = model(&format!(
            "ipv6 mobile pmipv6-lma L domain D\nmobility-service hybrid-access\nenable-sla mag M1 {wrapped}\n"
        ));
        let service = config.lmas[0].hybrid_access.as_ref().expect("the service");
        let line = &service.enable_sla_mag[0];
        assert_eq!(
            (line.num_packets, line.interval, line.frequency),
            (Some(10), Some(100), Some(100))
        );
    }
}

#[test]
fn permit_returns_to_the_last_access_list() {
    let config = model(
        "Device(config)# ip access-list extended acl1\nDevice(config-ext-nacl)# exit\n\
         Device(config)# permit ip any any\n",
    );
    assert_eq!(config.access_lists[0].rules.len(), 1);
}

#[test]
fn no_takes_back() {
    let config = model(
        "ip access-list extended a\n 10 permit ip any any\n 20 deny ip any any\n no 10\n no deny ip any any\n\
         ipv6 mobile pmipv6-lma L domain D\n multipath\n no multipath\n tunnel mtu 1360\n no tunnel mtu\n \
         heartbeat interval 30 retries 1\n heartbeat interval 60 retries 2 label lte\n no heartbeat label lte\n \
         network net1\n no network net1\n tunnel acl a\n no tunnel acl\n",
    );
    assert!(config.access_lists[0].rules.is_empty());
    let lma = &config.lmas[0];
    assert!(!lma.multipath && lma.network.is_empty());
    assert_eq!((lma.tunnel.mtu, lma.tunnel.acl.as_ref()), (None, None));
    assert_eq!(lma.heartbeat.len(), 1);
}

#[test]
fn a_node_is_removed_whole() {
    let config =
        model("ipv6 mobile pmipv6-lma L domain D\n multipath\nno ipv6 mobile pmipv6-lma L\n");
    assert!(config.lmas.is_empty());
}

#[test]
fn ranges_end_where_they_say() {
    let line = |command: &str| format!("ipv6 mobile pmipv6-lma L domain D\n {command}\n");
    for fine in [
        "heartbeat interval 10 retries 1",
        "heartbeat interval 3600 retries 10",
        "bce maximum 128000",
        "tunnel mtu 68",
        "tunnel mtu 17916",
        "hnp maximum 3",
    ] {
        text(&line(fine));
    }
    for wrong in [
        "heartbeat interval 9 retries 1",
        "heartbeat interval 3601 retries 1",
        "heartbeat interval 10 retries 0",
        "heartbeat interval 10 retries 11",
        "bce maximum 0",
        "bce maximum 128001",
        "bce refresh-time 6",
        "tunnel mtu 67",
        "tunnel mtu 17917",
        "hnp maximum 4",
        "bce lifetime 99999999999999999999999",
    ] {
        refused(&line(wrong));
    }
}

#[test]
fn names_have_1_to_125_characters() {
    text(&format!("ipv6 mobile pmipv6-domain {}\n", "d".repeat(125)));
    refused(&format!("ipv6 mobile pmipv6-domain {}\n", "d".repeat(126)));
    refused("ipv6 mobile pmipv6-domain \"\"\n");
}

#[test]
fn a_broken_block_is_reported_once() {
    let report =
        refused("ipv6 mobile pmipv6-lma L domian D\n multipath\n address ipv4 192.0.2.1\n");
    assert!(report.contains("1 error"), "{report}");
    assert!(
        report.contains("write `ipv6 mobile pmipv6-lma L domain D`"),
        "{report}"
    );
}

#[test]
fn automatic_tunnel_filters_are_read() {
    let config = model("ipv6 mobile pmipv6-lma L domain D\n tunnel acl auto-pools\n");
    assert_eq!(config.lmas[0].tunnel.acl, Some(TunnelAcl::AutoPools));
}

#[test]
fn secrets_show_in_no_report() {
    for line in [
        "auth-option spi 100 key hex topsecretzz",
        "auth-option spi 100 key topsecret",
        "auth-option spi 0 key ascii topsecret",
        "auth-opton spi 100 key ascii topsecret",
        "auth spi 100 k a topsecret extra",
        "auth-option key topsecret",
    ] {
        let report = refused(&format!("ipv6 mobile pmipv6-domain D\n {line}\n"));
        assert!(!report.contains("topsecret"), "{report}");
    }
    let toml =
        "[[domain]]\nname = \"D\"\n[domain.auth-option]\nspi = 1\nkey = { hex = \"topsecret\" }\n";
    let report = pmip_examples::config::parse("f", toml, pmip_examples::config::Format::Toml);
    let report = report.expect_err("no hexadecimal key").to_string();
    assert!(!report.contains("topsecret"), "{report}");
}

#[test]
fn every_wrong_value_of_a_line_is_reported() {
    let report = refused("ipv6 mobile pmipv6-lma L domain D\n heartbeat interval 5 retries 99\n");
    assert!(report.contains("`5` is not a number from 10"), "{report}");
    assert!(
        report.contains("`99` is not a number from 1 to 10"),
        "{report}"
    );
}

#[test]
fn a_file_of_the_other_format_is_called_so_once() {
    use pmip_examples::config::{Format, parse};
    let cases = [
        (
            Format::Text,
            "# a comment\n\n[[domain]]\nname = \"D\"\n",
            "this is TOML",
        ),
        (Format::Text, "domain = []\n", "this is TOML"),
        (
            Format::Toml,
            "!\nipv6 mobile pmipv6-domain D\n encap udptunnel\n",
            "does not end in `.toml`",
        ),
    ];
    for (format, source, expected) in cases {
        let Err(report) = parse("file", source, format) else {
            panic!("{source:?} was accepted");
        };
        assert_eq!(report.problems().len(), 1, "{report}");
        assert!(report.to_string().contains(expected), "{report}");
    }
    // What is neither stays what it is.
    let Err(report) = parse("file", "frobnicate\n", Format::Text) else {
        panic!("nonsense was accepted");
    };
    assert!(!report.to_string().contains("TOML"), "{report}");
}

#[test]
fn lists_and_profiles_that_were_removed_are_made_anew() {
    let config = model(
        "ip access-list extended a\n permit ip any any\nip access-list extended b\n\
         no ip access-list extended a\nip access-list extended b\n permit tcp any any\n\
         ip access-list extended a\n permit udp any any\n\
         ipv6 mobile pmipv6-domain D\n nai x@y\n  apn one\n nai z@y\n no nai x@y\n nai z@y\n  \
         apn two\n",
    );
    let lists = config.access_lists.iter();
    let lists: Vec<_> = lists
        .map(|list| (list.name.as_str(), list.rules.len()))
        .collect();
    assert_eq!(lists, [("b", 1), ("a", 1)]);
    let nais = &config.domains[0].nais;
    assert_eq!(nais.len(), 1);
    assert_eq!(nais[0].apn.as_deref(), Some("two"));
}
