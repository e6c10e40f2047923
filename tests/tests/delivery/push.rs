//! `make build` and `make push` against a real engine and a real registry: what is promised about names and digests, and
//! what a registry, a network or another build can do to it.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use pilot_tests::registry::{Access, Memory, PASSWORD, USER};
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Checkout, Engine, Registry, SOON, Scratch, tools, until};

/// An engine, a registry and a checkout that know each other; the image's programs are a few bytes.
struct Sandbox {
    engine: Engine,
    registry: Registry,
    checkout: Checkout,
    repository: String,
    _programs: Scratch,
}

impl Sandbox {
    fn new() -> Sandbox {
        Sandbox::with(Access::Open, Memory::Disk)
    }

    fn with(access: Access, memory: Memory) -> Sandbox {
        let programs = Scratch::new();
        for name in ["pilot", "app"] {
            programs.write(name, name);
        }
        let folder = programs.path().display().to_string();
        Sandbox::from(programs, &folder, access, memory)
    }

    fn from(programs: Scratch, folder: &str, access: Access, memory: Memory) -> Sandbox {
        let engine = Engine::start(); // first: the registry is in its network
        let registry = Registry::with(access, memory);
        let mut checkout = Checkout::new();
        let repository = registry.repository("myrepo/app");
        let home = programs.file("home");
        for (name, value) in [
            ("DOCKER_HOST", engine.host().as_str()),
            ("DOCKER_CONFIG", &home),
            ("HOME", &home),
            ("REPO", &repository),
            ("PREBUILT", folder),
            ("TRIES", "1"),
        ] {
            checkout.set(name, value);
        }
        Sandbox { engine, registry, checkout, repository, _programs: programs }
    }

    /// `make build`; gives the image's id, the last line.
    #[track_caller]
    fn build(&self) -> String {
        self.checkout.make(&["build"]).success().lines().last().unwrap().to_owned()
    }

    /// `make push`; gives the digest of its last line.
    #[track_caller]
    fn push(&self) -> String {
        let said = self.checkout.make(&["push"]).success();
        let line = said.lines().last().unwrap();
        assert_eq!(self.checkout.scratch.lines("image.env"), [line]);
        line.strip_prefix(&format!("IMAGE={}@", self.repository)).unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    /// A commit, built and pushed: its hash tag and the digest.
    #[track_caller]
    fn pushed(&self, message: &str) -> (String, String) {
        let hash = self.checkout.commit(message)[..8].to_owned();
        self.build();
        (hash, self.push())
    }

    fn served(&self, tag: &str) -> Option<String> {
        self.registry.digest("myrepo/app", tag)
    }
}

// The owner's drawing: two commits on a branch, their images and where the names point, to the last step of running one.
#[test]
fn two_commits_on_a_branch() {
    let programs = Scratch::new();
    let folder = tools::for_an_image(&programs);
    let sandbox = Sandbox::from(programs, &folder, Access::Open, Memory::Disk);
    sandbox.checkout.git(&["checkout", "-q", "-b", "myfeature"]);
    let columns = |tag: &str| {
        let words = ["images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}}"];
        let name = format!("{}:{tag}", sandbox.repository);
        sandbox.engine.docker(&[&words[..], &[&name]].concat()).success()
    };

    let first = sandbox.checkout.commit("the first of the branch")[..8].to_owned();
    let said = sandbox.checkout.make(&["build"]).success();
    let id = said.lines().last().unwrap().to_owned();
    assert_eq!(said, format!("{0}:{first}\n{0}:myfeature\n{id}", sandbox.repository));
    for tag in [first.as_str(), "myfeature"] {
        assert_eq!(columns(tag), format!("{} {tag} {id}", sandbox.repository));
    }
    let first_digest = sandbox.push();

    let second = sandbox.checkout.commit("the second")[..8].to_owned();
    let new_id = sandbox.build();
    assert_ne!(id, new_id, "a commit that compiles to the same bytes is another image");
    for (tag, id) in [(second.as_str(), &new_id), ("myfeature", &new_id), (&first, &id)] {
        assert_eq!(columns(tag), format!("{} {tag} {id}", sandbox.repository));
    }
    let digest = sandbox.push();
    assert_ne!(digest, first_digest);

    let mut tags = vec![first.clone(), second.clone(), "myfeature".to_owned()];
    tags.sort();
    assert_eq!(sandbox.registry.tags("myrepo/app"), tags);
    for (tag, digest) in [(&second, &digest), (&"myfeature".to_owned(), &digest), (&first, &first_digest)] {
        assert_eq!(sandbox.served(tag).as_ref(), Some(digest), "{tag}");
    }

    // Another machine: nothing local, only the line that make push printed.
    let docker = |words: &[&str]| sandbox.engine.docker(words).success();
    docker(&["rmi", "-f", &id, &new_id]);
    let image = format!("{}@{digest}", sandbox.repository);
    docker(&["network", "create", "net"]);
    docker(&["run", "-d", "--name", "app", "--network", "net", &image]);
    let hello = until("the pulled image to answer", SOON, || sandbox.engine.get("app", 5000, "/"));
    assert_eq!((hello.status, hello.body.as_str()), (200, "Hello, World!"));
    docker(&["stop", "app"]);
    assert_eq!(sandbox.engine.inspect("app")["State"]["ExitCode"], 0);
}

#[test]
fn an_image_says_where_it_comes_from() {
    let sandbox = Sandbox::new();
    sandbox.checkout.git(&["remote", "add", "origin", "https://ada:t0ken@git.example/myorg/app.git"]);
    sandbox.checkout.git(&["checkout", "-q", "-b", "feature/x"]);
    sandbox.build();
    let image = sandbox.engine.inspect(&format!("{}:feature-x", sandbox.repository));
    let labels = &image["Config"]["Labels"];
    let label = |name: &str| labels[format!("org.opencontainers.image.{name}")].as_str().unwrap().to_owned();
    assert_eq!(label("revision"), sandbox.checkout.head());
    assert_eq!(label("version"), sandbox.checkout.head()[..8]);
    assert_eq!(label("ref.name"), "feature/x");
    assert_eq!(label("created"), sandbox.checkout.git(&["log", "-1", "--format=%cI"]));
    assert_eq!(label("source"), "https://git.example/myorg/app.git", "without the login");
}

#[test]
fn a_detached_head_is_pushed_under_its_hash_alone_and_a_dirty_tree_not_at_all() {
    let sandbox = Sandbox::new();
    sandbox.checkout.git(&["checkout", "-q", "--detach"]);
    let hash = sandbox.checkout.head()[..8].to_owned();
    sandbox.build();
    sandbox.push();
    assert_eq!(sandbox.registry.tags("myrepo/app"), [hash.as_str()]);

    sandbox.checkout.scratch.write("image/unknown", "not in any commit");
    let said = sandbox.checkout.make(&["build"]).success();
    assert!(said.starts_with(&format!("{}:{hash}-dirty\nsha256:", sandbox.repository)), "{said}");
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("the tree has changes that are in no commit"), "{said}");
    assert!(sandbox.checkout.scratch.lines("image.env").is_empty(), "no line of an earlier push is left");
    assert_eq!(sandbox.registry.tags("myrepo/app"), [hash]);
}

#[test]
fn a_branch_named_like_a_hash_does_not_take_that_hash() {
    let sandbox = Sandbox::new();
    let (hash, digest) = sandbox.pushed("the one");
    sandbox.checkout.git(&["checkout", "-q", "-b", &hash]);
    let (_, other) = sandbox.pushed("another");
    assert_eq!(sandbox.served(&hash), Some(digest));
    assert_eq!(sandbox.served(&format!("branch-{hash}")), Some(other));
}

#[test]
fn what_a_hash_means_never_changes() {
    let sandbox = Sandbox::new();
    let (hash, digest) = sandbox.pushed("built twice");
    let before = sandbox.build();
    sandbox.engine.docker(&["rmi", "-f", &before]).success();
    let rebuilt = format!("{}:{hash}", sandbox.repository);
    let words = ["build", "-q", "--label", "again=1", "--label"];
    let revision = format!("org.opencontainers.image.revision={}", sandbox.checkout.head());
    let folder = sandbox.checkout.scratch.file("again");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(format!("{folder}/Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n").unwrap();
    sandbox.engine.docker(&[&words[..], &[&revision, "-t", &rebuilt, &folder]].concat()).success();
    std::fs::remove_dir_all(&folder).unwrap();

    let said = sandbox.checkout.make(&["push"]).success();
    assert!(said.contains(&format!("{rebuilt} is there already and stays what it is")), "{said}");
    assert!(said.ends_with(&format!("@{digest}")), "{said}");
    assert_eq!((sandbox.served(&hash), sandbox.served("master")), (Some(digest.clone()), Some(digest)));
}

#[test]
fn a_hash_that_somebody_else_has_taken_is_refused() {
    let sandbox = Sandbox::new();
    let (_, foreign) = sandbox.pushed("the other repository's");
    let hash = sandbox.checkout.commit("shares its first digits")[..8].to_owned();
    sandbox.build();
    let (from, to) = (format!("{}@{foreign}", sandbox.repository), format!("{}:{hash}", sandbox.repository));
    sandbox.engine.docker(&["pull", "-q", &from]).success();
    let mine = sandbox.engine.docker(&["inspect", "-f", "{{.Id}}", &to]).success();
    sandbox.engine.docker(&["tag", &from, &to]).success();
    sandbox.engine.docker(&["push", "-q", &to]).success();
    sandbox.engine.docker(&["tag", &mine, &to]).success();
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("their first 8 digits are the same, or somebody else pushed it"), "{said}");
    assert_eq!(sandbox.served("master"), Some(foreign), "and the branch stays");
}

#[test]
fn only_this_commits_image_is_pushed() {
    let sandbox = Sandbox::new();
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("is not built; make build"), "{said}");
    let old = sandbox.build();
    let hash = sandbox.checkout.commit("not built")[..8].to_owned();
    sandbox.engine.docker(&["tag", &old, &format!("{}:{hash}", sandbox.repository)]).success();
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("is an image of commit"), "{said}");
    assert!(sandbox.registry.tags("myrepo/app").is_empty());
}

#[test]
fn a_registry_that_is_away_for_a_moment_is_waited_for() {
    let mut sandbox = Sandbox::new();
    sandbox.build();
    sandbox.registry.kill();
    sandbox.checkout.set("TRIES", "5");
    let complaints = sandbox._programs.file("complaints");
    let mut make = sandbox.checkout.command("make");
    make.args(["-s", "push"]).stdout(Stdio::null()).stderr(File::create(&complaints).unwrap());
    let mut push = make.spawn().unwrap();
    until("a first try in vain", SOON, || {
        std::fs::read_to_string(&complaints).unwrap().contains("failed, retrying in 1 s").then_some(())
    });
    sandbox.registry.begin();
    assert!(push.wait().unwrap().success(), "{}", std::fs::read_to_string(&complaints).unwrap());
    assert_eq!(sandbox.served("master"), sandbox.served(&sandbox.checkout.head()[..8]));
    sandbox.registry.kill();
    sandbox.checkout.set("TRIES", "1");
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("the registry cannot say what") && said.contains("connection refused"), "{said}");
}

// Garbage was collected while it ran: it accepts a push, lists the tag, and does not have the bytes.
#[test]
fn a_registry_that_lies_is_found_out() {
    let sandbox = Sandbox::with(Access::Open, Memory::Cached);
    let (hash, digest) = sandbox.pushed("collected");
    sandbox.registry.delete("myrepo/app", &digest);
    sandbox.registry.collect_garbage();
    let image = format!("{}:{hash}", sandbox.repository);
    assert!(sandbox.engine.docker(&["push", "-q", &image]).succeeded(), "docker believes it");
    assert!(sandbox.registry.tags("myrepo/app").contains(&hash), "and so does who looks at the tags");
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("accepted") && said.contains("a registry must be restarted"), "{said}");
    assert!(sandbox.checkout.scratch.lines("image.env").is_empty());
}

#[test]
fn a_registry_that_has_lost_a_layer_is_found_out() {
    let sandbox = Sandbox::new();
    let (hash, digest) = sandbox.pushed("whole");
    let manifest = sandbox.registry.get(&format!("/v2/myrepo/app/manifests/{digest}"));
    assert!(manifest.is_object(), "{manifest}");
    let image = sandbox
        .engine
        .docker(&["manifest", "inspect", "--insecure", &format!("{}:{hash}", sandbox.repository)])
        .success();
    let manifest: serde_json::Value = serde_json::from_str(&image).unwrap();
    sandbox.registry.lose(manifest["layers"][0]["digest"].as_str().unwrap());
    assert_eq!(sandbox.served(&hash), Some(digest), "the manifest is served as ever");
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("does not serve all of"), "{said}");
}

#[test]
fn a_registry_that_does_not_move_the_branch_is_found_out() {
    let mut sandbox = Sandbox::new();
    sandbox.build();
    let skopeo = tools::find(&["skopeo"]);
    let pretends = format!("case \"$*\" in *copy*:master) exit 0 ;; esac\nexec {skopeo} \"$@\"");
    sandbox._programs.script("skopeo", &pretends);
    let path = format!("{}:{}", sandbox._programs.path().display(), std::env::var("PATH").unwrap());
    sandbox.checkout.set("PATH", &path);
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains(&format!("the registry serves nothing as {}:master", sandbox.repository)), "{said}");
    assert!(sandbox.checkout.scratch.lines("image.env").is_empty());
}

// Of two builds of a commit the other was faster, and the registry makes names immutable.
#[test]
fn a_refused_second_push_of_a_commit_is_no_error() {
    let mut sandbox = Sandbox::new();
    sandbox.build();
    let refuses = "docker \"$@\" || exit\ncase $1 in push) echo 'denied: the tag is immutable' >&2; exit 1 ;; esac";
    let client = sandbox._programs.script("docker-that-is-refused", refuses);
    sandbox.checkout.set("DOCKER", &client);
    let digest = sandbox.push();
    assert_eq!(
        (sandbox.served("master"), sandbox.served(&sandbox.checkout.head()[..8])),
        (Some(digest.clone()), Some(digest))
    );
}

#[test]
fn a_registry_with_a_login_is_pushed_to_with_docker_s_login_or_one_of_its_own() {
    let mut sandbox = Sandbox::with(Access::Login, Memory::Disk);
    sandbox.checkout.set("TRIES", "5"); // a refusal is an answer: it is not asked again
    sandbox.build();
    let refused = sandbox.checkout.make(&["push"]).failure();
    assert!(refused.contains("authentication required") || refused.contains("unauthorized"), "{refused}");
    assert!(!refused.contains("trying again"), "{refused}");

    sandbox.checkout.set("REGISTRY_USER", USER);
    sandbox.checkout.set("REGISTRY_PASSWORD", "wr0ng");
    let wrong = sandbox.checkout.make(&["push"]).failure();
    assert!(wrong.contains(&format!("as {USER}")) && !wrong.contains("wr0ng"), "{wrong}");
    sandbox.checkout.set("REGISTRY_PASSWORD", PASSWORD);
    let said = sandbox.checkout.make(&["push"]).success();
    assert!(!said.contains(PASSWORD), "{said}");
    let home = std::path::Path::new(&sandbox._programs.file("home")).join("config.json");
    assert!(!home.exists(), "the login is forgotten");

    // A person's own login, made before.
    sandbox.checkout.unset("REGISTRY_USER");
    let host = sandbox.repository.split('/').next().unwrap().to_owned();
    let mut login = sandbox.checkout.command("docker");
    login.args(["login", "-u", USER, "-p", PASSWORD, &host]);
    pilot_tests::command::run(&mut login).success();
    sandbox.push();
}

#[test]
fn an_older_build_that_ends_late_does_not_move_the_branch_back() {
    let sandbox = Sandbox::new();
    let _origin = sandbox.checkout.with_origin();
    let (old, _) = sandbox.pushed("the older");
    sandbox.checkout.git(&["push", "-q", "origin", "HEAD"]);
    let (new, digest) = sandbox.pushed("the newer");
    sandbox.checkout.git(&["push", "-q", "origin", "HEAD"]);
    sandbox.push();
    assert_eq!(sandbox.served("master"), Some(digest.clone()));

    // Its job starts again, or ends only now.
    sandbox.checkout.git(&["reset", "-q", "--hard", &old]);
    let said = sandbox.checkout.make(&["push"]).success();
    assert!(said.contains(&format!("stays where it is: at origin master is {new}")), "{said}");
    assert_eq!(sandbox.served("master"), Some(digest));
    assert!(said.lines().last().unwrap().starts_with("IMAGE="), "its own digest is told all the same: {said}");
}

#[test]
fn origin_is_asked_and_must_answer() {
    let sandbox = Sandbox::new();
    let origin = sandbox.checkout.with_origin();
    sandbox.checkout.git(&["checkout", "-q", "-b", "not-at-origin"]);
    sandbox.checkout.commit("not pushed to git");
    sandbox.build();
    let said = sandbox.checkout.make(&["push"]).success();
    assert!(said.contains("origin has no not-at-origin; its tag moves without asking"), "{said}");
    drop(origin);
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("git cannot ask origin where not-at-origin is"), "{said}");
    assert!(sandbox.checkout.scratch.lines("image.env").is_empty());
}

// A private repository: Jenkins fetches it with a credential that it does not hand to the build.
#[test]
fn an_origin_that_wants_a_login_is_asked_once_and_told() {
    let mut sandbox = Sandbox::new();
    let origin = Scripted::start(|_| Reply::Answer {
        status: 401,
        head: "WWW-Authenticate: Basic realm=\"git\"\r\n".into(),
        body: String::new(),
        after: Duration::ZERO,
    });
    sandbox.checkout.git(&["remote", "add", "origin", &format!("http://127.0.0.1:{}/myorg/app.git", origin.port())]);
    sandbox.checkout.set("TRIES", "5");
    sandbox.build();
    let said = sandbox.checkout.make(&["push"]).failure();
    assert!(said.contains("`git ls-remote origin` has to work for who pushes"), "{said}");
    assert!(said.contains("could not read Username") && !said.contains("trying again"), "{said}");
    assert_eq!(sandbox.served("master"), None);
}

// The whole way of a name that somebody chose to do harm: git, make, the builder's labels, the registry, origin.
#[test]
fn a_branch_whose_name_is_a_command_is_built_and_pushed_like_any_other() {
    let sandbox = Sandbox::new();
    let _origin = sandbox.checkout.with_origin();
    let branch = "x$(touch${IFS}pwned)`id>f`;>f'\"";
    sandbox.checkout.git(&["checkout", "-q", "-b", branch]);
    sandbox.checkout.git(&["push", "-q", "origin", "HEAD"]);
    sandbox.build();
    let said = sandbox.checkout.make(&["push"]).success();
    assert!(!said.contains("moves without asking"), "origin was asked for this very name: {said}");
    let tag = "x-touch-IFS-pwned-id-f-f-";
    assert_eq!(sandbox.served(tag), sandbox.served(&sandbox.checkout.head()[..8]));
    let labels = sandbox.engine.inspect(&format!("{}:{tag}", sandbox.repository))["Config"]["Labels"].clone();
    assert_eq!(labels["org.opencontainers.image.ref.name"], branch);
    for file in ["pwned", "f"] {
        assert!(!sandbox.checkout.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_pull_request_s_merge_has_the_pull_request_s_name_only() {
    let mut sandbox = Sandbox::new();
    let _origin = sandbox.checkout.with_origin();
    sandbox.checkout.git(&["checkout", "-q", "-b", "theirs"]);
    let theirs = sandbox.checkout.commit("of the pull request");
    sandbox.checkout.git(&["push", "-q", "origin", "HEAD:refs/pull/7/head"]);
    sandbox.checkout.git(&["checkout", "-q", "--detach", "master"]);
    sandbox.checkout.git(&["merge", "-q", "--no-ff", "-m", "preview", &theirs]);
    sandbox.checkout.set("ghprbPullId", "7");
    sandbox.checkout.set("ghprbActualCommit", &theirs);
    sandbox.checkout.set("GIT_BRANCH", "master");
    sandbox.build();
    sandbox.push();
    assert_eq!(sandbox.registry.tags("myrepo/app"), ["pr-7"]);

    // The author pushes another commit; the older merge is not worth a name any more.
    sandbox.checkout.git(&["push", "-q", "-f", "origin", "master:refs/pull/7/head"]);
    sandbox.checkout.git(&["update-ref", "refs/pull/7/head", "master"]);
    let newer = sandbox.checkout.git(&["commit-tree", "-m", "newer", "HEAD^{tree}"]);
    sandbox.checkout.git(&["push", "-q", "-f", "origin", &format!("{newer}:refs/pull/7/head")]);
    let said = sandbox.checkout.make(&["push"]).success();
    assert!(said.contains("stays where it is: at origin pull/7 is") && !said.contains("IMAGE="), "{said}");
}

#[test]
fn a_version_is_given_once_and_to_a_digest() {
    let sandbox = Sandbox::new();
    let release = |words: &[&str]| sandbox.checkout.make(&[&["release"], words].concat());
    let (_, first) = sandbox.pushed("good enough");
    let said = release(&["VERSION=1.0.0"]).success();
    assert!(said.ends_with(&format!("IMAGE={}@{first}", sandbox.repository)), "{said}");
    assert_eq!(sandbox.served("1.0.0"), Some(first.clone()));
    assert!(release(&["VERSION=1.0.0"]).success().contains("already"), "asked again it is content");

    let (hash, second) = sandbox.pushed("better");
    assert!(release(&["VERSION=1.0.0"]).failure().contains("a version is given once"));
    assert_eq!(sandbox.served("1.0.0"), Some(first.clone()));
    let image = format!("IMAGE={}@{first}", sandbox.repository);
    release(&["VERSION=1.0.1", &image]).success();
    assert_eq!((sandbox.served("1.0.1"), sandbox.served("master")), (Some(first), Some(second)));

    for wrong in ["", "1.0", "v1.0.0", "latest", "1.0.0 ", "1.0.0;id", "$(id)"] {
        let mut make = sandbox.checkout.command("make");
        make.args(["-s", "release"]).env("VERSION", wrong);
        assert!(pilot_tests::command::run(&mut make).failure().contains("is not a version"), "{wrong}");
    }
    let by_tag = format!("IMAGE={}:{hash}", sandbox.repository);
    assert!(release(&["VERSION=1.0.2", &by_tag]).failure().contains("Mutable tags are not accepted"));
    sandbox.checkout.commit("not pushed");
    assert!(release(&["VERSION=1.0.2"]).failure().contains("make push"));
}

#[test]
fn a_version_for_another_architecture_has_a_name_of_its_own() {
    let sandbox = Sandbox::new();
    let (hash, _) = sandbox.pushed("for both");
    let release = |words: &[&str]| sandbox.checkout.make(&[&["release", "VERSION=1.0.0"], words].concat());
    assert!(
        release(&["ARCH=arm64"])
            .failure()
            .contains(&format!("the registry has no {}:{hash}-arm64", sandbox.repository))
    );
    // As `make build push ARCH=arm64` leaves it; that it does is in `slow/images.rs`.
    let folder = Scratch::new();
    folder.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /arm64\n");
    let other = format!("{}:{hash}-arm64", sandbox.repository);
    sandbox.engine.docker(&["build", "-q", "-t", &other, &folder.path().display().to_string()]).success();
    sandbox.engine.docker(&["push", "-q", &other]).success();
    release(&[]).success();
    release(&["ARCH=arm64"]).success();
    assert_eq!(sandbox.served("1.0.0"), sandbox.served(&hash));
    assert_eq!(sandbox.served("1.0.0-arm64"), sandbox.served(&format!("{hash}-arm64")));
    assert_ne!(sandbox.served("1.0.0"), sandbox.served("1.0.0-arm64"));
}

// Somebody who joins the images of two architectures releases the list, not the half that this machine would take.
#[test]
fn a_list_of_images_is_released_as_a_whole() {
    let sandbox = Sandbox::new();
    let (hash, part) = sandbox.pushed("in a list");
    let (list, image) = (format!("{}:list", sandbox.repository), format!("{}:{hash}", sandbox.repository));
    sandbox.engine.docker(&["manifest", "create", "--insecure", &list, &image]).success();
    let digest = sandbox.engine.docker(&["manifest", "push", "--insecure", &list]).success();
    assert_ne!(digest, part);
    sandbox.checkout.make(&["release", "VERSION=1.0.0", &format!("IMAGE={}@{digest}", sandbox.repository)]).success();
    assert_eq!(sandbox.served("1.0.0"), Some(digest));
}

#[test]
fn only_a_digest_of_a_commit_of_master_is_deployed() {
    let sandbox = Sandbox::new();
    let _origin = sandbox.checkout.with_origin();
    // The stacks' script, which is not this test's matter, says what it was given.
    sandbox.checkout.scratch.script("scripts/stack.sh", "echo stack: \"$@\"");
    let (hash, digest) = sandbox.pushed("of master");
    sandbox.checkout.git(&["push", "-q", "origin", "HEAD"]);
    sandbox.checkout.git(&["fetch", "-q"]);
    let image = format!("{}@{digest}", sandbox.repository);
    let deploy = |words: &[&str]| sandbox.checkout.make(&[&["deploy"], words].concat());
    let given = format!("stack: image {image}");
    assert!(deploy(&[&format!("IMAGE={image}")]).success().ends_with(&given));
    assert!(deploy(&[&format!("TAG={hash}")]).success().ends_with(&given));
    // The next commit of master is not built yet; the newest one that is, is taken.
    sandbox.checkout.commit("not built");
    assert!(deploy(&[]).success().ends_with(&given));

    for moving in ["TAG=master", "TAG=latest", &format!("IMAGE={}:{hash}", sandbox.repository), "IMAGE=x@sha256:00"] {
        let said = deploy(&[moving]).failure();
        assert!(said.contains("that move"), "{moving}: {said}");
    }
    sandbox.checkout.git(&["checkout", "-q", "-b", "evil"]);
    let (_, elsewhere) = sandbox.pushed("not of master");
    let said = deploy(&[&format!("IMAGE={}@{elsewhere}", sandbox.repository)]).failure();
    assert!(said.contains("which origin/master does not have"), "{said}");
}

#[test]
fn the_repository_has_to_be_said() {
    let checkout = Checkout::new();
    for target in ["push", "deploy"] {
        let said = checkout.make(&[target]).failure();
        assert!(said.contains(&format!("REPO=myrepo/app make {target}")), "{said}");
    }
    for wrong in ["My/App", "a/b c", "a/b;id", "/a", "a//b", "a/$(id)", "-a/b:tag x"] {
        let mut make = checkout.command("make");
        let said =
            pilot_tests::command::run(make.args(["-s", "build"]).env("REPO", wrong).env("DOCKER", "/nonexistent"));
        assert!(said.failure().contains("is not a repository's name"), "{wrong}");
    }
}

#[test]
fn signing_says_what_it_lacks() {
    let sandbox = Sandbox::new();
    let sign = |words: &[&str]| sandbox.checkout.make(&[&["sign"], words].concat()).failure();
    assert!(sign(&[]).contains("make push prints it"));
    let image = format!("IMAGE={}@sha256:{}", sandbox.repository, "0".repeat(64));
    assert!(sign(&[&image]).contains("COSIGN_KEY names the key"));
}
