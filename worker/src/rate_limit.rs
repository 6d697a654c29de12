//! Ceilings for each location of the platform, where it is asked for them:
//! <https://developers.cloudflare.com/workers/runtime-apis/bindings/rate-limit/>.

use smartcar_connect::{
    edge::{Problem, RateKey, RateLimit},
    time::Millis,
};
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{
    Env,
    js_sys::{Object, Reflect},
};

use crate::clock::within;

/// How long the platform may take to say whether a ceiling is reached. It counts in the same location.
const DEADLINE: Millis = Millis::from_secs(1);

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    /// The platform's binding.
    type Binding;

    #[wasm_bindgen(method, catch)]
    async fn limit(this: &Binding, options: &Object) -> Result<JsValue, JsValue>;
}

/// Counts one more under `key`. A binding that is not there, or that does not answer, stops nobody.
///
/// # Errors
/// The [`Problem`] to answer with.
pub(crate) async fn admit(env: &Env, rate_limit: RateLimit, key: &RateKey) -> Result<(), Problem> {
    let bound = Reflect::get(env, &JsValue::from_str(rate_limit.binding())).ok();
    let Some(bound) = bound.filter(JsValue::is_object) else {
        return Ok(());
    };
    let options = Object::new();
    // On a plain object it can't fail.
    drop(Reflect::set(&options, &"key".into(), &key.as_str().into()));
    let binding: Binding = bound.unchecked_into();
    let outcome = within(DEADLINE, binding.limit(&options)).await.and_then(Result::ok);
    let success = outcome.and_then(|outcome| Reflect::get(&outcome, &"success".into()).ok());
    if success.and_then(|success| success.as_bool()) == Some(false) {
        Err(rate_limit.exceeded())
    } else {
        Ok(())
    }
}
