//! The simulator as a program of its own.

use std::{
    env,
    io::{self, Write as _},
    net::Ipv4Addr,
    process::ExitCode,
};

use tokio::{net::TcpListener, runtime::Runtime, signal};

use crate::{
    args::{self, Command},
    server,
    world::Shared,
};

/// Does what the command line says, until a signal.
#[must_use]
pub fn main() -> ExitCode {
    let result = match args::parse(env::args_os().skip(1)) {
        Ok(Command::Help) => print(&args::help("smartcar-simulator")),
        Ok(Command::Run {
            port,
            config,
            state,
            verbose,
        }) => Shared::open(*config, state.as_deref()).and_then(|shared| {
            Runtime::new()
                .map_err(|error| format!("cannot start the runtime: {error}"))
                .and_then(|runtime| runtime.block_on(run(port, shared, verbose)))
        }),
        Err(message) => Err(message),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // There is nowhere else to report to.
            let _ = writeln!(io::stderr(), "smartcar-simulator: {message}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| format!("cannot write to standard output: {error}"))
}

async fn run(port: u16, shared: Shared, verbose: bool) -> Result<(), String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| format!("cannot listen on port {port}: {error}"))?;
    let address = listener
        .local_addr()
        .map_err(|error| format!("cannot tell the address: {error}"))?;
    print(&format!("listening on http://{address}\n"))?;
    tokio::select! {
        () = server::run(listener, shared, verbose) => Ok(()),
        result = stop_signal() => result.map_err(|error| format!("cannot wait for a signal: {error}")),
    }
}

#[cfg(unix)]
async fn stop_signal() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn stop_signal() -> io::Result<()> {
    signal::ctrl_c().await
}
