//! The binary `pilot`; everything it does is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    pilot::cli::main()
}
