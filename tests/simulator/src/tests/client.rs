//! A client that shows what really happened to the connection.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An answer as far as it came.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// Until the first byte.
    pub(super) first_byte: Duration,
    /// Until the last byte.
    pub(super) last_byte: Duration,
}

/// Why there is no answer.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Failure {
    Reset,
    ClosedWithoutAnswer,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn announced_length(&self) -> Option<usize> {
        self.header("content-length")?.parse().ok()
    }

    pub(super) fn location(&self) -> &str {
        self.header("location").expect("a redirect")
    }
}

/// Sends one request on a connection of its own and reads until the end.
pub(super) async fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, Failure> {
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut received = Vec::new();
    let mut first_byte = None;
    loop {
        match stream.read_buf(&mut received).await {
            Ok(0) => break,
            Ok(_) => {
                first_byte.get_or_insert_with(|| started.elapsed());
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(Failure::Reset),
            Err(error) => panic!("{error}"),
        }
    }
    let first_byte = first_byte.ok_or(Failure::ClosedWithoutAnswer)?;
    Ok(parse(&received, first_byte, started.elapsed()))
}

fn parse(received: &[u8], first_byte: Duration, last_byte: Duration) -> Reply {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let (head, body) = received.split_at(end);
    let head = String::from_utf8(head.to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    Reply {
        status,
        headers,
        body: body[4..].to_vec(),
        first_byte,
        last_byte,
    }
}

/// `application/x-www-form-urlencoded`
pub(super) fn encode(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish()
}
