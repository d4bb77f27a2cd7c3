#!/bin/sh
# Starts Redis on the volume, with the password of the Secret.
set -eu
umask 077
printf 'requirepass %s\n' "$(cat /etc/plaza/secrets/password)" >/run/redis/password.conf
# Streams must never be evicted silently, and the append-only file is all that
# is kept.
cat >/run/redis/redis.conf <<CONF
include /run/redis/password.conf
bind * -::*
port 6379
dir /data
save ""
appendonly yes
appendfsync everysec
maxmemory $PLAZA_REDIS_MAX_MEMORY
maxmemory-policy noeviction
CONF
exec redis-server /run/redis/redis.conf
