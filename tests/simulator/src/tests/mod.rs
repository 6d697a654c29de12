//! Tests over real sockets.

mod api;
mod client;
mod connect;
mod control;
mod faults;
mod tokens;
mod v3;

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use self::client::{Failure, Reply, encode, exchange};
use crate::{
    config::{Config, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_REDIRECT_URI},
    server,
    world::Shared,
};

/// The default vehicles.
const MODEL_3: &str = "a1b01e50-497c-417c-a30e-6df6ba33ba46";
const MODEL_Y: &str = "5f0b1c9e-3a56-4b7d-9d44-0c8d6e1a7b21";
const ID_4: &str = "c2d7e8f4-6b19-4e35-8a70-92f4b5d0e613";

const HOUR_MS: i64 = 60 * 60 * 1_000;

/// A running simulator.
struct Simulator {
    address: SocketAddr,
    server: JoinHandle<()>,
}

/// A pair as the token endpoint gives it.
struct Pair {
    access: String,
    refresh: String,
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Simulator {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(server::run(listener, Shared::new(Config::default()), false));
        Self { address, server }
    }

    async fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        exchange(self.address, method, path, headers, body.as_bytes())
            .await
            .expect("an answer")
    }

    async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], "").await
    }

    async fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self
            .request(method, &format!("/_control/{path}"), &[], &body.to_string())
            .await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply.json()
    }

    async fn advance(&self, ms: i64) {
        self.control("POST", "clock", &json!({ "advanceMs": ms })).await;
    }

    async fn fault(&self, fault: Value) {
        self.control("POST", "fault", &fault).await;
    }

    async fn counts(&self) -> Value {
        self.control("GET", "counts", &json!({})).await
    }

    async fn last_request(&self) -> Value {
        let recorded = self.control("GET", "requests", &json!({})).await;
        recorded["requests"].as_array().unwrap().last().unwrap().clone()
    }

    async fn code(&self) -> String {
        let grant = self.control("POST", "grants", &json!({})).await;
        grant["code"].as_str().unwrap().to_owned()
    }

    /// Posts a form with body credentials to the token endpoint.
    async fn try_token(&self, fields: &[(&str, &str)]) -> Result<Reply, Failure> {
        let mut form = vec![
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", DEFAULT_CLIENT_SECRET),
        ];
        form.extend_from_slice(fields);
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("user-agent", "test"),
        ];
        exchange(self.address, "POST", "/oauth/token", &headers, encode(&form).as_bytes()).await
    }

    async fn try_exchange(&self, code: &str) -> Result<Reply, Failure> {
        self.try_token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", DEFAULT_REDIRECT_URI),
        ])
        .await
    }

    async fn try_refresh(&self, token: &str) -> Result<Reply, Failure> {
        self.try_token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    async fn exchange(&self, code: &str) -> Reply {
        self.try_exchange(code).await.expect("an answer")
    }

    async fn refresh(&self, token: &str) -> Reply {
        self.try_refresh(token).await.expect("an answer")
    }

    /// A fresh grant's tokens.
    async fn pair(&self) -> Pair {
        let code = self.code().await;
        Pair::of(&self.exchange(&code).await)
    }

    async fn api(&self, method: &str, path: &str, token: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        self.request(method, &format!("/v2.0{path}"), &[("authorization", &bearer)], "")
            .await
    }
}

impl Pair {
    fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{}", reply.text());
        let body = reply.json();
        let field = |name: &str| body[name].as_str().unwrap().to_owned();
        Self {
            access: field("access_token"),
            refresh: field("refresh_token"),
        }
    }
}
