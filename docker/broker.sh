#!/bin/sh
# Starts in the broker's container: on the first start makes a password, then runs mosquitto with its hash.
set -eu
umask 077

password=/login/password
if [ ! -s "$password" ]; then
    # Written aside and renamed: a stop in between leaves no half of a password.
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$password.new"
    mv "$password.new" "$password"
    echo "A password was made: $password" >&2
fi

# From a file, since arguments can be seen in the list of processes.
printf 'facenode:%s\n' "$(cat "$password")" >/tmp/passwords
mosquitto_passwd -U /tmp/passwords

exec mosquitto -c /etc/mosquitto/mosquitto.conf
