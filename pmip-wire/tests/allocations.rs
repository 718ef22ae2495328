//! The paths that must not allocate: borrowed iteration, encoding into a reused buffer, and a
//! heartbeat both ways.

use bytes::Bytes;
use pmip_wire::carrier::{GreHeader, GrePacket, HomeAddress, Ipv6Header, Ipv6Packet};
use pmip_wire::sla::{MeasurementHeader, MeasurementPacket};
use pmip_wire::stamp::{SenderPacket, StampKey, StampMode};
use pmip_wire::traffic_selector::Ipv6TrafficSelector;
use pmip_wire::{
    BindingReference, BindingUpdate, ChecksumContext, ContextRequest, FlowIdentification,
    FlowSubOption, FlowSummary, HandoffIndicator, Heartbeat, HomeNetworkPrefix, MagIdentifier,
    Message, MobileNodeIdentifier, MobilityHeader, MobilityOption, MobilityOptions, OptionType,
    ServiceSelection, Timestamp,
};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::net::Ipv6Addr;
use std::num::NonZeroU16;

const IPV6: ChecksumContext = ChecksumContext::Ipv6 {
    source: std::net::Ipv6Addr::LOCALHOST,
    destination: std::net::Ipv6Addr::LOCALHOST,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system allocator unchanged; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps this method's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps this method's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations that `work` makes on this thread.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

fn registration() -> Message {
    let options = MobilityOptions::new()
        .with(MobileNodeIdentifier::nai("node@example.net").expect("short"))
        .and_then(|options| options.with(HomeNetworkPrefix::ALL_ZERO))
        .and_then(|options| options.with(HandoffIndicator::AttachmentOverNewInterface))
        .and_then(|options| options.with(Timestamp::from_bits(1)))
        .and_then(|options| options.with(MagIdentifier::nai("mag@example.net").expect("short")));
    Message::BindingUpdate(BindingUpdate {
        options: options.expect("fits"),
        ..BindingUpdate::default()
    })
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1u8)))), 1);
}

#[test]
fn borrowed_iteration_does_not_allocate() {
    let wire = registration().to_bytes(IPV6);
    let mut seen = 0;
    let count = allocations(|| {
        let header = MobilityHeader::parse(&wire, IPV6).expect("well-formed");
        for raw in header.options().expect("a typed message") {
            seen += usize::from(raw.expect("whole").decode().expect("well-formed").is_some());
        }
    });
    assert_eq!((count, seen), (0, 5));
}

#[test]
fn borrowed_sub_options_do_not_allocate() {
    let selector = Ipv6TrafficSelector::new().with_source_address(std::net::Ipv6Addr::LOCALHOST);
    let flow = FlowIdentification::new(NonZeroU16::MIN, NonZeroU16::MIN)
        .with(FlowSubOption::BindingReference(BindingReference::new([1])))
        .and_then(|flow| flow.with(FlowSubOption::TrafficSelector(selector.into())));
    let update = BindingUpdate {
        options: MobilityOptions::new()
            .with(flow.expect("fits"))
            .expect("fits"),
        ..BindingUpdate::default()
    };
    let wire = Message::from(update).to_bytes(IPV6);
    let mut seen = 0;
    let count = allocations(|| {
        let header = MobilityHeader::parse(&wire, IPV6).expect("well-formed");
        for raw in header.options().expect("a typed message") {
            let option = raw.expect("whole").decode().expect("well-formed");
            if let Some(MobilityOption::FlowIdentification(flow)) = option {
                seen += flow.sub_options().iter().count();
            }
        }
    });
    assert_eq!((count, seen), (0, 2));
}

#[test]
fn encoding_into_a_reused_buffer_does_not_allocate() {
    let message = registration();
    let mut out = Vec::with_capacity(message.encoded_len());
    assert_eq!(allocations(|| message.encode(IPV6, &mut out)), 0);
    assert_eq!(out.len(), message.encoded_len());
}

/// What borrows need not be checked by copying it.
#[test]
fn borrowed_lists_do_not_allocate() {
    let wanted = [(OptionType::VendorSpecific, &[0, 0, 0, 9, 7][..])];
    let options = MobilityOptions::new()
        .with(ContextRequest::new(wanted).expect("short"))
        .and_then(|options| options.with(FlowSummary::new(&[1, 2, 3]).expect("three")))
        .and_then(|options| options.with(ServiceSelection::new("ims").expect("short")));
    let mut heartbeat = Heartbeat::request(1);
    heartbeat.options = options.expect("fits");
    let wire = Message::from(heartbeat).to_bytes(IPV6);
    let mut seen = 0;
    let count = allocations(|| {
        let header = MobilityHeader::parse(&wire, IPV6).expect("well-formed");
        for raw in header.options().expect("a typed message") {
            match raw.expect("whole").decode().expect("well-formed") {
                Some(MobilityOption::ContextRequest(request)) => seen += request.requests().count(),
                Some(MobilityOption::FlowSummary(flows)) => seen += flows.flow_ids().len(),
                Some(_) => seen += 1,
                None => {}
            }
        }
    });
    assert_eq!((count, seen), (0, 5));
}

#[cfg(feature = "auth")]
#[test]
fn signing_into_a_reused_buffer_and_verifying_do_not_allocate() {
    use pmip_wire::auth::{Addresses, SecurityAssociation};
    let association = SecurityAssociation::new(256, &[7; 16]).expect("usable");
    let message = registration();
    let mut out = Vec::with_capacity(256);
    let count = allocations(|| {
        let signed = association.encode(&message, Addresses::ZERO, IPV6, &mut out);
        signed.expect("it fits");
        let header = MobilityHeader::parse(&out, IPV6).expect("well-formed");
        let verdict = association.verify(&header, Addresses::ZERO);
        verdict.expect("authentic");
    });
    assert_eq!(count, 0);
}

#[test]
fn owned_decoding_of_a_usual_registration_does_not_allocate() {
    let wire = Bytes::from_owner(registration().to_bytes(IPV6).to_vec());
    let count = allocations(|| drop(Message::decode(&wire, IPV6).expect("well-formed")));
    assert_eq!(count, 0);
}

#[test]
fn a_heartbeat_does_not_allocate_either_way() {
    let mut response = Heartbeat::response(7);
    response
        .options
        .push(MobilityOption::RestartCounter(3))
        .expect("fits");
    let message = Message::from(response);
    let wire = Bytes::from_owner(message.to_bytes(IPV6).to_vec());
    let mut out = Vec::with_capacity(64);
    let count = allocations(|| {
        let decoded = Message::decode(&wire, IPV6).expect("well-formed");
        decoded.encode(IPV6, &mut out);
    });
    assert_eq!((count, &out[..]), (0, &wire[..]));
}

#[test]
fn carriers_and_measurement_packets_do_not_allocate_either_way() {
    let mut header = Ipv6Header::new(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST);
    header.source_home_address = HomeAddress::new(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let message = Message::from(Heartbeat::request(7));
    let key = StampKey::new(b"key").expect("not empty");
    let mode = StampMode::Authenticated(&key);
    let mut out = Vec::with_capacity(2048);
    let count = allocations(|| {
        header.encode_message(&message, &mut out);
        let packet = Ipv6Packet::parse(&out).expect("well-formed");
        assert_eq!(packet.extension_headers().count(), 1);
        out.clear();
        SenderPacket::default().encode(mode, &mut out);
        assert!(SenderPacket::parse(&out, mode).is_ok());
        out.clear();
        MeasurementHeader::default().encode(&[0; 64], &mut out);
        assert!(MeasurementPacket::parse(&out).is_ok());
        out.clear();
        GreHeader::with_key(0x0800, 7).encode(&[0x45], &mut out);
        assert!(GrePacket::parse(&out).is_ok());
    });
    assert_eq!(count, 0);
}

#[test]
fn any_number_of_options_decodes_in_place() {
    for count in [0, 1, 4, 12, 13, 40] {
        let mut options = MobilityOptions::new();
        for number in 0..count {
            let option = MobilityOption::RestartCounter(number);
            options.push(option).expect("short");
        }
        let message = Message::from(Heartbeat {
            options,
            ..Heartbeat::request(7)
        });
        let wire = Bytes::from_owner(message.to_bytes(IPV6).to_vec());
        let mut decoded = None;
        let spent = allocations(|| decoded = Some(Message::decode(&wire, IPV6)));
        assert_eq!(spent, 0, "{count} options");
        assert_eq!(decoded, Some(Ok(message)));
    }
}
