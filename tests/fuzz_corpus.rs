//! Replays the corpus of the fuzz targets (`fuzz/corpus/`): what fuzzing once reached goes on being tested.

#![cfg(feature = "edge")]
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "a test, outside its functions too"
)]

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use std::{fs, panic, path::Path};

/// Gives every file of the target's corpus to `check`.
fn replay(target: &str, check: fn(&[u8])) {
    // Tests run in the package's directory, wherever that was when they were compiled.
    let directory = Path::new("fuzz/corpus").join(target);
    let files = fs::read_dir(&directory).unwrap();
    let mut count = 0;
    for file in files {
        let path = file.unwrap().path();
        let input = fs::read(&path).unwrap();
        assert!(panic::catch_unwind(|| check(&input)).is_ok(), "{}", path.display());
        count += 1;
    }
    assert!(count > 5, "{} is nearly empty", directory.display());
}

macro_rules! replay {
    ($($target:ident),+ $(,)?) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), fuzz::$target::check);
            }
        )+
    };
}

replay!(
    api,
    callback,
    configuration,
    jwt,
    record,
    session,
    token_response,
    webhook
);
