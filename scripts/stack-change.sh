# Changes a stack: by a change set that is read before it is carried out. Read by scripts/stack.sh, not run.
# shellcheck shell=sh disable=SC2154  # they share $work, $status, $environment, $allow_replace

# The longest wait for a change set to be read.
CHANGE_SET_SECONDS=${CHANGE_SET_SECONDS:-300}

set=''       # the change set that is not carried out yet
under_way='' # the stack that AWS is changing for us

# What must not be lost: its data or its address would go with it.
PRECIOUS='AWS::RDS::DBInstance|AWS::KMS::Key|AWS::SecretsManager::Secret|AWS::S3::Bucket|AWS::EFS::FileSystem|AWS::ECR::Repository|AWS::ElasticLoadBalancingV2::LoadBalancer|AWS::EC2::VPC'

# role_for NAME: sets $value. Jenkins may change the branches' stacks only through this role; a person's own rights do for the others.
role_for() {
    value=''
    case $1 in "$prefix"-*) ;; *) return 0 ;; esac
    stack_status "base-$prefix-ci-role"
    case $status in *_COMPLETE) output_of "base-$prefix-ci-role" ExecutionRoleArn ;; esac
}

# can_change NAME: sets $type, CREATE or UPDATE; dies when the stack's state allows neither.
can_change() {
    stack_status "$1"
    case $status in
    absent | REVIEW_IN_PROGRESS) type=CREATE ;;
    ROLLBACK_COMPLETE | CREATE_FAILED | ROLLBACK_FAILED)
        # It was never whole, and AWS does not change it any more.
        [ "$environment" = review ] && [ "$1" = "$stack" ] && [ "${RECREATE:-}" = 1 ] ||
            die "$1 is $status: its creation failed; it can only be deleted. $(recreate_words "$1")"
        delete "$1"
        type=CREATE
        ;;
    UPDATE_ROLLBACK_FAILED) die "$1 is $status: fix what its events name, then: aws cloudformation continue-update-rollback --stack-name $1" ;;
    *_IN_PROGRESS) die "$1 is $status: another operation is in progress; try again when it has finished" ;;
    DELETE_FAILED) die "$1 is $status: remove what its events name, then delete it again" ;;
    *_COMPLETE) type=UPDATE ;;
    *) die "$1 is $status, a state that this script does not know" ;;
    esac
}
recreate_words() {
    if [ "$environment" = review ] && [ "$1" = "$stack" ]; then
        printf 'RECREATE=1 does that.'
    else
        printf 'Look at its events first, then: aws cloudformation delete-stack --stack-name %s' "$1"
    fi
}

# change_set TEMPLATE NAME: makes $set of $work/parameters.json, shows it, and dies if it would lose something.
# Answers 3 when nothing would change.
change_set() {
    can_change "$2"
    changed=$2
    role_for "$2"
    role=$value
    new=by-script-$(date +%s)-$$
    ask cloudformation create-change-set --stack-name "$2" --change-set-name "$new" --change-set-type "$type" \
        --template-body "file://cloudformation/$1.yaml" --parameters "file://$work/parameters.json" \
        --capabilities CAPABILITY_IAM ${role:+--role-arn "$role"} --query Id
    set=$answer
    deadline=$(($(date +%s) + CHANGE_SET_SECONDS))
    while :; do
        ask cloudformation describe-change-set --change-set-name "$set" --stack-name "$2" --query Status
        case $answer in
        CREATE_COMPLETE) break ;;
        FAILED)
            ask cloudformation describe-change-set --change-set-name "$set" --stack-name "$2" --query StatusReason
            reason=$answer
            drop_change_set
            case $reason in *"didn't contain changes"* | *'No updates are to be performed'*) return 3 ;; esac
            die "$2 cannot be changed: $reason"
            ;;
        esac
        [ "$(date +%s)" -lt "$deadline" ] || die "the change set of $2 is still $answer after $CHANGE_SET_SECONDS s"
        sleep "$POLL"
    done
    ask cloudformation describe-change-set --change-set-name "$set" --stack-name "$2" \
        --query 'Changes[].ResourceChange.[Action,LogicalResourceId,ResourceType,Replacement]'
    [ "$answer" != None ] || answer=''
    note "$2:"
    printf '%s\n' "$answer" | awk -F '\t' 'NF { print "  " tolower($1) "  " $2 "  " $3 ($4 == "True" ? "  is REPLACED" : $4 == "Conditional" ? "  may be REPLACED" : "") }'
    lost=$(printf '%s\n' "$answer" | awk -F '\t' -v precious="^($PRECIOUS)\$" \
        '$3 ~ precious && ($1 == "Remove" || $4 == "True" || $4 == "Conditional") { print $2 }' | tr '\n' ' ')
    [ -z "$lost" ] || [ "$allow_replace" = yes ] ||
        die "$2: this would remove or replace ${lost% }, with its contents. To do that: --allow-replace"
}

# carry_out: the change set that change_set made. Ends the script with 4 when AWS went back.
carry_out() {
    [ "$allow_replace" = no ] || [ "$type" = CREATE ] ||
        ask cloudformation set-stack-policy --stack-name "$changed" --stack-policy-body "$FREE"
    value_of "$changed" 'Stacks[0].LastUpdatedTime'
    before=$value
    # Interrupted from here on, it is AWS's.
    executed=$set
    set=''
    under_way=$changed
    ask cloudformation execute-change-set --change-set-name "$executed" --stack-name "$changed"
    [ "$type" = CREATE ] || wait_for_the_beginning "$changed" "$before"
    wait_for "$changed" || {
        under_way=''
        why "$changed"
        printf 'stack: %s is %s: AWS rolled it back\n' "$changed" "$status" >&2
        exit 4
    }
    under_way=''
    note "$changed is $status"
}

# Until AWS says that the stack is being changed: before that it would say COMPLETE, and mean the last time.
wait_for_the_beginning() {
    deadline=$(($(date +%s) + 60))
    while [ "$(date +%s)" -lt "$deadline" ]; do
        value_of "$1" 'Stacks[0].LastUpdatedTime'
        [ "$value" = "$2" ] || return 0
        sleep "$POLL"
    done
}

drop_change_set() {
    aws cloudformation delete-change-set --change-set-name "$set" --stack-name "$changed" >/dev/null 2>&1 || true
    set=''
}

interrupted() {
    [ -z "$under_way" ] || printf 'stack: interrupted. AWS continues with %s: scripts/stack.sh status\n' "$under_way" >&2
    exit 130
}

ALLOW='{"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}'
FREE="{\"Statement\": [$ALLOW]}"
# protect TEMPLATE NAME: AWS itself refuses to lose what cannot be had back, whoever asks.
protect() {
    case $1 in
    database) safe='"LogicalResourceId/Db", "LogicalResourceId/Key", "LogicalResourceId/AppSecret", "LogicalResourceId/ReviewSecret"' ;;
    alb) safe='"LogicalResourceId/Alb", "LogicalResourceId/LogBucket"' ;;
    service) [ "$environment" != review ] || return 0 ;;
    esac
    [ -z "${safe:-}" ] || ask cloudformation set-stack-policy --stack-name "$2" --stack-policy-body \
        "{\"Statement\": [$ALLOW, {\"Effect\": \"Deny\", \"Action\": [\"Update:Replace\", \"Update:Delete\"], \"Principal\": \"*\", \"Resource\": [$safe]}]}"
    safe=''
    ask cloudformation update-termination-protection --stack-name "$2" --enable-termination-protection
}

delete() {
    role_for "$1"
    role=$value
    ask cloudformation delete-stack --stack-name "$1" ${role:+--role-arn "$role"}
    under_way=$1
    wait_for "$1" absent || {
        under_way=''
        why "$1"
        die "$1 is $status: it could not be deleted"
    }
    under_way=''
}
