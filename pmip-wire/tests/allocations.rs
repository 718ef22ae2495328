//! The paths that must not allocate: borrowed iteration, encoding into a reused buffer, and a
//! heartbeat both ways.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::num::NonZeroU16;

use bytes::Bytes;
use pmip_wire::traffic_selector::Ipv6TrafficSelector;
use pmip_wire::{
    BindingReference, BindingUpdate, ChecksumContext, FlowIdentification, FlowSubOption,
    HandoffIndicator, Heartbeat, HomeNetworkPrefix, MagIdentifier, Message, MobileNodeIdentifier,
    MobilityHeader, MobilityOption, MobilityOptions, Timestamp,
};

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
    let wire = message.to_bytes(IPV6);
    let mut out = Vec::with_capacity(64);
    let count = allocations(|| {
        let decoded = Message::decode(&wire, IPV6).expect("well-formed");
        decoded.encode(IPV6, &mut out);
    });
    assert_eq!((count, &out[..]), (0, &wire[..]));
}
