#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| smartcar_connect_fuzz::webhook::check(data));
