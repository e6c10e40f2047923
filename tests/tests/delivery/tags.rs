//! What an image is called (`scripts/tags.sh`), for every way in which a checkout comes about, and for names that somebody
//! chose to do harm.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use pilot_tests::command::run;
use pilot_tests::{Checkout, Scratch, tools};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// The branch tag of a name that Jenkins hands over.
fn tag(checkout: &mut Checkout, branch: &str) -> String {
    checkout.set("GIT_BRANCH", branch);
    checkout.name("branch-tag")
}

#[test]
fn every_branch_name_has_its_tag() {
    let long = "x".repeat(200);
    let cut = "x".repeat(128);
    let rows = [
        ("myfeature", "myfeature"),
        ("feature/x", "feature-x"),
        ("feature-x", "feature-x"),
        ("origin/master", "master"),
        ("refs/heads/fix#12", "fix-12"),
        ("refs/remotes/origin/a@b", "a-b"),
        ("ünï", "n-"),
        ("ü", "branch"),
        ("UPPER_lower.1", "UPPER_lower.1"),
        (".hidden", "hidden"),
        ("a//b  c", "a-b-c"),
        ("a\nb", "a-b"),
        (&long, &cut),
        // Names that mean something else.
        ("latest", "branch-latest"),
        ("deadb33f", "branch-deadb33f"),
        ("0011abba", "branch-0011abba"),
        ("deadb33f-dirty", "branch-deadb33f-dirty"),
        ("5c2517597db9312a4506be5eaa5c625e25b5da43", "branch-5c2517597db9312a4506be5eaa5c625e25b5da43"),
        ("deadb3", "deadb3"),
        ("deadbeefs", "deadbeefs"),
        ("pr-7", "branch-pr-7"),
        ("pr-seven", "pr-seven"),
        ("v1.2.3", "branch-v1.2.3"),
        ("1.2", "branch-1.2"),
        ("1.2.3-rc.1", "branch-1.2.3-rc.1"),
        ("release/1.2", "release-1.2"),
        ("sha256-abc.sig", "branch-sha256-abc.sig"),
        ("deployed-production", "branch-deployed-production"),
        // Names that a shell or make would read as something to do.
        ("x;>pwned", "x-pwned"),
        ("x$(touch pwned)", "x-touch-pwned-"),
        ("x`touch pwned`", "x-touch-pwned-"),
        ("$(shell touch pwned)", "shell-touch-pwned-"),
        ("x'y", "x-y"),
        ("x\"y", "x-y"),
        ("x|y", "x-y"),
        ("x&y", "x-y"),
        ("-n", "n"),
        ("--help", "help"),
        ("*", "branch"),
    ];
    let mut checkout = Checkout::new();
    for (branch, want) in rows {
        assert_eq!(tag(&mut checkout, branch), want, "{branch}");
    }
    assert!(!checkout.path().join("pwned").exists());
}

#[test]
fn the_branch_is_what_the_first_of_those_who_know_says() {
    let mut checkout = Checkout::new();
    checkout.git(&["checkout", "-q", "-b", "local"]);
    let names = |checkout: &Checkout| (checkout.name("branch"), checkout.name("branch-tag"));
    let both = |branch: &str, tag: &str| (branch.to_owned(), tag.to_owned());
    assert_eq!(names(&checkout), both("local", "local"));
    checkout.set("GIT_BRANCH", "origin/from/git");
    assert_eq!(names(&checkout), both("from/git", "from-git"));
    checkout.set("BRANCH_NAME", "of-multibranch");
    assert_eq!(names(&checkout), both("of-multibranch", "of-multibranch"));
    checkout.set("CHANGE_ID", "12");
    assert_eq!(names(&checkout), both("pull/12", "pr-12"));
    checkout.set("BRANCH", "by-hand");
    assert_eq!(names(&checkout), both("by-hand", "by-hand"));
}

#[test]
fn a_pull_request_never_has_the_tag_of_the_branch_it_comes_from() {
    let mut checkout = Checkout::new();
    checkout.set("GIT_BRANCH", "master"); // the pull request builder sets it to the fork's branch
    checkout.set("ghprbPullId", "7");
    assert_eq!(checkout.name("branch-tag"), "pr-7");
    checkout.set("ghprbPullId", "7; touch pwned");
    assert_eq!(checkout.name("branch-tag"), "master");
    assert!(!checkout.path().join("pwned").exists());
}

#[test]
fn a_detached_head_has_a_commit_and_no_branch() {
    let mut checkout = Checkout::new();
    checkout.git(&["checkout", "-q", "--detach"]);
    for said in ["", "detached", "HEAD", "origin/HEAD"] {
        checkout.set("GIT_BRANCH", said);
        assert_eq!((checkout.name("branch"), checkout.name("branch-tag")), (String::new(), String::new()), "{said}");
        assert_eq!(checkout.name("stack"), "");
    }
    assert_eq!(checkout.name("commit-tag"), checkout.head()[..8]);
}

#[test]
fn a_commit_tag_is_eight_digits_and_says_when_the_tree_is_dirty() {
    let checkout = Checkout::new();
    let hash = checkout.head()[..8].to_owned();
    assert_eq!(checkout.name("commit"), checkout.head());
    assert_eq!(checkout.name("commit-tag"), hash);
    checkout.scratch.write("ignored.sqlite", "git ignores it");
    assert_eq!(checkout.name("commit-tag"), hash);
    // `git describe --dirty` would not see a file that git does not know.
    checkout.scratch.write("image/unknown", "new");
    assert_eq!(checkout.name("commit-tag"), format!("{hash}-dirty"));
    std::fs::remove_file(checkout.path().join("image/unknown")).unwrap();
    checkout.scratch.write("notes.txt", "changed");
    assert_eq!(checkout.name("commit-tag"), format!("{hash}-dirty"));
}

#[test]
fn another_architecture_has_tags_of_its_own() {
    let mut checkout = Checkout::new();
    let hash = checkout.head()[..8].to_owned();
    checkout.set("ARCH", "arm64");
    assert_eq!(
        (checkout.name("commit-tag"), checkout.name("branch-tag")),
        (format!("{hash}-arm64"), "master-arm64".into())
    );
    assert_eq!(checkout.name("stack"), "master");
    let tag = tag(&mut checkout, &"x".repeat(200));
    assert!(tag.len() == 128 && tag.ends_with("x-arm64"), "{tag}");
    checkout.set("ARCH", "sparc");
    let said = run(checkout.command("scripts/tags.sh").arg("commit-tag")).failure();
    assert!(said.contains("ARCH=sparc is not amd64 or arm64"), "{said}");
}

#[test]
fn a_merge_that_only_jenkins_has_is_no_commit_of_ours() {
    let mut checkout = Checkout::new();
    let base = checkout.head();
    checkout.git(&["checkout", "-q", "-b", "theirs"]);
    let theirs = checkout.commit("of the pull request");
    checkout.git(&["checkout", "-q", "-b", "ours", &base]);
    checkout.scratch.write("other.txt", "meanwhile");
    checkout.git(&["add", "-A"]);
    checkout.git(&["commit", "-q", "-m", "of master"]);
    checkout.git(&["merge", "-q", "--no-ff", "-m", "preview", "theirs"]);
    let merge = checkout.head();
    // The pull request builder names the commit that it was asked to build.
    checkout.set("ghprbPullId", "7");
    checkout.set("ghprbActualCommit", &theirs);
    assert_eq!((checkout.name("commit-tag"), checkout.name("branch-tag")), (String::new(), "pr-7".to_owned()));
    checkout.set("ghprbActualCommit", &merge);
    assert_eq!(checkout.name("commit-tag"), merge[..8]);
    checkout.set("ghprbActualCommit", "origin/master"); // a default of a parameter, not a commit
    checkout.unset("ghprbPullId");
    assert_eq!(checkout.name("commit-tag"), merge[..8]);
    // A multibranch job does not; a merge that was never fetched is Jenkins' own.
    checkout.unset("ghprbActualCommit");
    checkout.set("CHANGE_ID", "7");
    assert_eq!(checkout.name("commit-tag"), "");
    checkout.git(&["update-ref", "refs/remotes/origin/PR-7", "HEAD"]);
    assert_eq!(checkout.name("commit-tag"), merge[..8]);
}

#[test]
fn two_branches_never_share_a_stack() {
    let mut checkout = Checkout::new();
    let mut stack = |branch: &str| {
        checkout.set("BRANCH", branch);
        checkout.name("stack")
    };
    assert_eq!(stack("myfeature"), "myfeature");
    let names = ["feature/x", "feature-x", "feature_x", "Feature-x", "latest", "branch-latest", "7", "ü", "", "pr-7"];
    let mut seen: Vec<String> = names.iter().filter(|name| !name.is_empty()).map(|name| stack(name)).collect();
    // Somebody who calls a branch like another one's stack does not get that stack.
    let taken = stack("feature/x");
    seen.push(stack(&taken));
    seen.push(stack(&"x".repeat(100)));
    for name in &seen {
        let plain = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(plain && name.len() <= 40 && name.as_bytes()[0].is_ascii_lowercase(), "{name}");
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "{seen:?}");
    checkout.unset("BRANCH");
    checkout.set("CHANGE_ID", "7");
    assert_eq!(checkout.name("stack"), "pr-7");
}

/// Whether a registry takes it: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
fn is_a_tag(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let rest = |byte: u8| word(byte) || byte == b'.' || byte == b'-';
    (1..=128).contains(&text.len()) && word(text.as_bytes()[0]) && text.bytes().all(rest)
}

/// Bytes of which names are made that git accepts, the dangerous ones among them, and some that it does not.
fn any_name() -> impl Strategy<Value = Vec<u8>> {
    let harmful = prop_oneof![
        Just(b"$(touch pwned)".to_vec()),
        Just(b"`touch${IFS}pwned`".to_vec()),
        Just(b";touch pwned;".to_vec()),
        Just(b"$(shell touch pwned)".to_vec()),
        Just(b"\n\ttouch pwned\n".to_vec()),
        Just(b"' \"".to_vec()),
        Just("ü\u{202e}".as_bytes().to_vec()),
        Just(b"\xff\xfe".to_vec()),
        Just(b"%s%n\\n".to_vec()),
        Just(b"-e".to_vec()),
        proptest::collection::vec(1u8..=255, 0..12),
        "[a-zA-Z0-9/._-]{0,60}".prop_map(String::into_bytes),
    ];
    proptest::collection::vec(harmful, 0..6).prop_map(|parts| parts.concat())
}

#[test]
fn any_name_becomes_a_valid_tag_and_does_nothing_else() {
    let checkout = Checkout::new();
    let before = run(checkout.command("git").args(["status", "--porcelain", "--ignored"])).success();
    let ask = |program: &str, words: &[&str], name: &[u8]| {
        run(checkout.command(program).args(words).env("GIT_BRANCH", OsString::from_vec(name.to_vec()))).success()
    };
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&any_name(), |name| {
        let tag = ask("scripts/tags.sh", &["branch-tag"], &name);
        prop_assert!(is_a_tag(&tag), "{tag:?}");
        prop_assert_eq!(ask("scripts/tags.sh", &["branch-tag"], tag.as_bytes()), tag.clone(), "a tag is its own tag");
        let shown = ask("make", &["-s", "tags"], &name);
        prop_assert!(shown.contains(&format!("\nbranch tag  {tag}\n")), "make: {shown}");
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(run(checkout.command("git").args(["status", "--porcelain", "--ignored"])).success(), before);
}

#[test]
fn names_that_git_takes_are_built_under_from_the_branch_itself() {
    let checkout = Checkout::new();
    for (branch, tag) in
        [("x;>f", "x-f"), ("x$(id>f)", "x-id-f-"), ("x`id`", "x-id-"), ("a'b\"c", "a-b-c"), ("fix#1", "fix-1")]
    {
        checkout.git(&["checkout", "-q", "-b", branch]);
        assert_eq!((checkout.name("branch"), checkout.name("branch-tag")), (branch.to_owned(), tag.to_owned()));
    }
    assert!(!checkout.path().join("f").exists());
}

/// The targets that `make` lists.
fn targets(checkout: &Checkout) -> Vec<String> {
    let help = checkout.make(&[]).success();
    help.lines().filter_map(|line| line.split_whitespace().nth(1)).map(str::to_owned).collect()
}

#[test]
fn make_alone_lists_every_target_and_each_is_one_line_for_a_script() {
    let checkout = Checkout::new();
    let makefile = std::fs::read_to_string(checkout.path().join("Makefile")).unwrap();
    let phony = makefile.lines().find_map(|line| line.strip_prefix(".PHONY: ")).unwrap();
    let (mut listed, mut known) = (targets(&checkout), phony.split(' ').map(str::to_owned).collect::<Vec<_>>());
    listed.sort();
    known.sort();
    assert_eq!(listed, known);
    let wanted =
        "help build test lint push release sign run demo create-stack update-stack delete-stack scale-app deploy clean";
    for target in wanted.split(' ') {
        assert!(listed.contains(&target.to_owned()), "{target}");
    }
    let recipes = makefile.lines().filter(|line| line.starts_with('\t')).count();
    assert_eq!(recipes, listed.len(), "a recipe is one line; what it does is in scripts/");
}

#[test]
fn looking_at_what_make_would_do_contacts_nobody() {
    let (mut checkout, trap) = (Checkout::new(), Scratch::new());
    let targets = targets(&checkout);
    for name in ["docker", "skopeo", "git", "curl", "aws", "cosign", "cargo"] {
        trap.script(name, "echo \"$0\" >>\"$(dirname \"$0\")/called\"");
    }
    let path = format!("{}:{}", trap.path().display(), std::env::var("PATH").unwrap());
    checkout.set("PATH", &path);
    for target in &targets {
        checkout.make(&["-n", target]).success();
    }
    assert_eq!(trap.lines("called"), [""; 0]);
    checkout.make(&["tags"]);
    assert!(!trap.lines("called").is_empty(), "the trap works");
}

// The decision of the freestyle job, case by case; a multibranch job decides the same in the Jenkinsfile.
#[test]
fn who_may_push_from_jenkins() {
    let own = "https://github.com/myorg/app.git";
    type Environment = [(&'static str, &'static str)];
    let rows: [(&str, &Environment, bool); 10] = [
        ("a push to master", &[("GIT_BRANCH", "origin/master")], true),
        ("a push to a branch", &[("GIT_BRANCH", "origin/feature/x")], true),
        ("an own pull request", &[("ghprbPullId", "7"), ("ghprbAuthorRepoGitUrl", own)], true),
        (
            "the same, named as ssh does",
            &[("ghprbPullId", "7"), ("ghprbAuthorRepoGitUrl", "git@github.com:MyOrg/app")],
            true,
        ),
        (
            "a fork's, from its master",
            &[
                ("ghprbPullId", "7"),
                ("GIT_BRANCH", "master"),
                ("ghprbAuthorRepoGitUrl", "https://github.com/eve/app.git"),
            ],
            false,
        ),
        ("one whose origin nobody says", &[("ghprbPullId", "7"), ("GIT_BRANCH", "master")], false),
        ("a multibranch fork's", &[("CHANGE_ID", "7"), ("BRANCH_NAME", "PR-7"), ("CHANGE_FORK", "eve")], false),
        ("a multibranch own one", &[("CHANGE_ID", "7"), ("BRANCH_NAME", "PR-7")], true),
        ("a detached head", &[("GIT_BRANCH", "detached")], false),
        ("nothing known", &[], false),
    ];
    for (case, environment, want) in rows {
        let mut checkout = Checkout::new();
        checkout.git(&["checkout", "-q", "--detach"]);
        checkout.set("GIT_URL", own);
        for (name, value) in environment {
            checkout.set(name, value);
        }
        let said = run(&mut checkout.command("scripts/may-push.sh"));
        assert_eq!(said.succeeded(), want, "{case}: {}{}", said.out, said.err);
        assert!(said.out.contains(if want { "pushed as" } else { "not pushed: " }), "{case}: {}", said.out);
    }
}

#[test]
fn scripts_are_run_by_a_plain_shell() {
    // Nothing that only bash knows: these run on agents and in images. shellcheck goes by the first line.
    for name in ["tags", "build-image", "build-release", "image-root", "push", "release", "deploy", "sign", "may-push"]
    {
        let path = tools::repository().join(format!("scripts/{name}.sh"));
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("#!/bin/sh\n"), "{name}");
        run(Command::new("sh").arg("-n").arg(path)).success();
    }
}
