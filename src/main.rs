//! Arguments -> command -> exit code, nothing else.

use std::process::ExitCode;

use clap::Parser;
use proctor::cli::{Cli, fail};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(cli.run()),
        Err(error) => Err(error.into()),
    };
    let exit = ended.unwrap_or_else(|error| fail(&error));
    ExitCode::from(exit.status())
}
