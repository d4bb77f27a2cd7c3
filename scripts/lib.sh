# Shared by the scripts; sourced, POSIX sh.

CACHE=${PLAZA_CACHE:-$HOME/.cache/plaza}
# The repository, from whichever folder of it the script is.
ROOT=$(cd "$(dirname "$0")" && until [ -e scripts/lib.sh ] || [ "$PWD" = / ]; do cd ..; done && pwd)

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# step TEXT COMMAND…: runs it quietly; on failure shows the end of its output.
step() {
  text=$1; shift
  mkdir -p "$CACHE"
  log=$(mktemp "$CACHE/log.XXXXXX")
  printf '  %s … ' "$text"
  begun=$(date +%s)
  "$@" >"$log" 2>&1 </dev/null &
  worker=$!
  trap 'kill "$worker" 2>/dev/null; rm -f "$log"; exit 130' INT TERM HUP
  while kill -0 "$worker" 2>/dev/null; do
    sleep 1
    waited=$(($(date +%s) - begun))
    if [ $((waited % 15)) = 0 ] && [ "$waited" -gt 0 ]; then printf '%s s … ' "$waited"; fi
  done
  if wait "$worker"; then
    trap - INT TERM HUP
    rm -f "$log"
    say "done ($(($(date +%s) - begun)) s)"
  else
    code=$?
    trap - INT TERM HUP
    say "failed"
    tail -n 40 "$log" >&2
    rm -f "$log"
    return "$code"
  fi
}

# apt_install AS PACKAGE…: installs as root, which AS (env, or sudo) makes it: the
# packages' servers are not started, and no cluster of the system is made.
apt_install() {
  as=$1; shift
  "$as" sh -s -- "$@" <<'AS_ROOT'
set -eu
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
defaults=/etc/postgresql-common/createcluster.d/plaza-bootstrap.conf
if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
  mkdir -p "${defaults%/*}"
  echo 'create_main_cluster = false' >"$defaults"
fi
apt-get -q update
apt-get -q install -y --no-install-recommends "$@"
rm -f "$defaults"
AS_ROOT
}

# at_least WANTED HAVE: whether version HAVE is WANTED or newer.
at_least() {
  [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$1" ]
}
