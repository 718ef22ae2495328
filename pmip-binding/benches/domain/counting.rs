//! The octets that this process has asked its allocator for and not given back, and how often it
//! asked.
#![allow(dead_code, unreachable_pub, reason = "a part of several programs")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static REQUESTED: AtomicUsize = AtomicUsize::new(0);
static REQUESTS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed to the system allocator unchanged; counting touches no memory of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        REQUESTED.fetch_add(layout.size(), Ordering::Relaxed);
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps this method's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        REQUESTED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps this method's contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

pub fn requested() -> usize {
    REQUESTED.load(Ordering::Relaxed)
}

/// How often memory was asked for.
pub fn requests() -> usize {
    REQUESTS.load(Ordering::Relaxed)
}
