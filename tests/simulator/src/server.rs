//! The listener.

use std::time::Duration;

use axum::{Router, body::Body};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tower::ServiceExt as _;

use crate::{
    visit::{self, Connection, End},
    world::Shared,
};

/// Accepts connections until the future is dropped.
pub(crate) async fn run(listener: TcpListener, shared: Shared, verbose: bool) {
    let router = visit::router(shared, verbose);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(converse(stream, router.clone()));
            }
            // Too many open files, for instance: the next attempt may succeed.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // Small answers must not wait for acknowledgements; without it everything still works.
    let _ = stream.set_nodelay(true);
    let (connection, mut receiver) = Connection::new();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(connection.clone());
        router.clone().oneshot(request)
    });
    let mut serving = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let end = tokio::select! {
        _ = &mut serving => return,
        Some(end) = receiver.recv() => end,
    };
    let stream = serving.into_parts().io.into_inner();
    if matches!(end, End::Reset) {
        // With no time to linger the kernel sends an RST instead of a FIN.
        let _ = stream.set_zero_linger();
    }
}
