//! The crate with each set of its features, natively and as WebAssembly.

use anyhow::Result;

use super::Run;
use crate::{
    layout::Layout,
    tools::{self, WASM},
};

/// Checks the crate with each set of features that there is, on both kinds of targets.
///
/// # Errors
/// [`Failed`](crate::step::Failed) when something does not compile, or clippy has something to say; all of it is printed.
pub fn features(layout: &Layout) -> Result<()> {
    let package = layout.package("smartcar-connect")?;
    let names: Vec<&str> = package
        .features
        .keys()
        .map(String::as_str)
        .filter(|&name| name != "default")
        .collect();
    let mut run = Run::new(layout);
    run.need(|| tools::wasm_target(layout));
    for set in sets(&names) {
        let title = if set.is_empty() {
            "no features".to_owned()
        } else {
            set.join(" + ")
        };
        let set = set.join(",");
        for (place, target) in [
            ("natively", "--all-targets".to_owned()),
            ("wasm32", format!("--lib --target {WASM}")),
        ] {
            let options = format!("--locked --package smartcar-connect --no-default-features {target}");
            let mut command = layout.cargo(["clippy"].into_iter().chain(options.split(' ')))?;
            command.arg(format!("--features={set}")).args(["--", "-D", "warnings"]);
            run.command(&format!("{title}, {place}"), &mut command);
        }
    }
    run.end()
}

/// Every set of these, the empty one first and all of them last.
fn sets<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut sets = vec![Vec::new()];
    for &name in names {
        let with_it: Vec<Vec<&str>> = sets.iter().map(|set| [set.as_slice(), &[name]].concat()).collect();
        sets.extend(with_it);
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::sets;

    #[test]
    fn every_set_is_tried() {
        assert_eq!(sets(&[]), [Vec::<&str>::new()]);
        let expected: [&[&str]; 4] = [&[], &["browser"], &["edge"], &["browser", "edge"]];
        assert_eq!(sets(&["browser", "edge"]), expected);
        assert_eq!(sets(&["a", "b", "c"]).len(), 8);
    }
}
