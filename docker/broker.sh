#!/bin/sh
# The broker container's entry point: create a password at the first start, then run mosquitto with its hash.
set -eu
umask 077

password=/login/password
if [ ! -s "$password" ]; then
    # Write to a temporary name and rename, so that an interruption leaves no partial password.
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$password.new"
    mv "$password.new" "$password"
    echo "Created a password in $password" >&2
fi

# Pass the password in a file, because arguments are visible in the process list.
printf 'facenode:%s\n' "$(cat "$password")" >/tmp/passwords
mosquitto_passwd -U /tmp/passwords

exec mosquitto -c /etc/mosquitto/mosquitto.conf
