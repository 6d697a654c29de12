//! Telling the vault, after the answer, what an answer of Smartcar's says of a vehicle.

use std::cell::RefCell;

use smartcar_connect::{
    api::{ApiError, ApiTarget},
    connect::ConnectionId,
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
        let news = NEWS.with_borrow_mut(|news| news.succeeded(self.connection_id, self.target));
        self.tell(news);
    }

    /// Smartcar answered with this error.
    pub(crate) fn refused(&self, error: &ApiError) {
        let connect = &self.context.config.origins.connect;
        let news =
            NEWS.with_borrow_mut(|news| news.refused(self.connection_id, self.target, error, connect, clock::now()));
        self.tell(news);
    }

    /// The answer does not wait for it. What the vault could not keep is told again.
    fn tell(&self, news: Option<Description>) {
        let Some(description) = news else { return };
        let described = DescribedVehicle {
            connection_id: self.connection_id.clone(),
            vehicle_id: self.target.vehicle().clone(),
            description,
        };
        let (env, caller) = (self.context.env.clone(), self.caller.clone());
        self.context.platform.wait_until(async move {
            drop(vault_client::ask(&env, &caller, Operation::Described(vec![described])).await);
        });
    }
}
