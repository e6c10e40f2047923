#!/bin/sh
# Makes the demo's database directory and the application's password, once. Run by pilot as the job `mysql-init`.
set -eu
umask 077

secret=$DEMO/secret
mkdir -p "$secret"
if [ ! -s "$secret/password" ]; then
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$secret/password"
fi
# The server executes this at every start; it changes nothing that is already so.
cat >"$secret/init.sql" <<SQL
CREATE DATABASE IF NOT EXISTS db CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'app'@'127.0.0.1' IDENTIFIED BY '$(cat "$secret/password")';
GRANT ALL ON db.* TO 'app'@'127.0.0.1';
SQL
if [ ! -d "$DEMO/mysql/mysql" ]; then
    rm -rf "$DEMO/mysql"
    echo "making a new database in $DEMO/mysql"
    TMPDIR=$DEMO mariadb-install-db --no-defaults --user="$RUN_AS" --datadir="$DEMO/mysql" \
        --skip-test-db --auth-root-authentication-method=socket >"$DEMO/mysql-init.log" 2>&1 ||
        { tail -n 5 "$DEMO/mysql-init.log"; exit 1; }
fi
