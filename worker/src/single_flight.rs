//! One piece of work at a time for each key: all who want the same meanwhile share its result.

use std::{cell::RefCell, collections::HashMap, hash::Hash, rc::Rc};

use futures_util::{
    FutureExt as _,
    future::{LocalBoxFuture, Shared},
};

/// Work that is under way, to be waited for by any number.
pub(crate) type Flight<T> = Shared<LocalBoxFuture<'static, T>>;

/// How one got hold of a flight.
pub(crate) enum Boarded<T: Clone> {
    /// It was under way already.
    Joined(Flight<T>),
    /// It was started for this caller, which sees to it that it ends.
    Started(Flight<T>),
}

pub(crate) struct SingleFlight<K, T: Clone> {
    under_way: Rc<RefCell<HashMap<K, Flight<T>>>>,
}

impl<K, T: Clone> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self {
            under_way: Rc::default(),
        }
    }
}

impl<K: Clone + Eq + Hash + 'static, T: Clone + 'static> SingleFlight<K, T> {
    /// How many flights are under way.
    pub(crate) fn len(&self) -> usize {
        self.under_way.borrow().len()
    }

    /// The flight for `key`, if one is under way.
    pub(crate) fn under_way(&self, key: &K) -> Option<Flight<T>> {
        self.under_way.borrow().get(key).cloned()
    }

    /// Joins the flight for `key`, or starts the one that `start` makes. No await lies between the look and the start.
    pub(crate) fn board<F: Future<Output = T> + 'static>(&self, key: &K, start: impl FnOnce() -> F) -> Boarded<T> {
        if let Some(flight) = self.under_way(key) {
            return Boarded::Joined(flight);
        }
        let (under_way, work, own_key) = (Rc::clone(&self.under_way), start(), key.clone());
        let flight = async move {
            let result = work.await;
            under_way.borrow_mut().remove(&own_key);
            result
        }
        .boxed_local()
        .shared();
        self.under_way.borrow_mut().insert(key.clone(), flight.clone());
        Boarded::Started(flight)
    }
}
