//! What is configured can be written and read back; what is wrong is refused on reading.
#![cfg(feature = "serde")]

use pmip_policy::{
    AccessList, Action, AddressMatch, Candidate, Family, FlowTableConfig, Line, LinkPreference,
    MapEntry, MobileMap, PortMatch, Rule, Selector,
};
use pmip_wire::types::{Label, PathId};
use serde::Serialize;
use serde::de::DeserializeOwned;

fn round_trip<T: Serialize + DeserializeOwned + PartialEq + core::fmt::Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("writes");
    let read: T = serde_json::from_str(&text).expect(&text);
    assert_eq!(&read, value, "{text}");
}

#[test]
fn configuration_survives() {
    let mut list = AccessList::new(Family::Ipv4);
    let selector = Selector::any()
        .with_protocol(17)
        .with_source(AddressMatch::Wildcard {
            address: [10, 0, 0, 0].into(),
            wildcard: [0, 255, 0, 255].into(),
        })
        .with_destination(AddressMatch::host([192, 0, 2, 1].into()))
        .with_destination_port(PortMatch::Range(16_384, 32_767))
        .with_dscp(46);
    list.append(Line::Remark("voice".into())).expect("fits");
    list.append(Rule::new(Action::Permit, selector).with_log())
        .expect("fits");
    round_trip(&list);

    let mut map = MobileMap::new();
    let links = LinkPreference::with_null(&[Label(1), Label(2)]).expect("two");
    let entry = MapEntry::new().with_access_list("voice").with_links(links);
    map.insert(10, entry).expect("not 0");
    round_trip(&map);

    round_trip(&FlowTableConfig::default().with_max_flows(9));
    round_trip(&Candidate::new(PathId(1), 75).with_label(Label(3)));
}

#[test]
fn what_a_constructor_refuses_is_refused_on_reading() {
    let refused = [
        serde_json::from_str::<LinkPreference>(r#"{"labels":[1,2,3,4]}"#).is_err(),
        serde_json::from_str::<LinkPreference>(r#"{"labels":[]}"#).is_err(),
        serde_json::from_str::<MobileMap>(r#"{"entries":{"0":{}}}"#).is_err(),
        serde_json::from_str::<AccessList>(
            r#"{"family":"ipv6","lines":{"10":{"rule":{"action":"permit","source":{"prefix":"10.0.0.0/8"}}}}}"#,
        )
        .is_err(),
    ];
    assert_eq!(refused, [true; 4]);
}
