//! Whether this can be released, tried without releasing anything: what `docs/releasing.md` asks for before a tag.

mod bundle;
mod changelog;
mod version;

use std::fs;

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    deny,
    layout::Layout,
    package::one_version,
    sbom,
    step::{report, step},
    test::Run,
    tools,
};

const CRATE: &str = "smartcar-connect";

/// Goes through the list, and does without consequences what a release does with them. Everything that fails is said; what is to
/// be published is left in `dist/release`.
///
/// # Errors
/// [`Failed`](crate::step::Failed) when something is missing; what, is printed.
pub fn check(layout: &Layout) -> Result<()> {
    let version = one_version(layout)?;
    println!("smartcar-connect {version}: can it be released?\n");
    let mut run = Run::new(layout);
    run.need(|| tools::npm(layout));
    run.check(|| work_tree(layout));
    run.check(|| tag(layout, &version));
    run.check(|| versions(layout, &version));
    run.check(|| entry(layout));
    run.check(|| deny::check(layout));
    documentation(&mut run)?;
    run.cargo(
        "cargo publish --dry-run",
        &format!("publish --dry-run --locked --allow-dirty --all-features --package {CRATE}"),
    )?;
    run.check(|| npm(layout, &version));
    run.check(|| sbom::write(layout));
    run.check(|| bundle::assemble(layout, &version));
    run.end()?;
    println!("\nNothing is in the way. What is to be published is in dist/release/.");
    println!("Next: git tag --sign v{version} --message v{version} && git push origin v{version}");
    Ok(())
}

/// Prints what `CHANGELOG.md` says of this version, and which Rust compiles it.
///
/// # Errors
/// When it says nothing, or it is no Rust that others can have.
pub fn notes(layout: &Layout) -> Result<()> {
    let text = fs::read_to_string(layout.root.join("CHANGELOG.md"))?;
    let releases = changelog::read(&text)?;
    let version = &layout.package(CRATE)?.version;
    println!("{}", changelog::entry(&releases, version)?.text);
    println!("\nBuilt by Rust {}.", rust_version(layout)?);
    Ok(())
}

/// The version of the Rust that compiles here, as rustup knows it: whoever wants the same modules needs the same.
fn rust_version(layout: &Layout) -> Result<String> {
    let output = layout.command("rustc")?.args(["--version", "--verbose"]).output()?;
    ensure!(output.status.success(), "`rustc --version` failed: {}", output.status);
    stable(&String::from_utf8_lossy(&output.stdout))
}

fn stable(said: &str) -> Result<String> {
    let release = said.lines().find_map(|line| line.strip_prefix("release: "));
    let release = release.context("`rustc --version --verbose` has no line `release`")?;
    ensure!(
        release.split('.').all(|number| number.parse::<u32>().is_ok()),
        "{release} compiles here: a release is compiled by a stable Rust, which others can install by its version"
    );
    Ok(release.to_owned())
}

/// What is released is what is committed.
fn work_tree(layout: &Layout) -> Result<()> {
    Ok(step(layout, "Everything is committed", |_| {
        let changed = git(layout, &["status", "--porcelain"])?;
        ensure!(changed.is_empty(), "not committed:\n{changed}");
        Ok(())
    })?)
}

/// A version is released once. In the workflow that a tag starts, the tag is there.
fn tag(layout: &Layout, version: &str) -> Result<()> {
    let tag = format!("v{version}");
    Ok(report(layout, "The tag is free", |_| {
        let others = git(layout, &["tag", "--points-at", "HEAD", "--list", "v*"])?;
        if let Some(other) = others.lines().find(|&other| other != tag) {
            bail!("this commit is tagged {other}, but it is {version}: the tag must be {tag}");
        }
        if git(layout, &["tag", "--list", &tag])?.is_empty() {
            return Ok(format!("{tag} is not there yet"));
        }
        let tagged = git(layout, &["rev-list", "-n", "1", &tag])?;
        ensure!(
            tagged == git(layout, &["rev-parse", "HEAD"])?,
            "{tag} is another commit, {tagged}: a version is released once, so give this the next one"
        );
        Ok(format!("{tag} is this commit"))
    })?)
}

fn versions(layout: &Layout, version: &str) -> Result<()> {
    Ok(report(layout, "One version everywhere", |_| {
        let wrong = version::disagreements(layout, version)?;
        if wrong.is_empty() {
            return Ok(version.to_owned());
        }
        bail!("this is {version}, but\n{}", wrong.join("\n"));
    })?)
}

fn entry(layout: &Layout) -> Result<()> {
    Ok(report(layout, "The changelog has it", |_| {
        let text = fs::read_to_string(layout.root.join("CHANGELOG.md"))?;
        let releases = changelog::read(&text)?;
        let entry = changelog::entry(&releases, &layout.package(CRATE)?.version)?;
        Ok(format!("{}, {} lines", entry.date, entry.text.lines().count()))
    })?)
}

/// As docs.rs makes it: with all features, by its own `cfg`, which needs what only a nightly Rust has unless it is told otherwise.
fn documentation(run: &mut Run<'_>) -> Result<()> {
    let layout = run.layout();
    let mut command = layout.cargo(["doc", "--locked", "--no-deps", "--all-features", "--package", CRATE])?;
    command
        .env("RUSTDOCFLAGS", "--cfg docsrs -D warnings")
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", layout.target.join("docs-rs"));
    run.command("The documentation, as docs.rs makes it", &mut command);
    Ok(())
}

/// npm's own dry run. What it mends by itself would be published otherwise than it was tested.
fn npm(layout: &Layout, version: &str) -> Result<()> {
    Ok(step(layout, "npm publish --dry-run, both packages", |log| {
        for tarball in version::built(layout, version)? {
            let mut command = layout.command("npm")?;
            log.run(
                command
                    .args(["publish", "--dry-run", "--access", "public"])
                    .arg(&tarball),
            )?;
        }
        ensure!(
            !log.text()?.contains("auto-corrected"),
            "npm has corrected a package.json: `npm pkg fix` shows what"
        );
        Ok(())
    })?)
}

fn git(layout: &Layout, arguments: &[&str]) -> Result<String> {
    let output = layout.command("git")?.args(arguments).output()?;
    ensure!(
        output.status.success(),
        "`git {}` failed: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

fn file_name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{git, stable, tag, work_tree};
    use crate::layout::Layout;

    #[test]
    fn what_is_released_is_committed_and_has_the_tag_of_its_version_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let layout = Layout::find().unwrap().moved_to(root.clone(), root.join("target"));
        let run = |arguments: &str| {
            let named = [
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@example.com",
                "-c",
                "tag.gpgsign=false",
            ];
            let arguments: Vec<&str> = named.into_iter().chain(arguments.split(' ')).collect();
            git(&layout, &arguments).unwrap()
        };
        run("init --quiet");
        fs::write(root.join(".gitignore"), "/target\n").unwrap();
        assert!(work_tree(&layout).is_err(), "a file is not committed");
        run("add .");
        run("commit --quiet --no-gpg-sign --message one");
        work_tree(&layout).unwrap();

        tag(&layout, "1.2.3").unwrap();
        run("tag v1.2.3");
        tag(&layout, "1.2.3").unwrap();
        assert!(tag(&layout, "1.2.4").is_err(), "this commit is another version");
        run("commit --quiet --no-gpg-sign --allow-empty --message two");
        assert!(tag(&layout, "1.2.3").is_err(), "that version was another commit");
        tag(&layout, "1.2.4").unwrap();
    }

    #[test]
    fn a_release_is_compiled_by_a_rust_that_has_a_version() {
        let said =
            |release: &str| format!("rustc {release} (59807616e 2026-04-14)\nbinary: rustc\nrelease: {release}\n");
        assert_eq!(stable(&said("1.95.0")).unwrap(), "1.95.0");
        for other in ["1.96.0-beta.2", "1.97.0-nightly"] {
            assert!(stable(&said(other)).unwrap_err().to_string().contains(other));
        }
        assert!(stable("rustc\n").is_err());
    }
}
