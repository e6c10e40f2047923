//! What Jenkins is told to do: the jobs as they are rendered, and the Jenkinsfile run by a strict stand-in, since no
//! Jenkins can be had offline.

use std::path::Path;
use std::process::Command;

use pilot_tests::command::{Finished, run};
use pilot_tests::{Scratch, tools};

fn file(name: &str) -> String {
    std::fs::read_to_string(tools::repository().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What stands at the head of `jenkins/app.yaml`, which everybody fills in for themselves: the tests go on with it.
fn own(setting: &str) -> String {
    let (yaml, start) = (file("jenkins/app.yaml"), format!("    {setting}: "));
    let value = yaml.lines().find_map(|line| line.strip_prefix(&start)).unwrap_or_else(|| panic!("no {setting}"));
    value.trim_matches(['[', ']']).to_owned()
}

/// The job that builds (an empty word), or the one with this behind its name.
fn rendered(behind: &str) -> String {
    file(&format!("jenkins/rendered/{}{behind}/config.xml", own("app")))
}

/// What stands between an element's tags; the tests' elements have no attributes and do not nest in themselves.
fn element<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().trim()).collect()
}

#[test]
fn the_xml_that_one_imports_is_what_the_yaml_says() {
    let folder = Scratch::new();
    let out = folder.file("out");
    let mut render = Command::new(tools::repository().join("scripts/render-jenkins.sh"));
    run(render.arg(&out)).success();
    for behind in ["", "-branch", "-deploy", "-expire", "-nightly"] {
        let job = own("app") + behind;
        let fresh = std::fs::read_to_string(Path::new(&out).join(&job).join("config.xml")).unwrap();
        assert_eq!(
            fresh,
            rendered(behind),
            "{job} is not what jenkins/app.yaml says: make jenkins, and read what has changed"
        );
    }
    assert_eq!(std::fs::read_dir(out).unwrap().count(), 5);
}

// Jenkins Job Builder drops a misspelled key without a word, so the result is looked at, not the source.
#[test]
fn the_job_for_pull_requests_trusts_nobody_too_much() {
    let xml = rendered("");
    // Separated by commas in the source, by line ends in the XML.
    let listed = |name: &str| element(&xml, name).join(" ").split_whitespace().collect::<Vec<_>>().join(", ");
    assert_ne!(own("admins"), "", "nobody could say `ok to test`");
    assert_eq!(listed("adminlist"), own("admins"));
    assert_eq!(listed("orgslist"), own("organisations"));
    assert_eq!(element(&xml, "permitAll"), ["false"]);
    assert_eq!(element(&xml, "allowMembersOfWhitelistedOrgsAsAdmin"), ["false"]);
    assert_eq!(element(&xml, "useGitHubHooks"), ["true"]);
    assert_eq!(element(&xml, "branch"), ["master"], "pull requests against master only");
    assert_eq!(element(&xml, "assignedNode"), ["docker-pull-requests"], "machines that hold nothing");
    assert_eq!(xml.matches("<org.jenkinsci.plugins.ghprb.GhprbTrigger>").count(), 1);
    assert!(!xml.contains("GitHubPushTrigger"), "branches have a job of their own");
    for secret in ["SecretBuildWrapper", "AWS_", "aws-", "registry-push", "make push"] {
        assert!(!xml.contains(secret), "{secret}: what the job holds, every pull request holds");
    }
    // The only credential reads the repository, and Jenkins keeps it from the build.
    assert_eq!(element(&xml, "credentialsId"), [own("git-credentials")]);
    assert!(!xml.contains("PruneStaleBranch"), "it removes pull requests that are being built");
}

#[test]
fn a_pull_request_is_built_as_its_merge_and_pushed_by_nobody() {
    let xml = rendered("");
    let parameter = element(&xml, "hudson.model.StringParameterDefinition");
    assert_eq!(parameter.len(), 1);
    assert_eq!(element(parameter[0], "name"), ["sha1"]);
    assert_eq!(element(parameter[0], "defaultValue"), ["origin/master"]);
    assert_eq!(element(element(&xml, "hudson.plugins.git.BranchSpec")[0], "name"), ["${sha1}"]);
    let refspec = "+refs/heads/*:refs/remotes/origin/* +refs/pull/*:refs/remotes/origin/pr/*";
    assert_eq!(element(&xml, "refspec"), [refspec]);
    let commands = format!("#!/bin/sh\nset -eu\nexport REPO={}\nmake build\nmake test", own("registry"));
    assert_eq!(element(&xml, "command"), [commands], "no variable that a stranger fills");
}

#[test]
fn every_branch_is_built_and_pushed_by_a_role_and_no_fork_s() {
    let xml = rendered("-branch");
    assert_eq!(element(&xml, "refspec"), ["+refs/heads/*:refs/remotes/origin/*"], "pull requests are no branches");
    assert_eq!(element(element(&xml, "hudson.plugins.git.BranchSpec")[0], "name"), ["origin/**"]);
    assert_eq!(xml.matches("<com.cloudbees.jenkins.GitHubPushTrigger>").count(), 1);
    assert!(!xml.contains("ghprb") && !xml.contains("ParameterDefinition"), "nobody tells it what to build");
    assert_eq!(element(&xml, "assignedNode"), ["docker-build"]);
    assert_eq!(element(&xml, "credentialsId"), [&own("git-credentials"), "aws-build"], "a role, and no password");
    assert!(!xml.contains("aws-deploy"));
    let commands = format!(
        "#!/bin/sh\nset -eu\nexport REPO={}\nmake build\nmake test\nif scripts/may-push.sh; then make push; fi",
        own("registry")
    );
    assert_eq!(element(&xml, "command"), [commands]);
    assert_eq!(element(&xml, "artifacts"), ["image.env"]);
    assert_eq!(element(&xml, "fingerprint"), ["true"]);
}

#[test]
fn branches_that_nobody_works_on_are_forgotten_once_a_day() {
    let xml = rendered("-expire");
    assert_eq!(element(&xml, "spec"), ["H 4 * * *"]);
    assert_eq!(element(&xml, "assignedNode"), ["deploy"]);
    assert_eq!(element(&xml, "credentialsId"), [&own("git-credentials"), "aws-deploy"]);
    assert_eq!(element(&xml, "refspec"), ["+refs/heads/master:refs/remotes/origin/master"], "master's own scripts");
    assert_eq!(element(&xml, "command"), ["#!/bin/sh\nset -eu\nmake expire-stacks"]);
}

#[test]
fn every_night_looks_for_what_no_test_knows_yet_and_keeps_what_it_finds() {
    let xml = rendered("-nightly");
    assert_eq!(element(&xml, "spec"), ["H 1 * * *"]);
    assert_eq!(element(&xml, "credentialsId"), [own("git-credentials")], "it pushes nothing");
    assert_eq!(element(&xml, "artifacts"), ["target/random-histories/**, fuzz/artifacts/**"]);
    let commands = element(&xml, "command")[0];
    assert!(commands.contains("for target in test-random fuzz test-slow; do"), "{commands}");
    assert!(commands.contains("nightly: FAILED") && commands.contains("exit 1"), "{commands}");
}

#[test]
fn the_deploying_job_alone_has_the_keys_and_takes_nothing_from_a_pull_request() {
    let xml = rendered("-deploy");
    assert_eq!(element(&xml, "credentialsId"), [&own("git-credentials"), "aws-deploy"]);
    assert_eq!(xml.matches("SecretBuildWrapper>").count(), 2, "opened and closed once");
    assert_eq!(element(&xml, "assignedNode"), ["deploy"]);
    assert_eq!(element(&xml, "refspec"), ["+refs/heads/master:refs/remotes/origin/master"]);
    assert_eq!(element(element(&xml, "hudson.plugins.git.BranchSpec")[0], "name"), ["origin/master"]);
    let parameter = element(&xml, "hudson.model.StringParameterDefinition");
    assert_eq!(element(parameter[0], "name"), ["IMAGE"]);
    assert!(parameter[0].contains("<defaultValue/>"), "{}", parameter[0]);
    let back = element(&xml, "hudson.model.BooleanParameterDefinition");
    assert_eq!(element(back[0], "name"), ["BACK"]);
    assert_eq!(element(back[0], "defaultValue"), ["false"], "a build that arrives late takes nothing back");
    assert_eq!(
        element(&xml, "upstreamProjects"),
        [own("app") + "-branch"],
        "it looks for itself what there is to deploy"
    );
    for behind in ["", "-branch"] {
        let starts = format!("{}-deploy", own("app"));
        assert!(!rendered(behind).contains(&starts), "{behind} starts nothing and hands nothing over");
    }
    let command = format!("#!/bin/sh\nset -eu\nexport REPO={}\nmake deploy", own("registry"));
    assert_eq!(element(&xml, "command"), [command]);
    assert!(!xml.contains("ghprb"));
    assert_eq!(element(&xml, "concurrentBuild"), ["false"]);
}

/// Runs a Jenkinsfile's text as one branch or pull request.
fn play(jenkinsfile: &str, environment: &[&str]) -> Finished {
    let folder = Scratch::new();
    let file = folder.write("Jenkinsfile", jenkinsfile);
    let java = std::fs::canonicalize(tools::find(&["java"])).unwrap();
    let home = java.parent().and_then(Path::parent).unwrap();
    let mut groovy = Command::new(tools::find(&["groovy"]));
    groovy.env("JAVA_HOME", home).env("HOME", folder.path());
    groovy.arg(tools::repository().join("tests/jenkins/stand-in.groovy")).arg(file).args(environment);
    run(&mut groovy)
}

fn ours() -> String {
    file("Jenkinsfile")
}

/// What every build does first. The repository is the only thing in it that everybody fills in.
fn build() -> String {
    let text = ours();
    let repository =
        text.lines().find_map(|line| line.trim().strip_prefix("REPO = ")).expect("a REPO").trim_matches('\'');
    format!("agent docker-build\nenvironment REPO={repository}\nstage Build\nsh make build\nstage Test\nsh make test\n")
}

const PUSH: &str = "stage Push\nsh make push with aws-build\narchive image.env\n";
const DEPLOY: &str = "stage Deploy\nmilestone 1\nlock app-deploy\n\
                      build app-deploy IMAGE=myrepo/app@sha256:the-digest-in-image.env";

#[test]
fn master_is_built_tested_pushed_and_deployed_by_its_digest() {
    assert_eq!(play(&ours(), &["BRANCH_NAME=master"]).success(), format!("{}{PUSH}{DEPLOY}", build()));
}

#[test]
fn a_branch_and_an_own_pull_request_are_pushed_and_not_deployed() {
    for environment in [
        &["BRANCH_NAME=feature/x"][..],
        &["BRANCH_NAME=PR-7", "CHANGE_ID=7", "CHANGE_TARGET=master", "CHANGE_BRANCH=feature/x"],
    ] {
        assert_eq!(play(&ours(), environment).success(), format!("{}{PUSH}skipped Deploy", build()), "{environment:?}");
    }
}

#[test]
fn a_fork_s_pull_request_sees_no_credential_even_if_its_branch_is_called_master() {
    let environment =
        ["BRANCH_NAME=PR-8", "CHANGE_ID=8", "CHANGE_TARGET=master", "CHANGE_BRANCH=master", "CHANGE_FORK=eve"];
    assert_eq!(play(&ours(), &environment).success(), format!("{}skipped Push\nskipped Deploy", build()));
}

#[test]
fn the_fake_jenkins_finds_what_a_parser_does_not() {
    let broken = [
        ("agent { label 'docker-build' }", "", "a pipeline needs an agent"),
        ("agent { label", "agnet { label", "unknown: agnet in pipeline"),
        ("sh 'make test'", "shell 'make test'", "unknown: shell in steps of Test"),
        ("fingerprint: true", "fingerpint: true", "unknown argument fingerpint of archiveArtifacts"),
        ("branch 'master'", "brunch 'master'", "unknown: brunch in when of stage Deploy"),
    ];
    std::thread::scope(|scope| {
        for (good, bad, want) in broken {
            scope.spawn(move || {
                let text = ours();
                assert!(text.contains(good), "{good}");
                let said = play(&text.replacen(good, bad, 1), &["BRANCH_NAME=master"]).failure();
                assert!(said.contains("wrong: ") && said.contains(want), "{bad}: {said}");
            });
        }
    });
}
