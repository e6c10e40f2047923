#!/bin/sh
# The stacks on AWS: what would change, changing it, proving what runs, looking, deleting. docs/operate/stacks.md is for people.
#
#   scripts/stack.sh plan [STACK...]   what `up` would change; changes nothing
#   scripts/stack.sh up [STACK...]     makes the base stacks that are missing, and brings this branch's to its settings.
#                                      With words: those stacks. `all` is all base stacks and the branch's
#   scripts/stack.sh image REPO@sha256:...   that image: its migrations, then the service, then the proof. COMMIT= is what
#                                      it was built from, by default what its label says. An older one only with BACK=1
#   scripts/stack.sh logins [REPO@sha256:...]   the database's users, with the passwords that their secrets say now; the first
#                                      image makes them by itself. `logins discard-old`: only those passwords from now on
#   scripts/stack.sh scale N           at least N containers from now on
#   scripts/stack.sh verify            is what runs what the stack says?
#   scripts/stack.sh status            all stacks and what runs
#   scripts/stack.sh down              deletes this branch's stack and its database; production's and the base stacks never
#   scripts/stack.sh expire [DAYS]     the same with every branch's stack that nobody has changed for DAYS (14)
#
# A database or a load balancer is replaced or removed only with --allow-replace as the first word after the verb.
# ENVIRONMENT=production|staging|review; without it master is production and any other branch under review.
# Exit codes: 0 done, 1 refused or could not, 2 wrong words, 3 nothing to do, 4 AWS rolled back, 5 something else runs.
set -eu

script=stack
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh
# shellcheck source=scripts/stack-aws.sh
. scripts/stack-aws.sh
# shellcheck source=scripts/stack-parameters.sh
. scripts/stack-parameters.sh
# shellcheck source=scripts/stack-change.sh
. scripts/stack-change.sh
# shellcheck source=scripts/stack-image.sh
. scripts/stack-image.sh
# shellcheck source=scripts/stack-task.sh
. scripts/stack-task.sh
# shellcheck source=scripts/stack-migrate.sh
. scripts/stack-migrate.sh
# shellcheck source=scripts/stack-logins.sh
. scripts/stack-logins.sh
# shellcheck source=scripts/stack-verify.sh
. scripts/stack-verify.sh

usage() {
    sed -n '2,/^set -eu/s/^# \{0,1\}//p' scripts/stack.sh >&2
    exit 2
}

slug=$(scripts/tags.sh stack)
[ -n "$slug" ] || die 'cannot tell which branch this is; set BRANCH=name'
environment=${ENVIRONMENT:-}
[ -n "$environment" ] || case $slug in master) environment=production ;; *) environment=review ;; esac
# At most four letters: a target group's name begins with the first five of its stack's, and roles go by names.
case $environment in
production | review) prefix=app ;;
staging) prefix=stg ;;
*) die "ENVIRONMENT=$environment is not production, staging or review" ;;
esac
[ "$environment" != production ] || [ "$slug" = master ] || die "only master is production, and this is $slug (BRANCH=)"
stack=$prefix-$slug
BASE='network alerts registry alb database'
OPTIONS='logins consul ci-role ec2-capacity'

name_of() { case $1 in service) printf '%s' "$stack" ;; *) printf 'base-%s-%s' "$prefix" "$1" ;; esac }

# What plan and up are about: the words, or what is usual.
chosen() {
    for word; do
        case " $BASE $OPTIONS service all " in *" $word "*) ;; *) die "there is no stack $word: $BASE $OPTIONS service all" ;; esac
    done
    case " $* " in
    *' all '*) wanted="$BASE service" ;;
    *) wanted=${*:-$BASE service} ;;
    esac
    named=$*
}

# A base stack that is there is everybody's: an `up` without words leaves it alone.
left_alone() {
    [ -z "$named" ] && [ "$1" != service ] && ! never_was
}

plan() {
    chosen "$@"
    code=3
    for template in $wanted; do
        name=$(name_of "$template")
        stack_status "$name"
        case $status in
        absent | REVIEW_IN_PROGRESS)
            note "$name would be made from $template.yaml"
            code=0
            continue
            ;;
        esac
        keep=image
        write_parameters "$template" "$name"
        if change_set "$template" "$name"; then
            code=0
            drop_change_set
        else
            note "$name: nothing to change"
        fi
    done
    return $code
}

up() {
    chosen "$@"
    code=3
    for template in $wanted; do
        name=$(name_of "$template")
        stack_status "$name"
        left_alone "$template" && continue
        if [ "$template" = logins ] && never_was; then without_an_image "$name"; fi
        if [ "$template" = service ] && never_was; then
            [ -n "${IMAGE:-}" ] || {
                output_of "$(name_of registry)" RepositoryUri
                note "$name is created with its first image: REPO=${value:-...} make build push update-stack"
                continue
            }
            image "$IMAGE" || return
            code=0
            continue
        fi
        keep=image
        write_parameters "$template" "$name"
        if change_set "$template" "$name"; then
            carry_out
            protect "$template" "$name"
            [ "$template" != service ] || verify "$name" || return
            code=0
        else
            note "$name: nothing to change"
        fi
    done
    return $code
}

scale() {
    case ${1:-} in '' | *[!0-9]* | 0*) die 'CONTAINERS must be a number, 1 or more' ;; esac
    stack_status "$stack"
    [ "$status" != absent ] || die "there is no stack $stack"
    keep=all
    parameter_of "$stack" MaxContainers
    most=$value
    if [ "$1" -gt "$most" ]; then most=$1; fi
    write_parameters service "$stack" "Containers=$1" "MaxContainers=$most"
    change_set service "$stack" || { note "$stack: it has at least $1 already"; return 3; }
    carry_out
    note "$stack: at least $1 containers, at most $most"
}

status() {
    for template in $BASE $OPTIONS service; do
        name=$(name_of "$template")
        stack_status "$name"
        case " $OPTIONS " in *" $template "*) [ "$status" != absent ] || continue ;; esac
        printf '%-24s %s\n' "$name" "$status"
    done
    [ "$status" != absent ] || return 0
    for key in Url Commit ImageUri PreviousImageUri; do
        output_of "$stack" "$key"
        printf '  %-18s %s\n' "$key" "$value"
    done
    ! running_of "$stack" || printf '  %-18s %s of %s\n' containers "$running" "$desired"
}

down() {
    [ "$environment" = review ] || die "$stack is $environment and is not deleted by a script (docs/operate/stacks.md says how)"
    stack_status "$stack"
    case $status in
    absent)
        note "there is no $stack"
        return 3
        ;;
    *_IN_PROGRESS) [ "$status" = REVIEW_IN_PROGRESS ] || die "$stack is $status: another operation is in progress" ;;
    esac
    parameter_of "$stack" DatabaseName
    schema=$value
    # A stack that was never whole has no service to do it with. Whatever keeps the task from it does not keep the stack.
    dropped=no
    if [ -n "$schema" ] && service_of "$stack"; then
        (drop_schema "$stack" "$schema") && dropped=yes
    fi
    delete "$stack"
    case $dropped in
    yes) note "$stack is deleted, and its database $schema" ;;
    *) note "$stack is deleted.${schema:+ Its tables are still in the database: DROP DATABASE $schema}" ;;
    esac
}

# What is under review for long is forgotten. Stacks that were never whole count from their creation.
expire() {
    days=${1:-14}
    case $days in '' | *[!0-9]* | 0*) die "DAYS must be a number, 1 or more, not $days" ;; esac
    [ "$environment" != staging ] || die 'branches under review belong to production'"'"'s environment; run it without ENVIRONMENT=staging'
    environment=review
    oldest=$(date -u -d "-$days days" +%Y-%m-%dT%H:%M:%S)
    # What is being changed or deleted is not listed, nor is a stack inside of another.
    ask cloudformation list-stacks --stack-status-filter CREATE_COMPLETE CREATE_FAILED ROLLBACK_COMPLETE ROLLBACK_FAILED UPDATE_COMPLETE \
        UPDATE_ROLLBACK_COMPLETE UPDATE_ROLLBACK_FAILED DELETE_FAILED \
        --query "StackSummaries[?starts_with(StackName, '$prefix-') && StackName != '$prefix-master'].[StackName, not_null(LastUpdatedTime, CreationTime)]"
    [ "$answer" != None ] || answer=''
    expired=$(printf '%s\n' "$answer" | awk -F '\t' -v oldest="$oldest" 'NF == 2 && substr($2, 1, 19) < oldest { print $1 }')
    [ -n "$expired" ] || { note "no branch's stack is older than $days days"; return 3; }
    failed=''
    for stack in $expired; do
        (down) || failed="$failed $stack"
    done
    [ -z "$failed" ] || die "not deleted:$failed"
}

verb=${1:-}
[ $# -eq 0 ] || shift
allow_replace=no
if [ "${1:-}" = --allow-replace ]; then
    allow_replace=yes
    shift
fi
start
code=0
case $verb in
plan) plan "$@" || code=$? ;;
up) up "$@" || code=$? ;;
image) [ $# -eq 1 ] || usage; image "$1" || code=$? ;;
logins) [ $# -le 1 ] || usage; logins "$@" || code=$? ;;
scale) [ $# -le 1 ] || usage; scale "$@" || code=$? ;;
verify) [ $# -eq 0 ] || usage; verify "$stack" || code=$? ;;
status) [ $# -eq 0 ] || usage; status || code=$? ;;
down) [ $# -eq 0 ] || usage; down || code=$? ;;
expire) [ $# -le 1 ] || usage; expire "$@" || code=$? ;;
*) usage ;;
esac
exit $code
