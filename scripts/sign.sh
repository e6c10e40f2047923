#!/bin/sh
# Optional: signs an image by its digest and attests what is in it. Needs cosign, and cargo-sbom for the list.
#   make sign IMAGE=repo@sha256:... COSIGN_KEY=cosign.key    (its password in COSIGN_PASSWORD)
# IMAGE may be left out after `make push`. Nothing is written to a public log unless COSIGN_TLOG=true.
set -eu

script=sign
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh

file=${IMAGE_FILE:-image.env}
IMAGE=${IMAGE:-$(sed -n 's/^IMAGE=//p' "$file" 2>/dev/null || true)}
[ -n "$IMAGE" ] || die 'IMAGE=repository@sha256:... says what to sign; make push prints it'
read_image "$IMAGE"
key=${COSIGN_KEY:-}
[ -n "$key" ] || die 'COSIGN_KEY names the key: a file (cosign generate-key-pair), or awskms:///..., or another that cosign knows'
PATH=$PATH:$PWD/.tools/bin:$PWD/.tools/cosign/usr/bin
command -v cosign >/dev/null 2>&1 || die 'cosign is not there; nothing was signed. Debian has it since trixie; scripts/install-tools.sh test-images fetches that'

tlog=${COSIGN_TLOG:-false}
insecure=''
case $repository in localhost:* | localhost/* | 127.*) insecure=--allow-insecure-registry ;; esac
insist cosign sign --yes --key "$key" --tlog-upload="$tlog" $insecure "$IMAGE" || die "cosign could not sign: $why"
note "signed $IMAGE"

if command -v cargo-sbom >/dev/null 2>&1; then
    list=sbom.spdx.json
    # Of the commit that the image says it is, not of what lies here now.
    label_of "$image" "$REVISION"
    git cat-file -e "$label^{commit}" 2>/dev/null ||
        die "the image is signed, but nothing is attested: this checkout does not have its commit ${label:-(it names none)}"
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    git archive "$label" | tar -x -C "$tree"
    cargo-sbom sbom --project-directory "$tree" --output-format spdx_json_2_3 >"$list" ||
        die "the image is signed, but nothing is attested: cargo-sbom could not list what is in commit $label"
    insist cosign attest --yes --key "$key" --tlog-upload="$tlog" $insecure --type spdxjson --predicate "$list" "$IMAGE" ||
        die "the image is signed, but cosign could not attest the bill of materials: $why"
    note "attested $list"
else
    note 'bill of materials: left out, cargo-sbom is not there (cargo install cargo-sbom)'
fi
