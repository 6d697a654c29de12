//! A process of its own.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) use tokio::time::sleep;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use url::Url;

use crate::clock::Millis;

/// The system's time.
pub(crate) fn now() -> Millis {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
    elapsed.map_or(0, |elapsed| u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// Runs something in the background.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(work);
}

/// Prints a line for people.
pub(crate) fn warn(line: &str) {
    // A closed stderr is nobody's problem.
    let _ = writeln!(io::stderr(), "{line}");
}

/// The text of a file, if there is one.
///
/// # Errors
/// Why it cannot be read.
pub(crate) fn read_file(path: &Path) -> Result<Option<String>, String> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes a file in one step, and the folders to it.
///
/// # Errors
/// Why it cannot be written.
pub(crate) fn replace_file(path: &Path, text: &str) -> Result<(), String> {
    let unfinished = path.with_extension("new");
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(&unfinished, text))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|error| error.to_string())
}

/// Posts an event, and returns the status of the answer if there is one in time.
pub(crate) async fn post(url: &Url, body: &str, signature: &str, deadline: Duration) -> Option<u16> {
    timeout(deadline, try_post(url, body, signature)).await.ok()?.ok()
}

async fn try_post(url: &Url, body: &str, signature: &str) -> io::Result<u16> {
    let host = url.host_str().unwrap_or("localhost");
    let port = url.port_or_known_default().unwrap_or(80);
    let mut stream = TcpStream::connect((host, port)).await?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         User-Agent: Smartcar/simulator\r\nSC-Signature: {signature}\r\nConnection: close\r\n\r\n",
        url.path(),
        body.len(),
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(64).read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
