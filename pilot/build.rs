//! Tells the binary which commit it is: `GIT_HASH` of the build, else git's word, else `unknown`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=GIT_HASH");
    println!("cargo:rerun-if-changed=../.git/HEAD");
    let from_git = || {
        let output =
            Command::new("git").args(["rev-parse", "HEAD"]).output().ok().filter(|out| out.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let hash = std::env::var("GIT_HASH").ok().filter(|hash| !hash.is_empty()).or_else(from_git);
    println!("cargo:rustc-env=PILOT_GIT_HASH={}", hash.as_deref().unwrap_or("unknown").trim());
}
