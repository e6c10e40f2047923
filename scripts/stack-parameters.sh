# What a stack is given: the words of this run, what it has, the stacks next to it, the environment's file; else the
# template's default. Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154  # they share $work, $stack, $prefix, $environment, $slug, $keep, $region

template_parameters() { sed -n '/^Parameters:/,/^[A-Z][a-z]*:$/s/^  \([A-Z][A-Za-z]*\):.*/\1/p' "cloudformation/$1.yaml"; }

# setting STACK KEY: of cloudformation/params; review starts from production's.
setting() {
    case $environment in review) files='production review' ;; *) files=$environment ;; esac
    for file in $files; do
        sed -n "s/^$1\\.$2 *= *//p" "cloudformation/params/$file.conf"
    done | tail -n 1
}

# base_stack KEY: sets $value to the base stack that a parameter such as NetworkStack means, if it is there.
base_stack() {
    value=''
    case $1 in
    NetworkStack) base_template=network ;;
    AlertsStack) base_template=alerts ;;
    RegistryStack) base_template=registry ;;
    AlbStack) base_template=alb ;;
    DatabaseStack) base_template=database ;;
    ConsulStack) base_template=consul ;;
    CiStack) base_template=ci-role ;;
    # Machines are of one cluster, production's or staging's own.
    CapacityStack) [ "$environment" != review ] && base_template=ec2-capacity || return 0 ;;
    *) return 0 ;;
    esac
    stack_status "base-$prefix-$base_template"
    case $status in
    ROLLBACK_COMPLETE) ;;
    *_COMPLETE) value=base-$prefix-$base_template ;;
    esac
}

# of_the_branch KEY: sets $value to what a branch is called, and where.
of_the_branch() {
    value=''
    case $1 in
    HostName)
        output_of "base-$prefix-alb" DomainName
        [ -n "$value" ] || die "there is no load balancer yet: scripts/stack.sh up"
        [ "$slug" = master ] || value=$slug.$value
        ;;
    DatabaseName)
        value=app
        [ "$slug" = master ] || value=app_$(printf '%s' "$slug" | tr - _)
        ;;
    DatabaseLogin) [ "$slug" = master ] || value=Review ;;
    # The tokens of branches may register app-..., and nothing else (consul/acl/review.hcl).
    ServiceName) [ "$slug" = master ] || value=app-$slug ;;
    RulePriority) free_priority ;;
    ContainerPort) output_of "base-$prefix-alb" ContainerPort ;;
    ConsulImageUri)
        base_stack ConsulStack
        [ -z "$value" ] || output_of "$value" ImageUri
        ;;
    esac
}

# A number for the branch's rule that nobody has: from its name, so that it is nearly always the same one.
free_priority() {
    output_of "base-$prefix-alb" HttpsListener
    ask elbv2 describe-rules --listener-arn "$value" --query 'Rules[].Priority'
    priority=$(printf '%s' "$stack" | cksum | awk '{ print $1 % 49000 + 1000 }')
    while printf '%s' "$answer" | tr '\t' '\n' | grep -qx "$priority"; do priority=$((priority % 49999 + 1)); done
    value=$priority
}

# write_parameters TEMPLATE NAME [KEY=VALUE...]: writes $work/parameters.json.
# $keep says what a stack keeps that is there: `image` what deployments gave it, `all` everything.
write_parameters() {
    template=$1
    name=$2
    shift 2
    stack_status "$name"
    has=''
    if ! never_was; then
        ask cloudformation describe-stacks --stack-name "$name" --query 'Stacks[0].Parameters[].[ParameterKey]'
        has=$(printf '%s' "$answer" | tr '\n' ' ')
    fi
    entries=''
    for key in $(template_parameters "$template"); do
        entry_of "$@"
        [ -z "$entry" ] || entries="$entries${entries:+,
}$entry"
    done
    printf '[%s]\n' "$entries" >"$work/parameters.json"
}

# Sets $entry to the JSON of $key, to nothing if the template's default is right.
entry_of() {
    entry=''
    for pair; do
        case $pair in "$key"=*) value_entry "${pair#*=}"; return ;; esac
    done
    if kept; then
        entry="{\"ParameterKey\": \"$key\", \"UsePreviousValue\": true}"
        return
    fi
    value=$(setting "$template" "$key")
    # Its task is of the service's image.
    [ -n "$value" ] || [ "$template" != logins ] || value=$(setting service "$key")
    [ -n "$value" ] || base_stack "$key"
    [ -n "$value" ] || [ "$template" != service ] || of_the_branch "$key"
    [ -n "$value" ] || [ "$key" != ExternalId ] || value=${EXTERNAL_ID:-}
    [ -z "$value" ] || value_entry "$value"
}
kept() {
    case " $has " in *" $key "*) ;; *) return 1 ;; esac
    # The boundary of its roles: one that was made without gets it as soon as there is one.
    [ "$key" != CiStack ] || return 1
    [ "$keep" = all ] && return
    case $template:$key in
    # What deployments gave it. Consul's image is a number of the environment.
    service:ImageUri | logins:ImageUri | *:Commit | *:PreviousImageUri | *:RulePriority | *:ExternalId) ;;
    *) false ;;
    esac
}
# A certificate, key or secret of another region is refused by AWS too, when half of the stack is there.
in_this_region() {
    case $1 in
    arn:aws*:acm:"$region":* | arn:aws*:kms:"$region":* | arn:aws*:secretsmanager:"$region":*) ;;
    arn:aws*:acm:* | arn:aws*:kms:* | arn:aws*:secretsmanager:*) die "$key is of another region than everything else, which is made in $region: $1" ;;
    esac
}
value_entry() {
    case $1 in *[\"\\]*) die "$key may not contain quotes or backslashes: $1" ;; esac
    in_this_region "$1"
    entry="{\"ParameterKey\": \"$key\", \"ParameterValue\": \"$1\"}"
}
