# What the application does in one task of its own, with what the service has: migrations before any task of a new image serves,
# and the end of a branch's database. Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154,SC2016  # they share $work; the backquotes are JMESPath's

# migrate NAME IMAGE: the service is not touched. When the migration fails, the change set is dropped and the script ends: the old
# version serves on. So a migration must leave tables that the version before it can use.
migrate() {
    note "$1: migrating the database with $2"
    not_migrated='the migration failed, and nothing was deployed'
    service_of "$1" || die "$not_migrated: the stack has no service"
    as_the_service "$not_migrated" "$1" migration "\`\"$2\"\`" '[`"migrate"`]'
    note 'the database is migrated'
}

# drop_schema NAME SCHEMA: by the branch's own login, which has no right over another's. Its tasks still run; they have nothing to
# write any more.
drop_schema() {
    note "$1: dropping the database $2"
    as_the_service "the database $2 is still there" "$1" drop image "[\`\"drop\"\`,\`\"$2\"\`]"
}

# as_the_service FAILED NAME WHAT IMAGE COMMAND: the service's own task definition with another image (JMESPath) and another command: the
# same network, secrets and roles. $cluster and $service are known.
as_the_service() {
    why_not=$1
    output_of "$2" TaskDefinition
    definition=$value
    # What always has a value stands last: lines without one are taken out, and no comma may be left over.
    shape='taskDefinition.{executionRoleArn: executionRoleArn, taskRoleArn: taskRoleArn,
        networkMode: networkMode, requiresCompatibilities: requiresCompatibilities, cpu: cpu, memory: memory, runtimePlatform: runtimePlatform,
        containerDefinitions: containerDefinitions[?name==`"app"`].{image: '$4', essential: `true`, entryPoint: [`"/bin/app"`], command: '$5',
        user: user, readonlyRootFilesystem: readonlyRootFilesystem, linuxParameters: linuxParameters, environment: environment, secrets: secrets,
        logConfiguration: logConfiguration, name: name}, family: join(`"-"`, [family, `"'$3'"`])}'
    what=$3
    to_file task.json ecs describe-task-definition --task-definition "$definition" --query "$shape"
    to_file network.json ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].networkConfiguration'
    ask ecs describe-services --cluster "$cluster" --services "$service" --query 'services[0].[launchType,capacityProviderStrategy[0].capacityProvider]'
    # On Spot AWS may take a task back, and half a migration is worse than a dear one.
    case $answer in
    *FARGATE*) set -- --launch-type FARGATE ;;
    None*) set -- --capacity-provider-strategy "capacityProvider=${answer#*	}" ;;
    *) set -- --launch-type "${answer%%	*}" ;;
    esac
    ask ecs register-task-definition --cli-input-json "file://$work/task.json" --query taskDefinition.taskDefinitionArn
    run_task "$why_not" "$(log_option group)" "$(log_option stream-prefix)/app" "$cluster" \
        --task-definition "$answer" --started-by "$what" "$@" --network-configuration "file://$work/network.json"
}
to_file() {
    file=$work/$1
    shift
    aws "$@" --output json >"$file.all" 2>"$work/complaint" || die "aws $1 $2: $(in_aws_words)"
    sed '/: null,$/d' "$file.all" >"$file" # which the client says itself and does not take back
}
log_option() { sed -n 's/.*"awslogs-'"$1"'": *"\([^"]*\)".*/\1/p' "$work/task.json"; }
