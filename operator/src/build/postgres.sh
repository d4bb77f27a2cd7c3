#!/bin/sh
# Starts PostgreSQL on the volume: makes the cluster when there is none, then
# gives each service its role and database with the password of the Secret.
set -eu
umask 077

for folder in /usr/lib/postgresql/*/bin /usr/local/bin; do
  [ -x "$folder/postgres" ] && PATH="$folder:$PATH"
done
export PATH LC_ALL=C.UTF-8
secrets=/etc/plaza/secrets
volume=/var/lib/plaza-postgres
data=$volume/data

# A draft that is renamed when it is whole: an interrupted start leaves no half
# cluster.
if [ ! -s "$data/PG_VERSION" ]; then
  rm -rf "$data.new"
  initdb --encoding=UTF8 --locale=C.UTF-8 --auth=scram-sha-256 --username=plaza \
    --pwfile="$secrets/superuser-password" --data-checksums --pgdata="$data.new"
  mv "$data.new" "$data"
fi
# Inside the pod no password is asked for.
printf 'local all all trust\nhost all all all scram-sha-256\n' >"$data/pg_hba.conf"

options="-c unix_socket_directories=/run/postgresql -c max_connections=$PLAZA_POSTGRES_MAX_CONNECTIONS \
  -c shared_buffers=$PLAZA_POSTGRES_SHARED_BUFFERS -c password_encryption=scram-sha-256 \
  -c client_connection_check_interval=1s -c tcp_user_timeout=10s -c jit=off \
  -c timezone=UTC -c log_timezone=UTC -c lc_messages=C"

# The Secret may be newer than the volume. All of it is hexadecimal: there is
# nothing to quote.
sum=$(cat "$secrets"/*-password | cksum)
if [ "$sum" != "$(cat "$volume/passwords.sum" 2>/dev/null || true)" ]; then
  pg_ctl --pgdata="$data" --wait --timeout=600 --options="$options -c listen_addresses=" start
  {
    printf "ALTER ROLE plaza PASSWORD '%s';\n" "$(cat "$secrets/superuser-password")"
    for service in auth rooms messages; do
      role=plaza_$service
      printf "SELECT 'CREATE ROLE %s LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s')\\\\gexec\n" "$role" "$role"
      printf "ALTER ROLE %s PASSWORD '%s';\n" "$role" "$(cat "$secrets/$service-password")"
      printf "SELECT 'CREATE DATABASE %s OWNER %s' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '%s')\\\\gexec\n" "$role" "$role" "$role"
      # A service reaches its own database only.
      printf 'REVOKE ALL ON DATABASE %s FROM PUBLIC;\n' "$role"
    done
  } | psql --quiet --no-psqlrc --set=ON_ERROR_STOP=1 --host=/run/postgresql --username=plaza --dbname=postgres
  pg_ctl --pgdata="$data" --wait --mode=fast stop
  printf '%s' "$sum" >"$volume/passwords.sum"
fi

# shellcheck disable=SC2086 # one option a word
exec postgres -D "$data" -c listen_addresses='*' $options
