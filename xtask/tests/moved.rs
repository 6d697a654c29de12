//! The program serves the checkout that it lies in, wherever that was when it was compiled.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use tempfile::TempDir;
use xtask::check;

/// This package's program, found beside the test rather than by a path compiled in: a checkout with its target directory
/// may have been moved since.
fn program() -> PathBuf {
    let target = std::env::current_exe().unwrap();
    target.parent().unwrap().parent().unwrap().join("xtask")
}

/// A checkout with just enough in it to assemble the demo page, the program built for it, and none of its caller's settings.
struct Checkout(PathBuf);

impl Checkout {
    fn new(folder: &TempDir, name: &str) -> Self {
        let root = folder.path().join(name);
        let write = |file: &str, text: &str| {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("Cargo.toml", "[workspace]\nmembers = [\"xtask\"]\nresolver = \"3\"\n");
        write("xtask/Cargo.toml", "[package]\nname = \"xtask\"\nversion = \"0.1.0\"\n");
        write("xtask/src/lib.rs", "");
        write("worker/demo/index.html", "a page");
        for file in check::DOWNLOADED.iter().flat_map(|shipped| shipped.files) {
            write(file, "a part of the package");
        }
        fs::create_dir_all(root.join("target/debug")).unwrap();
        fs::copy(program(), root.join("target/debug/xtask")).unwrap();
        Self(root)
    }

    fn renamed(self, name: &str) -> Self {
        let root = self.0.with_file_name(name);
        fs::rename(&self.0, &root).unwrap();
        Self(root)
    }

    fn program(&self) -> PathBuf {
        self.0.join("target/debug/xtask")
    }

    /// Removes the page and says whether there was one.
    fn takes_page(&self) -> bool {
        let page = self.0.join("dist/demo/index.html");
        let there = page.exists();
        if there {
            fs::remove_file(page).unwrap();
        }
        there
    }
}

/// Assembles the demo page, and says what the program complains about.
fn assemble(program: &Path, working_directory: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    command
        .arg("demo-assets")
        .current_dir(working_directory)
        .env_remove("CARGO_TARGET_DIR");
    let output = loop {
        match command.output() {
            // What another test is just starting still has the copy open for writing.
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => thread::yield_now(),
            output => break output.unwrap(),
        }
    };
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_renamed_checkout_is_built_where_it_is_now() {
    let folder = TempDir::new().unwrap();
    let checkout = Checkout::new(&folder, "before");
    assemble(&checkout.program(), &checkout.0).unwrap();
    assert!(checkout.takes_page());

    let checkout = checkout.renamed("after");
    assemble(&checkout.program(), &checkout.0).unwrap();
    assert!(checkout.takes_page());
    assert!(!folder.path().join("before").exists());
}

#[test]
fn a_directory_inside_the_checkout_will_do() {
    let folder = TempDir::new().unwrap();
    let checkout = Checkout::new(&folder, "checkout");
    assemble(&checkout.program(), &checkout.0.join("worker/demo")).unwrap();
    assert!(checkout.takes_page());
}

#[test]
fn the_program_of_another_checkout_is_refused() {
    let folder = TempDir::new().unwrap();
    let one = Checkout::new(&folder, "one");
    let other = Checkout::new(&folder, "other");
    let complaint = assemble(&one.program(), &other.0).unwrap_err();
    assert!(complaint.contains("another checkout"), "{complaint}");
    for path in [one.program(), other.0.clone()] {
        assert!(complaint.contains(path.to_str().unwrap()), "{complaint}");
    }
    assert!(!one.takes_page() && !other.takes_page());
}

#[test]
fn outside_of_its_checkout_it_is_refused() {
    let folder = TempDir::new().unwrap();
    let checkout = Checkout::new(&folder, "checkout");
    let complaint = assemble(&checkout.program(), folder.path()).unwrap_err();
    assert!(complaint.contains("inside the repository"), "{complaint}");

    let foreign = folder.path().join("foreign");
    fs::create_dir_all(foreign.join("src")).unwrap();
    fs::write(
        foreign.join("Cargo.toml"),
        "[package]\nname = \"foreign\"\nversion = \"0.1.0\"\n",
    )
    .unwrap();
    fs::write(foreign.join("src/lib.rs"), "").unwrap();
    let complaint = assemble(&checkout.program(), &foreign).unwrap_err();
    assert!(complaint.contains("another checkout"), "{complaint}");
    assert!(!checkout.takes_page());
}
