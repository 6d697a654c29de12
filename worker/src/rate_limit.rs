//! A ceiling for the whole Worker, where the platform is asked for one:
//! <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>.

use smartcar_connect::{
    edge::{Problem, too_many_finishes},
    time::Millis,
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{
    Env,
    js_sys::{Object, Reflect},
};

use crate::clock::within;

/// The binding, which need not be there.
const FINISH_LIMIT: &str = "FINISH_LIMIT";

/// All callers together have one allowance.
const EVERYBODY: &str = "everybody";

/// How long the platform may take to say whether the ceiling is reached. It counts in the same location.
const DEADLINE: Millis = Millis::from_secs(1);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    type RateLimit;

    #[wasm_bindgen(method, catch)]
    async fn limit(this: &RateLimit, options: &Object) -> Result<JsValue, JsValue>;
}

/// Whether one more callback may be finished. A platform that does not say stops nobody.
///
/// # Errors
/// The [`Problem`] to answer with.
pub(crate) async fn admit_finish(env: &Env) -> Result<(), Problem> {
    let bound = Reflect::get(env, &JsValue::from_str(FINISH_LIMIT)).ok();
    let Some(bound) = bound.filter(JsValue::is_object) else {
        return Ok(());
    };
    let options = Object::new();
    // On a plain object it can't fail.
    drop(Reflect::set(&options, &"key".into(), &EVERYBODY.into()));
    let limit: RateLimit = bound.unchecked_into();
    let outcome = within(DEADLINE, limit.limit(&options)).await.and_then(Result::ok);
    let success = outcome.and_then(|outcome| Reflect::get(&outcome, &"success".into()).ok());
    if success.and_then(|success| success.as_bool()) == Some(false) {
        Err(too_many_finishes())
    } else {
        Ok(())
    }
}
