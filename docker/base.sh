#!/bin/sh
# Builds a base image for `docker/Dockerfile` from Debian's packages, on a machine that has no container registry:
#
#   docker/base.sh           trixie with Python, as a tar archive on standard output
#   docker/base.sh TAG       the same, imported into the Docker engine as TAG (nothing is done if TAG is there already)
#
# Needs mmdebstrap, and root or unprivileged user namespaces. Packages come from where this machine's own apt gets them: its
# mirrors, proxies and certificates are read when the script runs and none is written here.
set -eu

suite=trixie
packages=python3,python3-venv,ca-certificates

if [ $# -gt 0 ] && docker image inspect "$1" >/dev/null 2>&1; then
    exit 0
fi
if ! command -v mmdebstrap >/dev/null; then
    echo "mmdebstrap is not installed: \`apt-get install mmdebstrap\` first" >&2
    exit 1
fi

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM

# This machine's Debian mirrors, whatever its own release is called: a mirror of one release has them all. Other vendors' archives are
# left out, which only apt's package lists can tell; where they were thrown away to save room, apt fetches them into our scratch directory.
mirrors() {
    apt-get indextargets "$@" --format '$(SITE) $(ORIGIN)' 'Created-By: Packages' 2>/dev/null \
        | awk '$2 == "Debian" { print $1 }' | sort -u >"$scratch/mirrors"
}
mirrors
if [ ! -s "$scratch/mirrors" ]; then
    mkdir -p "$scratch/lists/partial"
    apt-get update -qq -o "Dir::State::lists=$scratch/lists" -o APT::Sandbox::User=root >&2 || true
    mirrors -o "Dir::State::lists=$scratch/lists"
fi
: >"$scratch/sources"
while read -r mirror; do
    case $mirror in
        *security*) echo "deb $mirror $suite-security main" ;;
        *) echo "deb $mirror $suite main" && echo "deb $mirror $suite-updates main" ;;
    esac >>"$scratch/sources"
done <"$scratch/mirrors"
# A proxy or a certificate that is configured for apt goes along.
apt-config dump | grep -i -E '^Acquire::(https?|Check-).* ".+";$' >"$scratch/apt.conf" || true

build() {
    # Without a mirror of its own, mmdebstrap takes Debian's usual one.
    set -- --variant=minbase --include="$packages" --aptopt="$scratch/apt.conf" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
        "$suite" "$1"
    if [ -s "$scratch/sources" ]; then set -- "$@" "$scratch/sources"; fi
    mmdebstrap "$@"
}

if [ $# -eq 0 ]; then
    build -
else
    build "$scratch/base.tar"
    docker import --change 'LABEL proctor=base' --message 'Debian trixie with Python, made by Proctor' "$scratch/base.tar" "$1" >/dev/null
fi
