//! A consumer without a standard library: it decodes a message and owns a forwarding table.
#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use pmip_wire::{ChecksumContext, Message};

struct NoMemory;

// SAFETY: it never hands out memory.
unsafe impl GlobalAlloc for NoMemory {
    unsafe fn alloc(&self, _: Layout) -> *mut u8 {
        core::ptr::null_mut()
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static ALLOCATOR: NoMemory = NoMemory;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Decodes one Mobility Header; 1 when it is well formed.
#[unsafe(no_mangle)]
pub extern "C" fn pmip_probe_decode(octets: *const u8, length: usize) -> i32 {
    if octets.is_null() {
        return 0;
    }
    // SAFETY: the caller vouches for `length` readable octets.
    let octets = unsafe { core::slice::from_raw_parts(octets, length) };
    i32::from(Message::decode_slice(octets, ChecksumContext::Udp).is_ok())
}

/// Sessions in an empty forwarding table: pulls in tunnel and policy.
#[unsafe(no_mangle)]
pub extern "C" fn pmip_probe_table() -> u32 {
    pmip_tunnel::ForwardingTable::new(pmip_tunnel::Role::Lma).generation()
}
