#!/bin/sh
# Backs up the three databases to a folder of the volume that is named after the
# time. Until it is whole its name ends in `.part`; older ones go only then.
#
# PGHOST, PLAZA_BACKUP_FOLDER, PLAZA_BACKUP_KEEP, PLAZA_SECRETS, PLAZA_VERSION,
# and PLAZA_BACKUP_JOB where a Job that is tried again makes no second one
set -eu
umask 077

for folder in /usr/local/bin /usr/lib/postgresql/*/bin; do
  [ -x "$folder/pg_dump" ] && PATH="$folder:$PATH"
done
export PATH LC_ALL=C.UTF-8
backups=$PLAZA_BACKUP_FOLDER
errors=$(mktemp)
part=
trap 'rm -rf "$errors" ${part:+"$part"}' EXIT

# The last line is what the chat's condition tells people.
die() {
  echo "plaza: $*" >&2
  exit 1
}

# attempt WHAT COMMAND…
attempt() {
  what=$1
  shift
  "$@" 2>"$errors" 9>&- && return
  cat "$errors" >&2
  why=$(grep -m 1 'error:' "$errors" || tail -n 1 "$errors")
  case $why in
    *'No space left'*) why="$why. Grow the volume's claim, or have spec.backup.keep lower and delete old folders" ;;
  esac
  die "$what failed, and the backups before it are as they were: $why"
}

# One at a time. What one that was killed has left is nobody's then.
exec 9>>"$backups/.lock"
flock 9
rm -rf "$backups"/*.part

# A Job that failed later, at the store, has its backup.
made=$backups/.made
if [ -n "${PLAZA_BACKUP_JOB-}" ] && [ -e "$made" ]; then
  read -r job name <"$made" || job=
  if [ "$job" = "$PLAZA_BACKUP_JOB" ] && [ -d "$backups/$name" ]; then
    echo "the backup $name is whole since an earlier try"
    exit
  fi
fi

name=$(date -u +%Y%m%dT%H%M%SZ)
while [ -e "$backups/$name" ]; do
  sleep 1
  name=$(date -u +%Y%m%dT%H%M%SZ)
done
part=$backups/$name.part
attempt 'making a folder' mkdir "$part"

# Each dump is of the moment when it begins. A message names its room and people,
# and a room its people: what is dumped later has at least what an earlier dump
# names, so nobody is missing who wrote something.
databases=
for service in messages rooms auth; do
  PGPASSWORD=$(cat "$PLAZA_SECRETS/$service-password")
  export PGPASSWORD
  attempt "the dump of $service" pg_dump --username="plaza_$service" --dbname="plaza_$service" \
    --no-password --format=custom --no-owner --no-privileges --lock-wait-timeout=60000 \
    --file="$part/$service.dump"
  attempt "reading back the dump of $service" pg_restore --file=/dev/null "$part/$service.dump"
  bytes=$(wc -c <"$part/$service.dump")
  databases="$databases${databases:+, }{\"name\": \"$service\", \"file\": \"$service.dump\", \"bytes\": $((bytes))}"
done
cd "$part"
sha256sum messages.dump rooms.dump auth.dump >SHA256SUMS
printf '{"format": 1, "name": "%s", "plaza": "%s", "postgres": "%s", "databases": [%s]}\n' \
  "$name" "$PLAZA_VERSION" "$(pg_dump --version)" "$databases" >manifest.json
attempt 'writing it to the disk' sync ./* .
cd "$backups"
mv "$part" "$name"
part=
if [ -n "${PLAZA_BACKUP_JOB-}" ]; then echo "$PLAZA_BACKUP_JOB $name" >"$made"; fi
attempt 'writing it to the disk' sync .

# Their names are in the order of their times.
set -- [0-9]*T[0-9]*Z
while [ $# -gt "$PLAZA_BACKUP_KEEP" ]; do
  mv "$1" "$1.part"
  rm -rf "$1.part"
  shift
done

echo "the backup $name is whole"
# The operator reads it there.
if [ -w /dev/termination-log ]; then printf '%s' "$name" >/dev/termination-log; fi
