#!/bin/sh
# Lays out what an image contains, in a folder that becomes its root: scripts/image-root.sh ROOT BINARIES pilot [app]
# The Dockerfiles call it inside their build stage, and `make build PREBUILT=1` on this machine, so that both are alike.
set -eu

cd "$(dirname "$0")/.."
root=$1
binaries=$2
shift 2

rm -rf "$root"
mkdir -p "$root/bin" "$root/etc/ssl/certs"
for name in "$@"; do
    install -m 0755 "$binaries/$name" "$root/bin/$name"
done
# Who is trusted: what Debian trusts, and what lies in image/certs (docs/operate/images.md).
authorities=/etc/ssl/certs/ca-certificates.crt
[ -s "$authorities" ] || { echo "image-root: $authorities is missing: apt-get install ca-certificates" >&2; exit 1; }
install -m 0644 "$authorities" "$root$authorities"
for file in image/certs/*.pem; do
    [ ! -f "$file" ] || install -m 0644 "$file" "$root/etc/ssl/certs/"
done
# The licence, and what the licences of the crates that are linked in ask for.
mkdir -p "$root/usr/share/doc/pilot"
install -m 0644 LICENSE THIRD-PARTY-NOTICES.txt "$root/usr/share/doc/pilot/"
case " $* " in
*' app '*)
    install -m 0644 image/pilot.json5 "$root/etc/pilot.json5"
    # Volumes that any user may write to, so that the rest can be read-only: the control socket's and SQLite's.
    mkdir -p "$root/data" "$root/run/pilot"
    chmod 1777 "$root/data" "$root/run/pilot"
    ;;
esac
