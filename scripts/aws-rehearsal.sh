#!/bin/sh
# The whole way in a real AWS account, once: creates every stack, deploys, deploys a branch, fails a deployment on purpose, rolls back,
# deletes everything, and looks whether anything is left. For somebody with a throw-away account and an evening; it asks before
# it begins. It has never been run: every finding belongs in tests/stacks.
#
#   AWS_PROFILE=throwaway DOMAIN=rehearsal.example.org HOSTED_ZONE_ID=Z... MAIL=me@example.org make aws-rehearsal
#
# DOMAIN       lies in the public zone HOSTED_ZONE_ID of that account; a certificate is made for it
# AWS_REGION   eu-central-1
# KEEP=1       leaves everything in place at the end, for inspection; a second run continues from there and deletes it
#
# What it costs: about 3 to 5 US dollars for an evening (two NAT gateways 0.10 an hour, load balancer 0.03, db.t4g.small in two zones
# 0.07, tasks 0.05, the rest less). A database or NAT gateway that is forgotten costs about 4 a day: the last step says what is left.
# How long it takes: about an hour and a half, a third of it the database.
set -eu

script=aws-rehearsal
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh

for name in DOMAIN HOSTED_ZONE_ID MAIL; do
    eval "value=\${$name:-}"
    [ -n "$value" ] || die "$name is not set; the head of this file says what it is"
done
for program in aws git skopeo curl "$DOCKER"; do command -v "$program" >/dev/null 2>&1 || die "$program is not there"; done
AWS_REGION=${AWS_REGION:-eu-central-1}
export AWS_REGION AWS_DEFAULT_REGION="$AWS_REGION" AWS_PAGER=''

account=$(aws sts get-caller-identity --query Account --output text) || die 'AWS does not know who this is'
[ -z "$(git status --porcelain)" ] || die 'the tree has changes that are in no commit: the rehearsal deploys commits'
[ -s image/certs/rds.pem ] || die 'image/certs/rds.pem is not there (docs/operate/images.md): the application would not trust the database'
others=$(aws cloudformation list-stacks --query "StackSummaries[?StackStatus != 'DELETE_COMPLETE' && !starts_with(StackName, 'base-app-') && !starts_with(StackName, 'app-')].StackName" --output text)
[ -z "$others" ] || [ "$others" = None ] || die "this account has other stacks: $others. Take one that has none"

printf 'Account %s, region %s: makes everything of production there, and deletes it. About 5 US dollars and 90 minutes.\nWrite the account number to go on: ' "$account" "$AWS_REGION"
read -r said
[ "$said" = "$account" ] || die 'nothing was done'

# Copies of what is here, so that nothing of this checkout changes.
home=$(mktemp -d)
trap 'printf "\naws-rehearsal: ended early. What is there costs money; run it again, without KEEP, to delete it.\n" >&2; rm -rf "$home"' EXIT
git clone -q . "$home/checkout"
cd "$home/checkout"
git checkout -q -B master
cat >cloudformation/params/production.conf <<END
aws.Region = $AWS_REGION
network.NatGateways = single
alerts.Email = $MAIL
registry.RepositoryName = rehearsal
alb.DomainName = $DOMAIN
alb.HostedZoneId = $HOSTED_ZONE_ID
alb.DeletionProtection = false
database.DeletionProtection = false
service.Containers = 2
service.MaxContainers = 4
ci-role.JenkinsPrincipal = arn:aws:iam::$account:root
END
git -c user.name=rehearsal -c user.email="$MAIL" commit -qam 'numbers of the rehearsal'
git remote set-url origin "$home/checkout"
git fetch -q origin
export BRANCH=master MAINLINE=master

failures=''
# step NAME WORDS...: runs it, says how long it took, and goes on after a failure: what follows may show more.
step() {
    name=$1
    shift
    printf '\n==== %s\n' "$name"
    began=$(date +%s)
    "$@" || { failures="$failures
  $name"; printf '==== FAILED: %s\n' "$name"; }
    printf '==== %s: %s s\n' "$name" "$(($(date +%s) - began))"
}
fails() { ! "$@"; }
push() { make build push; }
# Ten requests a second through the load balancer, while something else happens: not one may fail.
unharmed() {
    (while [ ! -e "$home/stop" ]; do curl -sf -o /dev/null --max-time 10 "https://$DOMAIN/" || echo lost >>"$home/lost"; sleep 0.1; done) &
    visitor=$!
    code=0
    "$@" || code=$?
    : >"$home/stop"
    wait "$visitor" || true
    rm -f "$home/stop"
    [ ! -s "$home/lost" ] || { printf '%s requests were lost\n' "$(wc -l <"$home/lost")"; rm -f "$home/lost"; return 1; }
    return $code
}
# The database fails over: no task may be replaced.
fails_over() {
    cluster=$(output app-master ClusterName)
    before=$(aws ecs list-tasks --cluster "$cluster" --query 'taskArns' --output text)
    aws rds modify-db-instance --db-instance-identifier base-app-database --multi-az --apply-immediately >/dev/null
    aws rds wait db-instance-available --db-instance-identifier base-app-database
    aws rds reboot-db-instance --db-instance-identifier base-app-database --force-failover >/dev/null
    sleep 60
    aws rds wait db-instance-available --db-instance-identifier base-app-database
    [ "$(aws ecs list-tasks --cluster "$cluster" --query 'taskArns' --output text)" = "$before" ]
}
output() { aws cloudformation describe-stacks --stack-name "$1" --query "Stacks[0].Outputs[?OutputKey=='$2'].OutputValue | [0]" --output text; }
drift() {
    for stack in "$@"; do
        detection=$(aws cloudformation detect-stack-drift --stack-name "$stack" --query StackDriftDetectionId --output text)
        while state=$(aws cloudformation describe-stack-drift-detection-status --stack-drift-detection-id "$detection" --query '[DetectionStatus,StackDriftStatus]' --output text); do
            case $state in DETECTION_IN_PROGRESS*) sleep 5 ;; *) break ;; esac
        done
        printf '%s: %s\n' "$stack" "$state"
        case $state in *IN_SYNC*) ;; *) return 1 ;; esac
    done
}

step 'base stacks' make create-stack
REPO=$(output base-app-registry RepositoryUri)
export REPO
step 'the image' push
step 'first deployment: users, schema, service' make deploy
step 'it is what runs' scripts/stack.sh verify
step 'Jenkins roles, after the first deployment' env EXTERNAL_ID=rehearsal-of-the-stacks scripts/stack.sh up ci-role
git -c user.name=rehearsal -c user.email="$MAIL" commit -q --allow-empty -m 'second version'
step 'second image' push
step 'a deployment that nobody notices, by the execution role, with a boundary' unharmed make deploy
step 'scaling' make scale-app CONTAINERS=3
step 'a fail-over of the database replaces no task' fails_over
step 'back to the first version' env BACK=1 IMAGE="$(output app-master PreviousImageUri)" make deploy
printf '{ jobs: [{ name: "app", exec: "/bin/none" }] }\n' >image/pilot.json5
git -c user.name=rehearsal -c user.email="$MAIL" commit -qam 'a version that does not start'
step 'a broken image' push
step 'a broken version is taken back, unnoticed' unharmed fails make deploy
git reset -q --hard HEAD~1
step 'what ran before still runs' scripts/stack.sh verify
git checkout -q -b rehearsal-branch
step 'a branch of its own' env BRANCH=rehearsal-branch sh -c 'make build push update-stack'
step 'the branch goes, with its database' env BRANCH=rehearsal-branch make delete-stack
step 'nothing has drifted' drift base-app-network base-app-alb base-app-database app-master

if [ "${KEEP:-}" = 1 ]; then
    trap - EXIT
    printf '\naws-rehearsal: KEEP=1, everything is still there and costs money. Failed:%s\n' "${failures:- nothing}"
    exit 0
fi

remove() {
    aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name "$1" >/dev/null 2>&1 || true
    aws cloudformation delete-stack --stack-name "$1" && aws cloudformation wait stack-delete-complete --stack-name "$1"
}
for stack in app-master base-app-ci-role base-app-logins base-app-database base-app-alb base-app-registry base-app-alerts base-app-network; do
    step "delete $stack" remove "$stack"
done
# What templates keep on purpose is of no use here.
for repository in rehearsal rehearsal-pilot rehearsal-consul; do
    aws ecr delete-repository --force --repository-name "$repository" >/dev/null 2>&1 || true
done
for snapshot in $(aws rds describe-db-snapshots --snapshot-type manual --query "DBSnapshots[?starts_with(DBInstanceIdentifier, 'base-app-')].DBSnapshotIdentifier" --output text); do
    aws rds delete-db-snapshot --db-snapshot-identifier "$snapshot" >/dev/null || true
done
printf '\n==== left over; by hand: keys (they cost 1 a month until they are scheduled for deletion), secrets, the bucket of logs\n'
aws resourcegroupstaggingapi get-resources --query 'ResourceTagMappingList[].ResourceARN' --output text | tr '\t' '\n'
trap 'rm -rf "$home"' EXIT
[ -z "$failures" ] || { printf '\naws-rehearsal: FAILED:%s\n' "$failures"; exit 1; }
printf '\naws-rehearsal: passed\n'
