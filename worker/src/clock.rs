//! The clock. In Workers it stands still between I/O, by design of the platform.

use smartcar_connect::time::UnixMillis;
use worker::Date;

pub(crate) fn now() -> UnixMillis {
    UnixMillis::new(Date::now().as_millis())
}
