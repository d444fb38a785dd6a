#!/bin/sh
# `koine` with the account, the settings and the folder of the service. docs/install.md installs it
# as /usr/local/bin/koine. VENV=/opt/koine/0.2.0 runs another version.
set -eu
set -a
. /etc/koine/koine.env
set +a
export KOINE_DATA_DIR="${KOINE_DATA_DIR:-/var/lib/koine}"
cd "$KOINE_DATA_DIR"
program="${VENV:-/opt/koine/.venv}/bin/koine"
if [ "$(id -u)" = 0 ]; then
  exec runuser -u koine -- "$program" "$@"
fi
exec "$program" "$@"
