# What push, release and deploy say to a registry. Read by them (`. scripts/registry.sh`), not run.
#
# skopeo reads and retags: it tells "not there" from "cannot be asked", never changes a digest, and can fetch an image
# whole without the engine's store in between. Only `docker push` writes layers.
# shellcheck shell=sh disable=SC2034,SC2154  # they share $script, $repository, $digest, $label, $image, $why

DOCKER=${DOCKER:-docker}
REVISION=org.opencontainers.image.revision

die() {
    printf '%s: %s\n' "$script" "$*" >&2
    exit 1
}
note() { printf '%s\n' "$*"; }

# $REPO, which for a registry is more than the Makefile's default.
needs_repository() {
    repository=${REPO:-app}
    case $repository in */*) ;; *) die "set REPO to the repository: REPO=myrepo/app make $script" ;; esac
    valid_repository "$repository" || die "REPO=$repository is not a repository's name"
}

needs_skopeo() {
    command -v skopeo >/dev/null 2>&1 || die 'skopeo is missing; it reads back what the registry serves: apt-get install skopeo'
}

# A registry's part of a name is what stands before the first slash, if that has a dot, a colon or is localhost.
valid_repository() {
    case $1 in
    *@* | *[!a-zA-Z0-9._:/-]* | '' | /* | */ | *//*) return 1 ;;
    esac
    case ${1#*/} in *[!a-z0-9._/-]*) return 1 ;; esac
}

# read_image IMAGE: sets $repository and $image, its digest; dies if it is not given by its digest.
read_image() {
    repository=${1%%@*}
    image=${1#*@}
    digest=$(printf '%s\n' "$image" | grep -Ex 'sha256:[0-9a-f]{64}' || true)
    [ "$digest" = "$image" ] && valid_repository "$repository" && return
    die "IMAGE=$1 is not repository@sha256:... with 64 hex digits. Mutable tags are not accepted; make push prints the digest"
}

# ecr_region: sets $ecr_region to the region of the registry's name, if it is one of Amazon ECR; answers 1 if it is not.
ecr_region() {
    ecr_region=$(printf '%s\n' "${repository%%/*}" | sed -n -E 's/^[0-9]{12}\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/\2/p')
    [ -n "$ecr_region" ]
}

# Logs in, in a folder of its own, and logs out when the script ends: with $REGISTRY_USER and $REGISTRY_PASSWORD; at Amazon ECR as
# whoever awscli is (a role, a profile), with a token that AWS gives for twelve hours. Else docker's own logins count.
# What a script calls is logged in as well.
log_in() {
    [ -z "${REGISTRY_LOGIN:-}" ] || return 0
    if [ -z "${REGISTRY_USER:-}" ]; then
        ecr_region || return 0
        command -v aws >/dev/null 2>&1 || die "${repository%%/*} is Amazon ECR, and aws, which gets its token, is missing: pip3 install awscli"
        insist aws ecr get-login-password --region "$ecr_region" || die "no token for ${repository%%/*}: $why"
        REGISTRY_USER=AWS
        REGISTRY_PASSWORD=$said
        said=''
    fi
    registry=${repository%%/*}
    case $registry in *.* | *:* | localhost) ;; *) registry='' ;; esac
    login_folder=$(mktemp -d)
    DOCKER_CONFIG=$login_folder
    REGISTRY_LOGIN=$registry
    export DOCKER_CONFIG REGISTRY_LOGIN
    # scripts/stack.sh has a trap of its own, which logs out.
    if [ "$script" != stack ]; then
        trap log_out EXIT
        trap 'exit 1' HUP INT TERM
    fi
    insist log_in_to "$registry" || die "no login to ${registry:-Docker Hub} as $REGISTRY_USER: $why"
}
log_out() { [ -z "${login_folder:-}" ] || rm -rf "$login_folder"; }
log_in_to() { printf '%s' "${REGISTRY_PASSWORD:-}" | "$DOCKER" login --username "$REGISTRY_USER" --password-stdin ${1:+"$1"}; }

# skopeo VERB..., with docker's logins; without TLS for registries on this machine, as docker does it too.
skopeo_for() {
    tls=true
    case $repository in localhost:* | localhost/* | 127.*) tls=false ;; esac
    verb=$1
    shift
    [ ! -f "${DOCKER_CONFIG:-}/config.json" ] || set -- --authfile "$DOCKER_CONFIG/config.json" "$@"
    # All of a list of images, where the digest is that of a list: part of it has another digest.
    case $verb in
    copy) skopeo copy -q --all --src-tls-verify=$tls --dest-tls-verify=$tls "$@" ;;
    fetch) skopeo copy -q --all --src-tls-verify=$tls "$@" ;;
    inspect) skopeo inspect --no-tags --tls-verify=$tls "$@" ;;
    esac
}

# Runs a command up to TRIES times, 1, 2, 4, 8 seconds apart. Being refused is an answer, not a failure to ask.
# What it writes to stderr is shown once, after the last try; its stdout is kept in $said.
insist() {
    pause=1
    tries=${TRIES:-5}
    complaint=$(mktemp)
    while :; do
        if said=$("$@" 2>"$complaint"); then
            rm -f "$complaint"
            return 0
        fi
        tries=$((tries - 1))
        if [ "$tries" -le 0 ] || grep -Eqi "$FINAL" "$complaint"; then
            why=$(in_plain_words 3)
            rm -f "$complaint"
            return 1
        fi
        note "  failed, retrying in $pause s: $(in_plain_words 1)" >&2
        sleep "$pause"
        pause=$((pause * 2))
    done
}
# The last lines of a complaint, without what skopeo puts around its sentences.
in_plain_words() { tail -n "$1" "$complaint" | sed -E 's/^time="[^"]*" level=[a-z]+ msg="(.*)"$/\1/; s/\\"/"/g'; }
# What the registry's or git's last words mean.
NOT_THERE='manifest unknown|name unknown|not known to registry|requested image not found'
REFUSED='unauthorized|unable to locate credentials|accessdenied|expiredtoken|authentication required|authentication failed|no basic auth|could not read username|denied|immutable'
FINAL="$NOT_THERE|$REFUSED"

# digest_of TAG-OR-DIGEST: sets $digest to what the registry serves under it, empty if there is none. Dies if it cannot say.
digest_of() {
    digest=''
    case $1 in sha256:*) name=$repository@$1 ;; *) name=$repository:$1 ;; esac
    if insist skopeo_for inspect --format '{{.Digest}}' "docker://$name"; then
        digest=$said
    elif ! printf '%s' "$why" | grep -Eqi "$NOT_THERE"; then
        die "the registry cannot say what $name is: $why"
    fi
}

# label_of DIGEST LABEL: sets $label.
label_of() {
    insist skopeo_for inspect --format "{{index .Labels \"$2\"}}" "docker://$repository@$1" ||
        die "$repository@$1 cannot be read: $why"
    label=$said
}

# Fetches manifest, configuration and every layer, and compares each with its digest. A registry whose garbage was
# collected while it ran accepts a push, lists the tag, and does not have the bytes.
serves() {
    folder=$(mktemp -d)
    fetched=yes
    insist skopeo_for fetch "docker://$repository@$1" "dir:$folder" || fetched=no
    rm -rf "$folder"
    [ "$fetched" = yes ]
}

# point TAG DIGEST: the tag names the digest from now on; read back.
point() {
    insist skopeo_for copy "docker://$repository@$2" "docker://$repository:$1" ||
        die "$repository:$1 could not be written: $why"
    digest_of "$1"
    [ "$digest" = "$2" ] || die "the registry serves ${digest:-nothing} as $repository:$1, not $2 which was written"
}
