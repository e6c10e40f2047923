# The migrations of an image, in one task, before any of its tasks serve. Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154,SC2016  # they share $work, $POLL; the backquotes are JMESPath's

MIGRATION_SECONDS=${MIGRATION_SECONDS:-900}

# migrate NAME IMAGE: the service's own task definition with another image and another command: the same network, secrets and
# roles. The service is not touched. When the migration fails, the change set is dropped and the script ends: the old version
# serves on. So a migration must leave tables that the version before it can use.
migrate() {
    note "$1: migrating the database with $2"
    service_of "$1" || not_migrated "the stack has no service"
    output_of "$1" TaskDefinition
    definition=$value
    # What always has a value stands last: lines without one are taken out, and no comma may be left over.
    shape='taskDefinition.{executionRoleArn: executionRoleArn, taskRoleArn: taskRoleArn,
        networkMode: networkMode, requiresCompatibilities: requiresCompatibilities, cpu: cpu, memory: memory, runtimePlatform: runtimePlatform,
        containerDefinitions: containerDefinitions[?name==`"app"`].{image: `"'$2'"`, essential: `true`, entryPoint: [`"/bin/app"`], command: [`"migrate"`],
        user: user, readonlyRootFilesystem: readonlyRootFilesystem, linuxParameters: linuxParameters, environment: environment, secrets: secrets,
        logConfiguration: logConfiguration, name: name}, family: join(`"-"`, [family, `"migration"`])}'
    to_file task.json ecs describe-task-definition --task-definition "$definition" --query "$shape"
    to_file network.json ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].networkConfiguration'
    ask ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].[launchType,capacityProviderStrategy[0].capacityProvider]'
    case $answer in
    None*) set -- "$1" "$2" --capacity-provider-strategy "capacityProvider=${answer#*	}" ;;
    *) set -- "$1" "$2" --launch-type "${answer%%	*}" ;;
    esac
    ask ecs register-task-definition --cli-input-json "file://$work/task.json" --query taskDefinition.taskDefinitionArn
    shift 2
    ask ecs run-task --cluster "$cluster" --task-definition "$answer" --count 1 --started-by migration "$@" \
        --network-configuration "file://$work/network.json" --query '[tasks[0].taskArn,failures[0].reason]'
    task=${answer%%	*}
    [ "$task" != None ] || not_migrated "it could not be started: ${answer#*	}"
    deadline=$(($(date +%s) + MIGRATION_SECONDS))
    while :; do
        ask ecs describe-tasks --cluster "$cluster" --tasks "$task" --query 'tasks[0].[lastStatus,containers[0].exitCode,stoppedReason]'
        case $answer in
        "STOPPED	0	"*) break ;;
        STOPPED*)
            why_not_migrated "$task"
            not_migrated "$(printf '%s' "$answer" | awk -F '\t' '{ print ($2 == "None" ? "it never began" : "exit code " $2) ", " $3 }')"
            ;;
        esac
        [ "$(date +%s)" -lt "$deadline" ] || not_migrated "it has not ended after $MIGRATION_SECONDS s and goes on: $task"
        sleep "$POLL"
    done
    note 'the database is migrated'
}
to_file() {
    file=$work/$1
    shift
    aws "$@" --output json >"$file.all" 2>"$work/complaint" || die "aws $1 $2: $(in_aws_words)"
    sed '/: null,$/d' "$file.all" >"$file" # which the client says itself and does not take back
}

not_migrated() {
    drop_change_set
    die "the migration failed, and nothing was deployed: $1"
}

# The end of what it said: awslogs-stream-prefix/container/id of the task.
why_not_migrated() {
    group=$(sed -n 's/.*"awslogs-group": *"\([^"]*\)".*/\1/p' "$work/task.json")
    stream=$(sed -n 's/.*"awslogs-stream-prefix": *"\([^"]*\)".*/\1/p' "$work/task.json")/app/${1##*/}
    aws logs get-log-events --log-group-name "$group" --log-stream-name "$stream" --limit 20 --query 'events[].[message]' --output text 2>/dev/null |
        sed 's/^/  /' >&2 || true
}
