# What scripts/stack.sh asks AWS, and how it waits. Read by it, not run.
# shellcheck shell=sh disable=SC2034,SC2154  # they share $set, $work, $status, $stack, $prefix, $environment

# Seconds between two looks, and the longest wait for a stack; AWS itself gives up after about three hours.
POLL=${POLL:-5}
STACK_SECONDS=${STACK_SECONDS:-3600}

# Throttled calls are tried again by the client itself.
AWS_RETRY_MODE=standard
AWS_MAX_ATTEMPTS=6
AWS_PAGER=''
export AWS_RETRY_MODE AWS_MAX_ATTEMPTS AWS_PAGER

# Where: what the environment of this process says, else the environment's file. Nothing else names a region.
in_its_region() {
    region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(setting aws Region)}}
    [ -n "$region" ] || die "no region: AWS_REGION, or aws.Region in cloudformation/params/$environment.conf"
    AWS_REGION=$region
    AWS_DEFAULT_REGION=$region
    export AWS_REGION AWS_DEFAULT_REGION
}

# A folder for what goes to AWS and what it says; only we can read it.
start() {
    command -v aws >/dev/null 2>&1 || die 'aws is missing: pip3 install awscli'
    in_its_region
    work=$(mktemp -d)
    trap 'leave' EXIT
    trap 'interrupted' HUP INT TERM
}

# However the script ends, a change set that was not carried out does not stay behind.
leave() {
    if [ -n "$set" ]; then drop_change_set; fi
    log_out
    rm -rf "$work"
}

# ask WORDS...: sets $answer to what AWS says, as lines of tab-separated words; None is nothing. Dies with AWS's own reason.
ask() {
    answer=$(aws "$@" --output text 2>"$work/complaint") || die "aws $1 $2: $(in_aws_words)"
}
in_aws_words() { grep -v '^$' "$work/complaint" | tail -n 3; }

# stack_status NAME: sets $status to CloudFormation's word for it, or to `absent`.
stack_status() {
    if answer=$(aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>"$work/complaint"); then
        status=$answer
    elif grep -q 'does not exist' "$work/complaint"; then
        status=absent
    else
        die "cannot read the state of $1: $(in_aws_words)"
    fi
}

# never_was: whether a stack of $status has never been whole, so that there is nothing in it to keep.
never_was() {
    case $status in
    absent | REVIEW_IN_PROGRESS | CREATE_FAILED | ROLLBACK_COMPLETE | ROLLBACK_FAILED) ;;
    *) false ;;
    esac
}

# output_of NAME KEY and parameter_of NAME KEY set $value, to nothing if there is none. (No `$(...)` around what may die:
# that would end the inner shell only.)
output_of() { value_of "$1" "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]"; }
parameter_of() { value_of "$1" "Stacks[0].Parameters[?ParameterKey=='$2'].ParameterValue | [0]"; }
value_of() {
    ask cloudformation describe-stacks --stack-name "$1" --query "$2"
    value=$answer
    [ "$value" != None ] || value=''
}
# service_of NAME: sets $cluster and $service; fails when the stack has none.
service_of() {
    output_of "$1" ClusterName
    cluster=$value
    output_of "$1" ServiceName
    service=$value
    [ -n "$service" ]
}

# wait_for NAME [absent]: until CloudFormation has ended what it does. Fails when it ended by going back.
wait_for() {
    deadline=$(($(date +%s) + STACK_SECONDS))
    while :; do
        stack_status "$1"
        case $status in
        CREATE_COMPLETE | UPDATE_COMPLETE) return 0 ;;
        absent) [ "${2:-}" = absent ] && return 0 || return 1 ;; # what is deleted has no name any more
        *_IN_PROGRESS) ;;
        *) return 1 ;;
        esac
        [ "$(date +%s)" -lt "$deadline" ] || die "$1 is still $status after $STACK_SECONDS s; AWS continues with it: scripts/stack.sh status"
        sleep "$POLL"
    done
}

# running_of NAME: sets $running and $desired; fails when the stack has no service.
running_of() {
    service_of "$1" || return 1
    ask ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].[runningCount,desiredCount]'
    running=$(printf '%s' "$answer" | cut -f 1)
    desired=$(printf '%s' "$answer" | cut -f 2)
}

# why NAME: what people look up first when something went wrong. Says what it can, and never fails itself.
why() {
    (
        # Nothing here may hide the failure that is being told.
        die() { printf '  (%s)\n' "$*"; exit 0; }
        note "last events of $1:"
        ask cloudformation describe-stack-events --stack-name "$1" --no-paginate \
            --query 'StackEvents[:20].[Timestamp,ResourceStatus,LogicalResourceId,ResourceStatusReason]'
        said "$answer"
        service_of "$1" || exit 0
        note 'last events of the service:'
        ask ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].events[:20].[createdAt,message]'
        said "$answer"
        ask ecs list-tasks --cluster "$cluster" --desired-status STOPPED --no-paginate --query 'taskArns[:10]'
        [ -n "$answer" ] && [ "$answer" != None ] || exit 0
        note 'tasks that stopped, their reason, and their containers with exit codes:'
        # shellcheck disable=SC2086,SC2016  # a list of names; the backquotes are JMESPath's
        ask ecs describe-tasks --cluster "$cluster" --tasks $answer \
            --query 'tasks[].[taskDefinitionArn,stoppedReason,containers[].join(`":"`,[name,to_string(exitCode),not_null(reason,`"-"`)]) | join(`", "`,@)]'
        said "$answer"
    ) >&2
}
said() { [ "$1" = None ] || [ -z "$1" ] || printf '%s\n' "$1" | sed 's/^/  /; s/	None//g; s/	/  /g'; }
