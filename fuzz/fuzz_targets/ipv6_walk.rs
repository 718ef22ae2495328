#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pmip_fuzz::ipv6_walk::run(data));
