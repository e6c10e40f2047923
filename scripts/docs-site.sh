#!/bin/sh
# `make docs-site`: the documentation as a site in target/docs-site, with search, for any web server or none.
# mdBook wants its table of contents next to the pages, and pages link to files outside of docs/, so what belongs to the
# site is laid out first as it lies in the repository. A link that leads nowhere fails.
set -eu

cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/.tools/mdbook/bin
command -v mdbook >/dev/null 2>&1 || scripts/install-tools.sh docs
folder=${CARGO_TARGET_DIR:-target}
source=$folder/docs-site-source
rm -rf "$source" "$folder/docs-site"
mkdir -p "$source"
git ls-files -- '*.md' LICENSE THIRD-PARTY-NOTICES.txt Jenkinsfile compose.yaml docs consul cloudformation image jenkins demo |
    tar -cf - -T - | tar -xf - -C "$source"

# Contents: as seen from the repository, with a line for each decision.
decisions=$(sed -n 's|^- \[\(.*\)\](decisions/|  - [\1](docs/development/decisions/|p' docs/development/decisions.md)
sed -e 's|](|](docs/|' -e 's|](docs/\.\./|](|' docs/SUMMARY.md |
    while IFS= read -r line; do
        printf '%s\n' "$line"
        case $line in *'docs/development/decisions.md)') printf '%s\n' "$decisions" ;; esac
    done >"$source/SUMMARY.md"
mv "$source/docs/book.toml" "$source/book.toml"
rm "$source/docs/SUMMARY.md"

mdbook build "$source"
scripts/check-site.py "$folder/docs-site"
printf 'docs-site: %s/index.html\n' "$folder/docs-site"
