//! A git repository of a test's own with this project's recipes and scripts in it: what `make build` and `make push` run in.

use std::path::Path;
use std::process::Command;

use crate::command::{Finished, run};
use crate::{Scratch, tools};

/// What Jenkins and its plugins set, and what the scripts take: none of it may reach a test from the machine that runs it.
const FROM_JENKINS: &[&str] = &[
    "BRANCH",
    "BRANCH_NAME",
    "GIT_BRANCH",
    "GIT_URL",
    "CHANGE_ID",
    "CHANGE_FORK",
    "ghprbPullId",
    "ghprbActualCommit",
    "ghprbAuthorRepoGitUrl",
    "IMAGE",
    "TAG",
    "VERSION",
    "ARCH",
    "REPO",
    "BUILDER",
    "PREBUILT",
    "DOCKERFILE",
    "DOCKER_BUILDKIT",
    "REGISTRY_USER",
    "REGISTRY_PASSWORD",
    "DOCKER",
    "IMAGE_FILE",
    "TRIES",
    "COSIGN_KEY",
    "COSIGN_TLOG",
    "MAINLINE",
    "ENVIRONMENT",
    "BACK",
    "MAKEFLAGS",
    "MAKELEVEL",
];

/// A checkout; it goes with the value.
#[derive(Debug)]
pub struct Checkout {
    /// Its directory.
    pub scratch: Scratch,
    environment: Vec<(String, String)>,
}

impl Checkout {
    /// A repository on branch `master` with one commit: the files that building and pushing need.
    pub fn new() -> Checkout {
        let checkout = Checkout { scratch: Scratch::new(), environment: Vec::new() };
        let files = [
            "Makefile",
            "Dockerfile",
            "Dockerfile.pilot",
            ".dockerignore",
            ".gitignore",
            "LICENSE",
            "THIRD-PARTY-NOTICES.txt",
            "scripts",
            "image",
        ];
        let mut copy = Command::new("cp");
        copy.arg("-a").args(files.map(|file| tools::repository().join(file))).arg(checkout.scratch.path());
        run(&mut copy).success();
        checkout.git(&["init", "-q", "-b", "master"]);
        checkout.commit("the first");
        checkout
    }

    /// The same with everything that git knows here or would, sources too, to build from.
    pub fn whole() -> Checkout {
        let checkout = Checkout { scratch: Scratch::new(), environment: Vec::new() };
        let copy =
            "git ls-files -z -co --exclude-standard | tar --null --ignore-failed-read -T - -c | tar -x -C \"$0\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", copy]).arg(checkout.path()).current_dir(tools::repository());
        run(&mut shell).success();
        checkout.git(&["init", "-q", "-b", "master"]);
        checkout.commit("everything");
        checkout
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    /// Sets a variable for everything that is run here from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Unsets one that was set.
    pub fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// A command in it, with the environment of a person who is not Jenkins.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path());
        for name in FROM_JENKINS {
            command.env_remove(name);
        }
        // Git asks nobody for a password, who might sit at the terminal of this test.
        for (name, value) in
            [("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_TERMINAL_PROMPT", "0")]
        {
            command.env(name, value);
        }
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Ada").env(format!("GIT_{role}_EMAIL"), "ada@example.com");
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs `make` with these words.
    pub fn make(&self, words: &[&str]) -> Finished {
        run(self.command("make").args(["-s", "--no-print-directory"]).args(words))
    }

    /// Runs git; the test fails if that fails.
    #[track_caller]
    pub fn git(&self, words: &[&str]) -> String {
        run(self.command("git").args(words)).success()
    }

    /// Changes a file, commits everything, and gives the commit's 40 digits.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.scratch.write("notes.txt", message);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
        self.head()
    }

    /// The 40 digits of HEAD.
    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// One answer of `scripts/tags.sh`.
    #[track_caller]
    pub fn name(&self, kind: &str) -> String {
        run(self.command("scripts/tags.sh").arg(kind)).success()
    }

    /// A bare repository that becomes its origin; everything is pushed there.
    pub fn with_origin(&self) -> Scratch {
        let origin = Scratch::new();
        let path = origin.path().display().to_string();
        self.git(&["init", "-q", "--bare", &path]);
        self.git(&["remote", "add", "origin", &path]);
        self.git(&["push", "-q", "origin", "HEAD"]);
        origin
    }
}

impl Default for Checkout {
    fn default() -> Self {
        Checkout::new()
    }
}
