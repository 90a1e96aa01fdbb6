#!/bin/sh
# Starts the server of the container; makes its data directory first if the volume has none.
set -eu
shared=/usr/local/share/ruvector-healing
data=/var/lib/ruvector-healing/data

if [ ! -d "$data" ]; then
  # Made beside its final name, so that one of that name is always whole.
  new=$data.new
  rm -rf "$new"
  initdb -D "$new" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync
  # A single-user server shows errors, but ends well all the same.
  single() {
    said=$(postgres --single -D "$new" "$@" 2>&1 > /dev/null)
    case $said in *ERROR:*) echo "$said" >&2; exit 1 ;; esac
  }
  echo 'CREATE DATABASE ruvector;' | single postgres
  single -c shared_preload_libraries=pg_cron -c cron.database_name=ruvector ruvector < "$shared/extensions.sql"
  printf "\ninclude 'ruvector.conf'\ninclude 'instance.conf'\n" >> "$new/postgresql.conf"
  # The port is published to this machine's loopback only (docker-compose.server.yml).
  echo 'host all all all trust' >> "$new/pg_hba.conf"
  mv "$new" "$data"
fi

cp "$shared/postgresql.conf" "$data/ruvector.conf"
cat > "$data/instance.conf" << EOF
listen_addresses = '*'
port = 5432
unix_socket_directories = '/var/run/postgresql'
${RUVECTOR_HEALING_SETTINGS:-}
EOF
exec postgres -D "$data"
