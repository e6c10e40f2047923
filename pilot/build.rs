//! Tells the binary which commit it is: `GIT_HASH` of the build, else git's word, else `unknown`.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=GIT_HASH");
    // Grows with every commit and checkout; elsewhere in a worktree. A path that is not there would mean "always".
    let log = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|path| std::fs::exists(path).unwrap_or(false));
    println!("cargo:rerun-if-changed={}", log.as_deref().unwrap_or("build.rs"));
    let given = std::env::var("GIT_HASH").ok().filter(|hash| !hash.is_empty());
    let hash = given.or_else(|| git(&["rev-parse", "HEAD"]));
    println!("cargo:rustc-env=PILOT_GIT_HASH={}", hash.as_deref().unwrap_or("unknown"));
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
