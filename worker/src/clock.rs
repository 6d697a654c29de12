//! The clock. In Workers it stands still between I/O, by design of the platform.

use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use smartcar_connect::time::{Millis, UnixMillis};
use worker::{Delay, js_sys::Date};

pub(crate) fn now() -> UnixMillis {
    // From a float to an integer `as` saturates.
    UnixMillis::new(Date::now() as u64)
}

/// Lets time pass.
pub(crate) async fn sleep(span: Millis) {
    if span > Millis::ZERO {
        Delay::from(Duration::from_millis(span.as_millis())).await;
    }
}

/// What `future` comes to, or `None` if that takes longer than `limit`; then it is dropped.
pub(crate) async fn within<T>(limit: Millis, future: impl Future<Output = T>) -> Option<T> {
    let timer = Delay::from(Duration::from_millis(limit.as_millis()));
    match select(pin!(future), pin!(timer)).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
