#!/bin/sh
# The Home Assistant container's entry point: before the first start, configure the MQTT integration as an owner would in
# Settings > Devices & services. Existing configuration is kept. Then run the command given as arguments.
#
# Variables: MQTT_HOST, MQTT_PORT, MQTT_USERNAME, MQTT_PASSWORD_FILE, and CONFIG, the configuration folder (/config).
set -eu
umask 077

storage="${CONFIG:-/config}/.storage"
entries="$storage/core.config_entries"
if [ ! -e "$entries" ]; then
    mkdir -p "$storage"
    now=$(date -u +%Y-%m-%dT%H:%M:%S+00:00)
    # Write to a temporary name and rename, so that an interruption leaves no partial file.
    cat >"$entries.new" <<END
{
  "version": 1,
  "minor_version": 5,
  "key": "core.config_entries",
  "data": {"entries": [{
    "created_at": "$now", "modified_at": "$now", "entry_id": "facenode00000000000000000mqtt1",
    "domain": "mqtt", "title": "$MQTT_HOST", "unique_id": null, "source": "user", "version": 2, "minor_version": 1,
    "data": {
      "broker": "$MQTT_HOST", "port": $MQTT_PORT, "protocol": "5", "transport": "tcp",
      "username": "$MQTT_USERNAME", "password": "$(cat "$MQTT_PASSWORD_FILE")"
    },
    "options": {}, "discovery_keys": {}, "subentries": [], "disabled_by": null,
    "pref_disable_new_entities": false, "pref_disable_polling": false
  }]}
}
END
    mv "$entries.new" "$entries"
fi
exec "$@"
