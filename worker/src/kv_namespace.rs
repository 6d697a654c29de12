//! A namespace in Workers KV, as far as it is used here: <https://developers.cloudflare.com/kv/api/>.
//!
//! Bound by hand, so that whatever is waited for has a deadline and what stands beside a record has a type: what `worker` has for it takes
//! and gives metadata as JSON of any form, and passes what is written through a JSON of its own, in which a map is empty.

use smartcar_connect::time::Millis;
use wasm_bindgen::{JsCast as _, JsValue, prelude::wasm_bindgen};
use worker::{
    Env,
    js_sys::{Array, Object, Reflect},
};

use crate::clock::within;

#[wasm_bindgen(wasm_bindgen_futures = ::worker::wasm_bindgen_futures, js_sys = ::worker::js_sys)]
extern "C" {
    /// The namespace.
    #[derive(Clone)]
    pub(crate) type KvNamespace;

    #[wasm_bindgen(method, catch, js_name = put)]
    async fn write(this: &KvNamespace, name: &str, value: &str, options: &Object) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = delete)]
    async fn remove(this: &KvNamespace, name: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = list)]
    async fn names(this: &KvNamespace, options: &Object) -> Result<JsValue, JsValue>;
}

#[wasm_bindgen(
    module = "/src/deadline.js",
    wasm_bindgen_futures = ::worker::wasm_bindgen_futures,
    js_sys = ::worker::js_sys
)]
extern "C" {
    #[wasm_bindgen(catch)]
    async fn read(namespace: &KvNamespace, name: &str, limit: u32) -> Result<JsValue, JsValue>;
}

/// How long a read may take, in milliseconds. Whoever waits for a token asks the vault then.
const READ_DEADLINE_MS: u32 = 3_000;

/// How long a page of names may take.
const LIST_DEADLINE: Millis = Millis::from_secs(10);

/// How long a write may take. The vault's next one waits for it.
const WRITE_DEADLINE: Millis = Millis::from_secs(10);

/// KV refused, did not answer in time, or could not be asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KvError;

/// What stands beside a record, readable without opening it.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    /// The id of the key that sealed the record.
    pub(crate) key: String,
    /// The id of the Durable Object that can seal it again.
    pub(crate) vault: String,
}

/// How a value is kept: <https://developers.cloudflare.com/kv/api/write-key-value-pairs/>.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PutOptions<'a> {
    /// For how many seconds, 60 at least.
    pub(crate) expiration_ttl: u64,
    /// What stands beside the value.
    pub(crate) metadata: &'a Metadata,
}

/// A name that a page lists.
#[derive(Debug)]
pub(crate) struct ListedName {
    pub(crate) name: String,
    pub(crate) metadata: Option<Metadata>,
}

/// Part of all names.
#[derive(Debug)]
pub(crate) struct NamePage {
    pub(crate) names: Vec<ListedName>,
    /// Where the next page begins, unless this is the last.
    pub(crate) cursor: Option<String>,
}

impl KvNamespace {
    /// The namespace that is bound as `binding`; `None` if there is none.
    pub(crate) fn bound(env: &Env, binding: &str) -> Option<Self> {
        let namespace = Reflect::get(env, &JsValue::from_str(binding)).ok()?;
        namespace.is_object().then(|| namespace.unchecked_into())
    }

    /// The value, or `None` if there is none.
    pub(crate) async fn get(&self, name: &str) -> Result<Option<String>, KvError> {
        Ok(read(self, name, READ_DEADLINE_MS).await?.as_string())
    }

    /// Writes `value`; forever, and with nothing beside it, if `kept` does not say otherwise.
    pub(crate) async fn put(&self, name: &str, value: &str, kept: Option<PutOptions<'_>>) -> Result<(), KvError> {
        let options = Object::new();
        if let Some(PutOptions {
            expiration_ttl,
            metadata,
        }) = kept
        {
            let both = Object::new();
            set(&both, "key", &metadata.key.as_str().into())?;
            set(&both, "vault", &metadata.vault.as_str().into())?;
            set(&options, "metadata", &both)?;
            let expiration_ttl = u32::try_from(expiration_ttl).unwrap_or(u32::MAX);
            set(&options, "expirationTtl", &expiration_ttl.into())?;
        }
        within(WRITE_DEADLINE, self.write(name, value, &options))
            .await
            .ok_or(KvError)??;
        Ok(())
    }

    /// Deletes the value, if there is one.
    pub(crate) async fn delete(&self, name: &str) -> Result<(), KvError> {
        within(WRITE_DEADLINE, self.remove(name)).await.ok_or(KvError)??;
        Ok(())
    }

    /// The names that begin with `prefix`, `limit` at most, from where `cursor` says.
    pub(crate) async fn list(&self, prefix: &str, limit: u32, cursor: Option<&str>) -> Result<NamePage, KvError> {
        let options = Object::new();
        set(&options, "prefix", &prefix.into())?;
        set(&options, "limit", &limit.into())?;
        if let Some(cursor) = cursor {
            set(&options, "cursor", &cursor.into())?;
        }
        let page = within(LIST_DEADLINE, self.names(&options)).await.ok_or(KvError)??;
        let listed: Array = Reflect::get(&page, &"keys".into())?.dyn_into()?;
        let is_last = Reflect::get(&page, &"list_complete".into())?.is_truthy();
        Ok(NamePage {
            names: listed.iter().filter_map(|listed| ListedName::read(&listed)).collect(),
            cursor: text(&page, "cursor").filter(|_| !is_last),
        })
    }
}

impl ListedName {
    fn read(listed: &JsValue) -> Option<Self> {
        let metadata = Reflect::get(listed, &"metadata".into()).ok();
        Some(Self {
            name: text(listed, "name")?,
            metadata: metadata.and_then(|metadata| {
                Some(Metadata {
                    key: text(&metadata, "key")?,
                    vault: text(&metadata, "vault")?,
                })
            }),
        })
    }
}

impl From<JsValue> for KvError {
    fn from(_: JsValue) -> Self {
        Self
    }
}

fn set(object: &Object, name: &str, value: &JsValue) -> Result<(), KvError> {
    Reflect::set(object, &name.into(), value)?;
    Ok(())
}

fn text(object: &JsValue, name: &str) -> Option<String> {
    Reflect::get(object, &name.into()).ok()?.as_string()
}
