//! `make build` and `make push` against a real engine and a real registry: what is promised about names and digests, and
//! what a registry, a network or another build can do to it.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use pilot_tests::registry::{Access, Memory, PASSWORD, USER};
use pilot_tests::scripted::{Reply, Scripted};
use pilot_tests::{Checkout, Engine, Registry, SOON, Scratch, tools, until};

/// An engine, a registry and a checkout that know each other; the image's programs are a few bytes.
struct Yard {
    engine: Engine,
    registry: Registry,
    checkout: Checkout,
    repository: String,
    _programs: Scratch,
}

impl Yard {
    fn new() -> Yard {
        Yard::with(Access::Open, Memory::Disk)
    }

    fn with(access: Access, memory: Memory) -> Yard {
        let programs = Scratch::new();
        for name in ["pilot", "app"] {
            programs.write(name, name);
        }
        let folder = programs.path().display().to_string();
        Yard::from(programs, &folder, access, memory)
    }

    fn from(programs: Scratch, folder: &str, access: Access, memory: Memory) -> Yard {
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
        Yard { engine, registry, checkout, repository, _programs: programs }
    }

    /// `make build`; gives the image's id, the last line.
    #[track_caller]
    fn build(&self) -> String {
        self.checkout.make(&["build"]).well().lines().last().unwrap().to_owned()
    }

    /// `make push`; gives the digest of its last line.
    #[track_caller]
    fn push(&self) -> String {
        let said = self.checkout.make(&["push"]).well();
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
    let yard = Yard::from(programs, &folder, Access::Open, Memory::Disk);
    yard.checkout.git(&["checkout", "-q", "-b", "myfeature"]);
    let columns = |tag: &str| {
        let words = ["images", "--no-trunc", "--format", "{{.Repository}} {{.Tag}} {{.ID}}"];
        let name = format!("{}:{tag}", yard.repository);
        yard.engine.docker(&[&words[..], &[&name]].concat()).well()
    };

    let first = yard.checkout.commit("the first of the branch")[..8].to_owned();
    let said = yard.checkout.make(&["build"]).well();
    let id = said.lines().last().unwrap().to_owned();
    assert_eq!(said, format!("{0}:{first}\n{0}:myfeature\n{id}", yard.repository));
    for tag in [first.as_str(), "myfeature"] {
        assert_eq!(columns(tag), format!("{} {tag} {id}", yard.repository));
    }
    let first_digest = yard.push();

    let second = yard.checkout.commit("the second")[..8].to_owned();
    let new_id = yard.build();
    assert_ne!(id, new_id, "a commit that compiles to the same bytes is another image");
    for (tag, id) in [(second.as_str(), &new_id), ("myfeature", &new_id), (&first, &id)] {
        assert_eq!(columns(tag), format!("{} {tag} {id}", yard.repository));
    }
    let digest = yard.push();
    assert_ne!(digest, first_digest);

    let mut tags = vec![first.clone(), second.clone(), "myfeature".to_owned()];
    tags.sort();
    assert_eq!(yard.registry.tags("myrepo/app"), tags);
    for (tag, digest) in [(&second, &digest), (&"myfeature".to_owned(), &digest), (&first, &first_digest)] {
        assert_eq!(yard.served(tag).as_ref(), Some(digest), "{tag}");
    }

    // Another machine: nothing local, only the line that make push printed.
    let docker = |words: &[&str]| yard.engine.docker(words).well();
    docker(&["rmi", "-f", &id, &new_id]);
    let image = format!("{}@{digest}", yard.repository);
    docker(&["network", "create", "net"]);
    docker(&["run", "-d", "--name", "app", "--network", "net", &image]);
    let hello = until("the pulled image to answer", SOON, || yard.engine.get("app", 5000, "/"));
    assert_eq!((hello.status, hello.body.as_str()), (200, "Hello, World!"));
    docker(&["stop", "app"]);
    assert_eq!(yard.engine.inspect("app")["State"]["ExitCode"], 0);
}

#[test]
fn an_image_says_where_it_comes_from() {
    let yard = Yard::new();
    yard.checkout.git(&["remote", "add", "origin", "https://ada:t0ken@git.example/myorg/app.git"]);
    yard.checkout.git(&["checkout", "-q", "-b", "feature/x"]);
    yard.build();
    let image = yard.engine.inspect(&format!("{}:feature-x", yard.repository));
    let labels = &image["Config"]["Labels"];
    let label = |name: &str| labels[format!("org.opencontainers.image.{name}")].as_str().unwrap().to_owned();
    assert_eq!(label("revision"), yard.checkout.head());
    assert_eq!(label("version"), yard.checkout.head()[..8]);
    assert_eq!(label("ref.name"), "feature/x");
    assert_eq!(label("created"), yard.checkout.git(&["log", "-1", "--format=%cI"]));
    assert_eq!(label("source"), "https://git.example/myorg/app.git", "without the login");
}

#[test]
fn a_detached_head_is_pushed_under_its_hash_alone_and_a_dirty_tree_not_at_all() {
    let yard = Yard::new();
    yard.checkout.git(&["checkout", "-q", "--detach"]);
    let hash = yard.checkout.head()[..8].to_owned();
    yard.build();
    yard.push();
    assert_eq!(yard.registry.tags("myrepo/app"), [hash.as_str()]);

    yard.checkout.scratch.write("image/unknown", "not in any commit");
    let said = yard.checkout.make(&["build"]).well();
    assert!(said.starts_with(&format!("{}:{hash}-dirty\nsha256:", yard.repository)), "{said}");
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("the tree has changes that are in no commit"), "{said}");
    assert!(yard.checkout.scratch.lines("image.env").is_empty(), "no line of an earlier push is left");
    assert_eq!(yard.registry.tags("myrepo/app"), [hash]);
}

#[test]
fn a_branch_named_like_a_hash_does_not_take_that_hash() {
    let yard = Yard::new();
    let (hash, digest) = yard.pushed("the one");
    yard.checkout.git(&["checkout", "-q", "-b", &hash]);
    let (_, other) = yard.pushed("another");
    assert_eq!(yard.served(&hash), Some(digest));
    assert_eq!(yard.served(&format!("branch-{hash}")), Some(other));
}

#[test]
fn what_a_hash_means_never_changes() {
    let yard = Yard::new();
    let (hash, digest) = yard.pushed("built twice");
    let before = yard.build();
    yard.engine.docker(&["rmi", "-f", &before]).well();
    let rebuilt = format!("{}:{hash}", yard.repository);
    let words = ["build", "-q", "--label", "again=1", "--label"];
    let revision = format!("org.opencontainers.image.revision={}", yard.checkout.head());
    let folder = yard.checkout.scratch.file("again");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(format!("{folder}/Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n").unwrap();
    yard.engine.docker(&[&words[..], &[&revision, "-t", &rebuilt, &folder]].concat()).well();
    std::fs::remove_dir_all(&folder).unwrap();

    let said = yard.checkout.make(&["push"]).well();
    assert!(said.contains(&format!("{rebuilt} is there already and stays what it is")), "{said}");
    assert!(said.ends_with(&format!("@{digest}")), "{said}");
    assert_eq!((yard.served(&hash), yard.served("master")), (Some(digest.clone()), Some(digest)));
}

#[test]
fn a_hash_that_somebody_else_has_taken_is_refused() {
    let yard = Yard::new();
    let (_, foreign) = yard.pushed("the other repository's");
    let hash = yard.checkout.commit("shares its first digits")[..8].to_owned();
    yard.build();
    let (from, to) = (format!("{}@{foreign}", yard.repository), format!("{}:{hash}", yard.repository));
    yard.engine.docker(&["pull", "-q", &from]).well();
    let mine = yard.engine.docker(&["inspect", "-f", "{{.Id}}", &to]).well();
    yard.engine.docker(&["tag", &from, &to]).well();
    yard.engine.docker(&["push", "-q", &to]).well();
    yard.engine.docker(&["tag", &mine, &to]).well();
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("their first 8 digits are the same, or somebody else pushed it"), "{said}");
    assert_eq!(yard.served("master"), Some(foreign), "and the branch stays");
}

#[test]
fn only_this_commits_image_is_pushed() {
    let yard = Yard::new();
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("is not built; make build"), "{said}");
    let old = yard.build();
    let hash = yard.checkout.commit("not built")[..8].to_owned();
    yard.engine.docker(&["tag", &old, &format!("{}:{hash}", yard.repository)]).well();
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("is an image of commit"), "{said}");
    assert!(yard.registry.tags("myrepo/app").is_empty());
}

#[test]
fn a_registry_that_is_away_for_a_moment_is_waited_for() {
    let mut yard = Yard::new();
    yard.build();
    yard.registry.kill();
    yard.checkout.set("TRIES", "5");
    let complaints = yard._programs.file("complaints");
    let mut make = yard.checkout.command("make");
    make.args(["-s", "push"]).stdout(Stdio::null()).stderr(File::create(&complaints).unwrap());
    let mut push = make.spawn().unwrap();
    until("a first try in vain", SOON, || {
        std::fs::read_to_string(&complaints).unwrap().contains("no success, trying again in 1 s").then_some(())
    });
    yard.registry.begin();
    assert!(push.wait().unwrap().success(), "{}", std::fs::read_to_string(&complaints).unwrap());
    assert_eq!(yard.served("master"), yard.served(&yard.checkout.head()[..8]));
    yard.registry.kill();
    yard.checkout.set("TRIES", "1");
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("the registry cannot say what") && said.contains("connection refused"), "{said}");
}

// Garbage was collected while it ran: it accepts a push, lists the tag, and does not have the bytes.
#[test]
fn a_registry_that_lies_is_found_out() {
    let yard = Yard::with(Access::Open, Memory::Cached);
    let (hash, digest) = yard.pushed("collected");
    yard.registry.delete("myrepo/app", &digest);
    yard.registry.collect_garbage();
    let image = format!("{}:{hash}", yard.repository);
    assert!(yard.engine.docker(&["push", "-q", &image]).succeeded(), "docker believes it");
    assert!(yard.registry.tags("myrepo/app").contains(&hash), "and so does who looks at the tags");
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("accepted") && said.contains("a registry must be restarted"), "{said}");
    assert!(yard.checkout.scratch.lines("image.env").is_empty());
}

#[test]
fn a_registry_that_has_lost_a_layer_is_found_out() {
    let yard = Yard::new();
    let (hash, digest) = yard.pushed("whole");
    let manifest = yard.registry.get(&format!("/v2/myrepo/app/manifests/{digest}"));
    assert!(manifest.is_object(), "{manifest}");
    let image =
        yard.engine.docker(&["manifest", "inspect", "--insecure", &format!("{}:{hash}", yard.repository)]).well();
    let manifest: serde_json::Value = serde_json::from_str(&image).unwrap();
    yard.registry.lose(manifest["layers"][0]["digest"].as_str().unwrap());
    assert_eq!(yard.served(&hash), Some(digest), "the manifest is served as ever");
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("does not serve all of"), "{said}");
}

#[test]
fn a_registry_that_does_not_move_the_branch_is_found_out() {
    let mut yard = Yard::new();
    yard.build();
    let skopeo = tools::find(&["skopeo"]);
    let pretends = format!("case \"$*\" in *copy*:master) exit 0 ;; esac\nexec {skopeo} \"$@\"");
    yard._programs.script("skopeo", &pretends);
    let path = format!("{}:{}", yard._programs.path().display(), std::env::var("PATH").unwrap());
    yard.checkout.set("PATH", &path);
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains(&format!("the registry serves nothing as {}:master", yard.repository)), "{said}");
    assert!(yard.checkout.scratch.lines("image.env").is_empty());
}

// Of two builds of a commit the other was faster, and the registry makes names immutable.
#[test]
fn a_refused_second_push_of_a_commit_is_no_error() {
    let mut yard = Yard::new();
    yard.build();
    let refuses = "docker \"$@\" || exit\ncase $1 in push) echo 'denied: the tag is immutable' >&2; exit 1 ;; esac";
    let client = yard._programs.script("docker-that-is-refused", refuses);
    yard.checkout.set("DOCKER", &client);
    let digest = yard.push();
    assert_eq!((yard.served("master"), yard.served(&yard.checkout.head()[..8])), (Some(digest.clone()), Some(digest)));
}

#[test]
fn a_registry_with_a_login_is_pushed_to_with_docker_s_login_or_one_of_its_own() {
    let mut yard = Yard::with(Access::Login, Memory::Disk);
    yard.checkout.set("TRIES", "5"); // a refusal is an answer: it is not asked again
    yard.build();
    let refused = yard.checkout.make(&["push"]).badly();
    assert!(refused.contains("authentication required") || refused.contains("unauthorized"), "{refused}");
    assert!(!refused.contains("trying again"), "{refused}");

    yard.checkout.set("REGISTRY_USER", USER);
    yard.checkout.set("REGISTRY_PASSWORD", "wr0ng");
    let wrong = yard.checkout.make(&["push"]).badly();
    assert!(wrong.contains(&format!("as {USER}")) && !wrong.contains("wr0ng"), "{wrong}");
    yard.checkout.set("REGISTRY_PASSWORD", PASSWORD);
    let said = yard.checkout.make(&["push"]).well();
    assert!(!said.contains(PASSWORD), "{said}");
    let home = std::path::Path::new(&yard._programs.file("home")).join("config.json");
    assert!(!home.exists(), "the login is forgotten");

    // A person's own login, made before.
    yard.checkout.unset("REGISTRY_USER");
    let host = yard.repository.split('/').next().unwrap().to_owned();
    let mut login = yard.checkout.command("docker");
    login.args(["login", "-u", USER, "-p", PASSWORD, &host]);
    pilot_tests::command::run(&mut login).well();
    yard.push();
}

#[test]
fn an_older_build_that_ends_late_does_not_move_the_branch_back() {
    let yard = Yard::new();
    let _origin = yard.checkout.with_origin();
    let (old, _) = yard.pushed("the older");
    yard.checkout.git(&["push", "-q", "origin", "HEAD"]);
    let (new, digest) = yard.pushed("the newer");
    yard.checkout.git(&["push", "-q", "origin", "HEAD"]);
    yard.push();
    assert_eq!(yard.served("master"), Some(digest.clone()));

    // Its job starts again, or ends only now.
    yard.checkout.git(&["reset", "-q", "--hard", &old]);
    let said = yard.checkout.make(&["push"]).well();
    assert!(said.contains(&format!("stays where it is: at origin master is {new}")), "{said}");
    assert_eq!(yard.served("master"), Some(digest));
    assert!(said.lines().last().unwrap().starts_with("IMAGE="), "its own digest is told all the same: {said}");
}

#[test]
fn origin_is_asked_and_must_answer() {
    let yard = Yard::new();
    let origin = yard.checkout.with_origin();
    yard.checkout.git(&["checkout", "-q", "-b", "not-at-origin"]);
    yard.checkout.commit("not pushed to git");
    yard.build();
    let said = yard.checkout.make(&["push"]).well();
    assert!(said.contains("origin has no not-at-origin; its tag moves without asking"), "{said}");
    drop(origin);
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("git cannot ask origin where not-at-origin is"), "{said}");
    assert!(yard.checkout.scratch.lines("image.env").is_empty());
}

// A private repository: Jenkins fetches it with a credential that it does not hand to the build.
#[test]
fn an_origin_that_wants_a_login_is_asked_once_and_told() {
    let mut yard = Yard::new();
    let origin = Scripted::start(|_| Reply::Answer {
        status: 401,
        head: "WWW-Authenticate: Basic realm=\"git\"\r\n".into(),
        body: String::new(),
        after: Duration::ZERO,
    });
    yard.checkout.git(&["remote", "add", "origin", &format!("http://127.0.0.1:{}/myorg/app.git", origin.port())]);
    yard.checkout.set("TRIES", "5");
    yard.build();
    let said = yard.checkout.make(&["push"]).badly();
    assert!(said.contains("`git ls-remote origin` has to work for who pushes"), "{said}");
    assert!(said.contains("could not read Username") && !said.contains("trying again"), "{said}");
    assert_eq!(yard.served("master"), None);
}

// The whole way of a name that somebody chose to do harm: git, make, the builder's labels, the registry, origin.
#[test]
fn a_branch_whose_name_is_a_command_is_built_and_pushed_like_any_other() {
    let yard = Yard::new();
    let _origin = yard.checkout.with_origin();
    let branch = "x$(touch${IFS}pwned)`id>f`;>f'\"";
    yard.checkout.git(&["checkout", "-q", "-b", branch]);
    yard.checkout.git(&["push", "-q", "origin", "HEAD"]);
    yard.build();
    let said = yard.checkout.make(&["push"]).well();
    assert!(!said.contains("moves without asking"), "origin was asked for this very name: {said}");
    let tag = "x-touch-IFS-pwned-id-f-f-";
    assert_eq!(yard.served(tag), yard.served(&yard.checkout.head()[..8]));
    let labels = yard.engine.inspect(&format!("{}:{tag}", yard.repository))["Config"]["Labels"].clone();
    assert_eq!(labels["org.opencontainers.image.ref.name"], branch);
    for file in ["pwned", "f"] {
        assert!(!yard.checkout.path().join(file).exists(), "{file}");
    }
}

#[test]
fn a_pull_request_s_merge_has_the_pull_request_s_name_only() {
    let mut yard = Yard::new();
    let _origin = yard.checkout.with_origin();
    yard.checkout.git(&["checkout", "-q", "-b", "theirs"]);
    let theirs = yard.checkout.commit("of the pull request");
    yard.checkout.git(&["push", "-q", "origin", "HEAD:refs/pull/7/head"]);
    yard.checkout.git(&["checkout", "-q", "--detach", "master"]);
    yard.checkout.git(&["merge", "-q", "--no-ff", "-m", "preview", &theirs]);
    yard.checkout.set("ghprbPullId", "7");
    yard.checkout.set("ghprbActualCommit", &theirs);
    yard.checkout.set("GIT_BRANCH", "master");
    yard.build();
    yard.push();
    assert_eq!(yard.registry.tags("myrepo/app"), ["pr-7"]);

    // The author pushes another commit; the older merge is not worth a name any more.
    yard.checkout.git(&["push", "-q", "-f", "origin", "master:refs/pull/7/head"]);
    yard.checkout.git(&["update-ref", "refs/pull/7/head", "master"]);
    let newer = yard.checkout.git(&["commit-tree", "-m", "newer", "HEAD^{tree}"]);
    yard.checkout.git(&["push", "-q", "-f", "origin", &format!("{newer}:refs/pull/7/head")]);
    let said = yard.checkout.make(&["push"]).well();
    assert!(said.contains("stays where it is: at origin pull/7 is") && !said.contains("IMAGE="), "{said}");
}

#[test]
fn a_version_is_given_once_and_to_a_digest() {
    let yard = Yard::new();
    let release = |words: &[&str]| yard.checkout.make(&[&["release"], words].concat());
    let (_, first) = yard.pushed("good enough");
    let said = release(&["VERSION=1.0.0"]).well();
    assert!(said.ends_with(&format!("IMAGE={}@{first}", yard.repository)), "{said}");
    assert_eq!(yard.served("1.0.0"), Some(first.clone()));
    assert!(release(&["VERSION=1.0.0"]).well().contains("already"), "asked again it is content");

    let (hash, second) = yard.pushed("better");
    assert!(release(&["VERSION=1.0.0"]).badly().contains("a version is given once"));
    assert_eq!(yard.served("1.0.0"), Some(first.clone()));
    let image = format!("IMAGE={}@{first}", yard.repository);
    release(&["VERSION=1.0.1", &image]).well();
    assert_eq!((yard.served("1.0.1"), yard.served("master")), (Some(first), Some(second)));

    for wrong in ["", "1.0", "v1.0.0", "latest", "1.0.0 ", "1.0.0;id", "$(id)"] {
        let mut make = yard.checkout.command("make");
        make.args(["-s", "release"]).env("VERSION", wrong);
        assert!(pilot_tests::command::run(&mut make).badly().contains("is not a version"), "{wrong}");
    }
    let by_tag = format!("IMAGE={}:{hash}", yard.repository);
    assert!(release(&["VERSION=1.0.2", &by_tag]).badly().contains("Names that move are not taken"));
    yard.checkout.commit("not pushed");
    assert!(release(&["VERSION=1.0.2"]).badly().contains("make push"));
}

#[test]
fn a_version_for_another_architecture_has_a_name_of_its_own() {
    let yard = Yard::new();
    let (hash, _) = yard.pushed("for both");
    let release = |words: &[&str]| yard.checkout.make(&[&["release", "VERSION=1.0.0"], words].concat());
    assert!(
        release(&["ARCH=arm64"]).badly().contains(&format!("the registry has no {}:{hash}-arm64", yard.repository))
    );
    // As `make build push ARCH=arm64` leaves it; that it does is in `slow_images.rs`.
    let folder = Scratch::new();
    folder.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /arm64\n");
    let other = format!("{}:{hash}-arm64", yard.repository);
    yard.engine.docker(&["build", "-q", "-t", &other, &folder.path().display().to_string()]).well();
    yard.engine.docker(&["push", "-q", &other]).well();
    release(&[]).well();
    release(&["ARCH=arm64"]).well();
    assert_eq!(yard.served("1.0.0"), yard.served(&hash));
    assert_eq!(yard.served("1.0.0-arm64"), yard.served(&format!("{hash}-arm64")));
    assert_ne!(yard.served("1.0.0"), yard.served("1.0.0-arm64"));
}

// Somebody who joins the images of two architectures releases the list, not the half that this machine would take.
#[test]
fn a_list_of_images_is_released_as_a_whole() {
    let yard = Yard::new();
    let (hash, part) = yard.pushed("in a list");
    let (list, image) = (format!("{}:list", yard.repository), format!("{}:{hash}", yard.repository));
    yard.engine.docker(&["manifest", "create", "--insecure", &list, &image]).well();
    let digest = yard.engine.docker(&["manifest", "push", "--insecure", &list]).well();
    assert_ne!(digest, part);
    yard.checkout.make(&["release", "VERSION=1.0.0", &format!("IMAGE={}@{digest}", yard.repository)]).well();
    assert_eq!(yard.served("1.0.0"), Some(digest));
}

#[test]
fn only_a_digest_of_a_commit_of_master_is_deployed() {
    let yard = Yard::new();
    let _origin = yard.checkout.with_origin();
    // The stacks' script, which is not this test's matter, says what it was given.
    yard.checkout.scratch.script("scripts/stack.sh", "echo stack: \"$@\"");
    let (hash, digest) = yard.pushed("of master");
    yard.checkout.git(&["push", "-q", "origin", "HEAD"]);
    yard.checkout.git(&["fetch", "-q"]);
    let image = format!("{}@{digest}", yard.repository);
    let deploy = |words: &[&str]| yard.checkout.make(&[&["deploy"], words].concat());
    let given = format!("stack: image {image}");
    assert!(deploy(&[&format!("IMAGE={image}")]).well().ends_with(&given));
    assert!(deploy(&[&format!("TAG={hash}")]).well().ends_with(&given));
    // The next commit of master is not built yet; the newest one that is, is taken.
    yard.checkout.commit("not built");
    assert!(deploy(&[]).well().ends_with(&given));

    for moving in ["TAG=master", "TAG=latest", &format!("IMAGE={}:{hash}", yard.repository), "IMAGE=x@sha256:00"] {
        let said = deploy(&[moving]).badly();
        assert!(said.contains("that move"), "{moving}: {said}");
    }
    yard.checkout.git(&["checkout", "-q", "-b", "evil"]);
    let (_, elsewhere) = yard.pushed("not of master");
    let said = deploy(&[&format!("IMAGE={}@{elsewhere}", yard.repository)]).badly();
    assert!(said.contains("which origin/master does not have"), "{said}");
}

#[test]
fn the_repository_has_to_be_said() {
    let checkout = Checkout::new();
    for target in ["push", "deploy"] {
        let said = checkout.make(&[target]).badly();
        assert!(said.contains(&format!("REPO=myrepo/app make {target}")), "{said}");
    }
    for wrong in ["My/App", "a/b c", "a/b;id", "/a", "a//b", "a/$(id)", "-a/b:tag x"] {
        let mut make = checkout.command("make");
        let said =
            pilot_tests::command::run(make.args(["-s", "build"]).env("REPO", wrong).env("DOCKER", "/nonexistent"));
        assert!(said.badly().contains("is not a repository's name"), "{wrong}");
    }
}

#[test]
fn signing_says_what_it_lacks() {
    let yard = Yard::new();
    let sign = |words: &[&str]| yard.checkout.make(&[&["sign"], words].concat()).badly();
    assert!(sign(&[]).contains("make push prints it"));
    let image = format!("IMAGE={}@sha256:{}", yard.repository, "0".repeat(64));
    assert!(sign(&[&image]).contains("COSIGN_KEY names the key"));
}
