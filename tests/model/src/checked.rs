//! Visiting every state of a model.

use stateright::{Checker as _, Model};

/// What came of a check.
#[derive(Debug)]
pub struct Checked {
    /// How many different states there are, if all were visited.
    pub states: usize,
    /// The longest way from the start.
    pub depth: usize,
    /// The properties that do not hold, each with a way there.
    pub broken: Vec<(&'static str, String)>,
    /// What was reached of what is to be reached in some state.
    pub reached: Vec<&'static str>,
}

impl Checked {
    /// Visits every state of `model`; `coverage` names what is to be reached in some.
    pub(crate) fn of<M>(model: M, coverage: &[&str]) -> Self
    where
        M: Model + Send + Sync + 'static,
        M::State: Clone + std::fmt::Debug + std::hash::Hash + PartialEq + Send + Sync + 'static,
        M::Action: std::fmt::Debug + Clone + PartialEq + Send + Sync + 'static,
    {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let checker = model.checker().threads(threads).spawn_bfs().join();
        let mut checked = Self {
            states: checker.unique_state_count(),
            depth: checker.max_depth(),
            broken: Vec::new(),
            reached: Vec::new(),
        };
        for (name, path) in checker.discoveries() {
            if coverage.contains(&name) {
                checked.reached.push(name);
            } else {
                checked.broken.push((name, format!("{:?}", path.into_actions())));
            }
        }
        checked
    }
}
