#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| pmip_fuzz::classify::run(data));
