# Is what runs what was to run? CloudFormation alone has said UPDATE_COMPLETE of a service that ECS had put back.
# Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154,SC2016  # they share $work, $status, $POLL; the backquotes are JMESPath's

# How long what is there may take to become what was to be: old tasks go, the load balancer notices.
VERIFY_SECONDS=${VERIFY_SECONDS:-120}

# verify NAME [IMAGE]: answers 5 and says what is different; without IMAGE, from what the stack itself says.
verify() {
    verified=$1
    deadline=$(($(date +%s) + VERIFY_SECONDS))
    while :; do
        differences "$@" >"$work/differences"
        if [ ! -s "$work/differences" ]; then
            note "$verified runs $expected, commit $commit_expected, in $desired containers: verified"
            return 0
        fi
        [ "$(date +%s)" -lt "$deadline" ] || break
        sleep "$POLL"
    done
    why "$verified"
    printf 'stack: %s does not run what was deployed:\n' "$verified" >&2
    sed 's/^/  /' "$work/differences" >&2
    return 5
}

# Prints a line for each thing that is not as it should be. Sets $expected, $commit_expected and $desired.
differences() {
    stack_status "$1"
    case $status in
    CREATE_COMPLETE | UPDATE_COMPLETE) ;;
    absent) die "there is no stack $1" ;;
    *) echo "the stack is $status" ;;
    esac
    output_of "$1" ImageUri
    expected=$value
    output_of "$1" Commit
    commit_expected=$value
    [ -z "${2:-}" ] || [ "$expected" = "$2" ] || echo "the stack has $expected, not $2"
    [ -z "${2:-}" ] || expected=$2
    output_of "$1" TaskDefinition
    definition=$value
    service_of "$1" || { echo 'the stack has no service'; return 0; }
    ask ecs describe-services --cluster "$cluster" --services "$service" --query \
        'services[0].[taskDefinition,length(deployments),(deployments[?status==`"PRIMARY"`].rolloutState)[0],runningCount,desiredCount]'
    # shellcheck disable=SC2086  # five words
    set -- "$1" $answer
    [ "$2" = "$definition" ] || echo "the service has the task definition $2, the stack $definition: ECS rolled it back"
    [ "$3" = 1 ] || echo "the service has $3 deployments at once"
    [ "$4" = COMPLETED ] || echo "the deployment is $4"
    [ "$5" = "$6" ] || echo "$5 tasks of $6 run"
    desired=$6
    digests_run "$cluster" "$service"
    answers_with_its_commit "$1"
}

# Every task that runs, by the digest that ECS pulled.
digests_run() {
    ask ecs list-tasks --cluster "$1" --service-name "$2" --desired-status RUNNING --query 'taskArns[]'
    [ -n "$answer" ] && [ "$answer" != None ] || { echo 'no task runs'; return; }
    # shellcheck disable=SC2086  # a list of names
    ask ecs describe-tasks --cluster "$1" --tasks $answer --query 'tasks[].containers[?name==`"app"`].[imageDigest][]'
    for found in $answer; do
        [ "$found" = "${expected#*@}" ] || echo "a task runs the image $found, not ${expected#*@}"
    done
}

# Through the load balancer, as everybody does.
answers_with_its_commit() {
    output_of "$1" Url
    url=$value
    version=$(curl -sS --max-time 10 "$url/version" 2>&1) || true
    case $version in
    *"\"git_hash\":\"$commit_expected\""*) ;;
    *) echo "$url/version says $(printf '%s' "$version" | head -c 200), not commit $commit_expected" ;;
    esac
    # The load balancer asks only whether a task is alive; that it does its work, with its database, is asked here.
    ready=$(curl -sS --max-time 10 -o /dev/null -w '%{http_code}' "$url/ready" 2>/dev/null) || true
    [ "$ready" = 200 ] || echo "$url/ready says ${ready:-nothing}: it does not reach its database, or has not migrated it"
}
