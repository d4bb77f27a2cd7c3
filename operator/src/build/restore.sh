#!/bin/sh
# Restores the three databases of a new chat from a backup.
#
#   begin    into empty databases, or over what an interrupted restore has left
#   finish   notes that it is done, after the epoch was made anew
#
# PGHOST, PLAZA_BACKUP_FOLDER, PLAZA_RESTORE_BACKUP, PLAZA_RESTORE_FROM,
# PLAZA_RESTORE_ID, PLAZA_SECRETS
set -eu
umask 077

for folder in /usr/local/bin /usr/lib/postgresql/*/bin; do
  [ -x "$folder/pg_restore" ] && PATH="$folder:$PATH"
done
export PATH LC_ALL=C.UTF-8
backups=$PLAZA_BACKUP_FOLDER
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT

# The last line is what the chat's condition tells people.
die() {
  echo "plaza: $*" >&2
  exit 1
}

# attempt WHAT COMMAND…
attempt() {
  what=$1
  shift
  "$@" 2>"$errors" && return
  cat "$errors" >&2
  die "$what failed: $(grep -m 1 -i 'error:' "$errors" || tail -n 1 "$errors")"
}

# As the service's own role.
of() {
  service=$1
  PGUSER=plaza_$service PGDATABASE=plaza_$service PGPASSWORD=$(cat "$PLAZA_SECRETS/$service-password")
  export PGUSER PGDATABASE PGPASSWORD
}

sql() {
  attempt "a statement in the database of $service" psql --no-psqlrc --no-password --quiet \
    --tuples-only --no-align --set=ON_ERROR_STOP=1 --command="$1"
}

# How far it is stands in the comment of the last database: that is no part of
# what is restored.
progress() {
  of messages
  sql "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = current_database()"
}

note() {
  of messages
  sql "COMMENT ON DATABASE plaza_messages IS 'plaza restore $1'"
}

begin() {
  at=$(progress)
  case $at in
    "plaza restore $PLAZA_RESTORE_ID done "*)
      echo 'it was restored before'
      return
      ;;
    'plaza restore '*' begun '*) ;;
    *)
      for service in messages rooms auth; do
        of "$service"
        tables=$(sql "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        [ "$tables" = 0 ] || die "the database of $service is not empty, and a restore would replace what is in it. Restore" \
          "into a ChatDeployment of another name, or remove spec.restore to go on with what is there"
      done
      ;;
  esac

  # No backup is removed meanwhile.
  if [ -e "$backups/.lock" ]; then
    exec 9<"$backups/.lock"
    flock -s 9
  fi
  cd "$backups"
  set -- [0-9]*T[0-9]*Z
  [ -d "$1" ] || die "there is no backup on $PLAZA_RESTORE_FROM: name that of the chat that made them, <name>-backup"
  name=$PLAZA_RESTORE_BACKUP
  if [ "$name" = latest ]; then
    for name; do :; done
  fi
  [ -d "$name" ] || die "there is no backup $name on $PLAZA_RESTORE_FROM, which has $*"
  for service in messages rooms auth; do
    [ -s "$name/$service.dump" ] || die "the backup $name has no dump of $service: restore another one, there are $*"
  done
  (cd "$name" && sha256sum -c SHA256SUMS >"$errors" 2>&1) ||
    die "the backup $name is damaged ($(grep -m 1 FAILED "$errors" || tail -n 1 "$errors")): restore another one, there are $*"

  note "$PLAZA_RESTORE_ID begun $name"
  # Whom others name comes first.
  for service in auth rooms messages; do
    of "$service"
    sql 'DROP SCHEMA IF EXISTS public CASCADE; CREATE SCHEMA public AUTHORIZATION pg_database_owner'
    attempt "the restore of $service from $name" pg_restore --dbname="$PGDATABASE" --no-password --no-owner \
      --no-privileges --exit-on-error --single-transaction "$name/$service.dump"
    echo "$service is restored from $name"
  done
}

finish() {
  at=$(progress)
  name=${at##* }
  note "$PLAZA_RESTORE_ID done $name"
  echo "the restore from $name is done"
  # The operator reads it there.
  if [ -w /dev/termination-log ]; then printf '%s' "$name" >/dev/termination-log; fi
}

case ${1-} in
  begin) begin ;;
  finish) finish ;;
  *) die "${1-} is not begin or finish" ;;
esac
