# The database's users: made by the task of logins.yaml, which alone is told the administrator's password.
# Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154,SC2034  # they share $prefix, $status, $environment, $keep

# logins [REPO@sha256:... | discard-old]: without an image, with the one that it ran with before.
logins() {
    [ "$environment" != review ] ||
        die "$slug is under review, and the task that creates the database users gets the administrator's password; run it with BRANCH=master or ENVIRONMENT=staging"
    image=''
    command='"logins"'
    case ${1:-} in
    '') ;;
    discard-old) command='"logins", "discard-old"' ;;
    *) read_image "$1" ;;
    esac
    name=$(name_of logins)
    stack_status "$name"
    if never_was && [ -z "$image" ]; then without_an_image "$name"; fi
    keep=image
    write_parameters logins "$name" ${image:+"ImageUri=$1"}
    if change_set logins "$name"; then
        carry_out
        protect logins "$name"
    fi
    # Where the application's tasks are, for the database lets nobody else in.
    output_of "$(name_of network)" PrivateSubnets
    network="subnets=[$value]"
    output_of "$(name_of alb)" ServiceSecurityGroup
    network="awsvpcConfiguration={$network,securityGroups=[$value],assignPublicIp=DISABLED}"
    output_of "$name" TaskDefinition
    definition=$value
    output_of "$name" LogGroup
    group=$value
    output_of "$name" ClusterName
    note "$name: the database's users"
    run_task "the database users could not be created" "$group" app/app "$value" --task-definition "$definition" --launch-type FARGATE \
        --network-configuration "$network" --overrides "{\"containerOverrides\": [{\"name\": \"app\", \"command\": [$command]}]}"
    last_lines_of "$task"
}

without_an_image() { die "$1 needs an image that you trust: scripts/stack.sh logins REPO@sha256:..."; }

# What is under review does not make them.
needs_logins() {
    stack_status "$(name_of logins)"
    ! never_was || die "the database has no users yet; production's first deployment creates them, or an image that you trust:
  BRANCH=master scripts/stack.sh logins REPO@sha256:..."
}
