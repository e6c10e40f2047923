#!/bin/sh
# Whether a build on Jenkins may push its image: yes for a branch of this repository and for a pull request from one of
# them, no for a fork's and for what nobody can name. Says why, and exits 0 or 1.
#
# This keeps honest builds apart. It is no wall: a pull request can change this file. The wall is that the job holds
# nothing worth stealing (docs/operate/jenkins.md).
set -eu

cd "$(dirname "$0")/.."

# git@host:owner/name.git and https://user@host/owner/name are one repository: host/owner/name.
plain() {
    printf '%s' "$1" | sed -E 's#^[a-z+]+://##; s#^[^/@]*@##; s#^([^/:]+):([0-9]+/)?#\1/#; s#/+$##; s#\.git$##' | tr '[:upper:]' '[:lower:]'
}
no() { echo "not pushed: $*"; exit 1; }

pull=${ghprbPullId:-${CHANGE_ID:-}}
if [ -n "$pull" ]; then
    [ -z "${CHANGE_FORK:-}" ] || no "pull request $pull comes from the fork $CHANGE_FORK"
    if [ -n "${ghprbPullId:-}" ]; then
        theirs=$(plain "${ghprbAuthorRepoGitUrl:-}")
        [ -n "$theirs" ] && [ "$theirs" = "$(plain "${GIT_URL:-}")" ] || no "pull request $pull comes from another repository"
    fi
    echo "pushed as pull request $pull"
    exit 0
fi
branch=$(scripts/tags.sh branch)
[ -n "$branch" ] || no 'nobody says which branch this is'
echo "pushed as branch $branch"
