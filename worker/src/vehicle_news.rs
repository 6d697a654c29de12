//! Telling the vault, after the answer, what an answer of Smartcar's says of a vehicle.

use std::cell::RefCell;

use smartcar_connect::{
    api::{ApiError, ApiTarget, BatchPart},
    connect::{ConnectionId, VehicleId},
    edge::{Caller, DescribedVehicle, Operation, VehicleNews},
    vault::{Description, ShownVehicles},
};

use crate::{clock, context::RequestContext, vault_client};

thread_local! {
    /// What this isolate knows.
    static NEWS: RefCell<VehicleNews> = const { RefCell::new(VehicleNews::new()) };
}

/// Takes note of what a vault shows.
pub(crate) fn hear(shown: &ShownVehicles) {
    NEWS.with_borrow_mut(|news| {
        for shown in &shown.vehicles {
            news.heard(&shown.connection_id, &shown.vehicle.id, &shown.vehicle.marks);
        }
    });
}

/// Takes note that a vehicle is marked, for a reason that is not known here.
pub(crate) fn hear_of_mark(connection: &ConnectionId, vehicle: &VehicleId) {
    NEWS.with_borrow_mut(|news| news.heard_of_mark(connection, vehicle, clock::now()));
}

/// A request to Smartcar for a vehicle of a connection's.
pub(crate) struct Answered<'a> {
    pub(crate) context: &'a RequestContext<'a>,
    pub(crate) caller: &'a Caller,
    pub(crate) connection_id: &'a ConnectionId,
    pub(crate) target: &'a ApiTarget,
}

impl Answered<'_> {
    /// Smartcar answered with success.
    pub(crate) fn succeeded(&self) {
        let news = NEWS.with_borrow_mut(|news| news.succeeded(self.connection_id, self.target, clock::now()));
        self.tell(news.into_iter().collect());
    }

    /// Smartcar answered the paths of a batch with these.
    pub(crate) fn batch(&self, parts: &[BatchPart]) {
        let connect = &self.context.config.origins.connect;
        let now = clock::now();
        self.tell(NEWS.with_borrow_mut(|news| news.batch(self.connection_id, parts, connect, now)));
    }

    /// Smartcar answered with this error.
    pub(crate) fn refused(&self, error: &ApiError) {
        let connect = &self.context.config.origins.connect;
        let news =
            NEWS.with_borrow_mut(|news| news.refused(self.connection_id, self.target, error, connect, clock::now()));
        self.tell(news.into_iter().collect());
    }

    /// The answer does not wait for it. What the vault could not keep is told again.
    fn tell(&self, news: Vec<Description>) {
        if news.is_empty() {
            return;
        }
        let described = |description| DescribedVehicle {
            connection_id: self.connection_id.clone(),
            vehicle_id: self.target.vehicle().clone(),
            description,
        };
        let described: Vec<_> = news.into_iter().map(described).collect();
        let (env, caller) = (self.context.env.clone(), self.caller.clone());
        self.context.platform.wait_until(async move {
            let operation = Operation::Described(described.clone());
            if vault_client::ask(&env, &caller, operation).await.is_err() {
                NEWS.with_borrow_mut(|news| {
                    for lost in &described {
                        news.not_told(&lost.connection_id, &lost.vehicle_id, &lost.description);
                    }
                });
            }
        });
    }
}
