# One image for this branch's service: looked at, migrated, kept in the registry, carried out, proven. Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154,SC2034  # they share $stack, $status, $environment, $keep

# image REPO@sha256:...
image() {
    read_image "$1"
    if ecr_region; then
        needs_skopeo
        log_in
    fi
    commit=${COMMIT:-}
    if [ -z "$commit" ]; then
        needs_skopeo
        label_of "$image" "$REVISION"
        commit=$label
    fi
    printf '%s\n' "$commit" | grep -Eqx '[0-9a-f]{40}' || die "cannot tell which commit $1 was built from; set COMMIT="
    stack_status "$stack"
    if never_was; then
        # Nothing runs that a migration could be kept from: the first tasks make the schema and its tables, one at a time.
        [ "$environment" != review ] || needs_logins
        first=yes
        previous=''
    else
        first=no
        parameter_of "$stack" Commit
        refuse_older "$value" "$commit"
        parameter_of "$stack" ImageUri
        previous=$value
        [ "$previous" != "$1" ] || { parameter_of "$stack" PreviousImageUri; previous=$value; }
    fi
    keep=all
    base_stack CiStack
    [ -n "$value" ] || note "the roles of $stack carry no permissions boundary: there is no base-$prefix-ci-role (docs/operate/stacks.md)"
    write_parameters service "$stack" "ImageUri=$1" "Commit=$commit" "PreviousImageUri=$previous"
    if ! change_set service "$stack"; then
        note "$stack has $1 already"
        keep_in_registry "$previous"
        verify "$stack" "$1" || return
        return 3
    fi
    if [ "$first" = no ]; then
        migrate "$stack" "$1"
    elif [ "$environment" != review ]; then
        # Again if a run before came only half as far. By a script of its own: this one has the service's change set in hand.
        scripts/stack.sh logins "$1" || exit
    fi
    keep_in_registry "$previous"
    carry_out
    protect service "$stack"
    verify "$stack" "$1"
}

# keep_in_registry PREVIOUS: names what is going to run and what ran before, so that ECR's rules (registry.yaml) expire neither:
# they count images, and what production runs may be older than all that they count.
keep_in_registry() {
    ecr_region || return 0
    case $environment in
    review) kept_as=deployed-review-$slug ;;
    *) kept_as=deployed-$environment ;;
    esac
    # What ran before may be gone already; going back to it is then no more possible, and that is all.
    case $1 in
    "$repository@"*) (point "$kept_as-previous" "${1#*@}") || note "$1 could not be kept for a rollback" ;;
    esac
    point "$kept_as" "$image"
}

# refuse_older DEPLOYED NEW: never an older commit over a newer one, unless a person says BACK=1.
refuse_older() {
    [ "${BACK:-}" != 1 ] && [ "${BACK:-}" != true ] || return 0
    [ "$1" != "$2" ] || return 0
    if [ "$environment" = review ]; then
        # A branch's history may have been rewritten; only what is certainly older is refused.
        ! git merge-base --is-ancestor "$2" "$1" 2>/dev/null ||
            die "$2 is older than $1, which is deployed. To go back: BACK=1"
        return 0
    fi
    git rev-parse -q --verify "$1^{commit}" >/dev/null || die "this checkout does not know the commit that is deployed, $1: git fetch"
    git merge-base --is-ancestor "$1" "$2" 2>/dev/null ||
        die "$2 does not contain $1, which is deployed: it is older, or of another branch. To go back: BACK=1"
}
