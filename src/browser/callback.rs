//! What a page needs to know of a callback before the Worker has it.

use js_sys::Object;
use wasm_bindgen::JsValue;

use super::{error::Result, object::set};
use crate::connect::{StateError, StateFingerprint, UnverifiedCallback, has_our_state, normal_form, query_of, split};

/// What is in an address: see [`read_callback`](super::read_callback).
pub(super) fn read(url: &str) -> JsValue {
    let search = query_of(url);
    let callback = split(search).callback;
    let object = Object::new();
    set(&object, "normalForm", &normal_form(&callback).into());
    set(&object, "isOurs", &has_our_state(search).into());
    set(&object, "callback", &callback.into());
    object.into()
}

/// Which attempt a callback belongs to, by its state. Anybody can have written it: whether it counts is for the Worker to say.
pub(super) fn fingerprint(callback: &str) -> Result<StateFingerprint> {
    let callback = UnverifiedCallback::from_query(callback)?;
    match callback.state() {
        Some(state) if state.is_marked() => Ok(state.fingerprint()),
        Some(_) => Err(StateError::Unknown.into()),
        None => Err(StateError::Missing.into()),
    }
}
