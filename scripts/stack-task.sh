# One task that ends by itself, and what came of it. Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154  # they share $POLL

# The longest that a task is waited for.
TASK_SECONDS=${TASK_SECONDS:-900}

# run_task FAILED GROUP STREAMS CLUSTER WORDS...: `ecs run-task` with WORDS, until the task has ended with 0. Otherwise this script ends:
# with the last lines of the task, which are in GROUP under STREAMS (its prefix and container), with FAILED and the reason.
run_task() {
    failed=$1
    group=$2
    streams=$3
    cluster=$4
    shift 4
    ask ecs run-task --cluster "$cluster" --count 1 "$@" --query '[tasks[0].taskArn,failures[0].reason]'
    task=${answer%%	*}
    [ "$task" != None ] || die "$failed: it could not be started: ${answer#*	}"
    deadline=$(($(date +%s) + TASK_SECONDS))
    while :; do
        ask ecs describe-tasks --cluster "$cluster" --tasks "$task" --query 'tasks[0].[lastStatus,containers[0].exitCode,stoppedReason]'
        case $answer in
        "STOPPED	0	"*) return ;;
        STOPPED*)
            last_lines_of "$task"
            die "$failed: $(printf '%s' "$answer" | awk -F '\t' '{ print ($2 == "None" ? "it never started" : "exit code " $2) ", " $3 }')"
            ;;
        esac
        [ "$(date +%s)" -lt "$deadline" ] || die "$failed: it is still running after $TASK_SECONDS s: $task"
        sleep "$POLL"
    done
}

last_lines_of() {
    aws logs get-log-events --log-group-name "$group" --log-stream-name "$streams/${1##*/}" --limit 20 --query 'events[].[message]' --output text 2>/dev/null |
        sed 's/^/  /' >&2 || true
}
