#!/usr/bin/env bash
# A week of somebody who runs Koine, on this machine and in a temporary folder: install, upgrade, rotate
# every secret, let a user go, erase a person, export a tenant, restore a backup, move to another
# database. Messages are sent all the while; each step prints what it counted, and a count that is wrong
# ends the script with 1 and the name of the step.
#
#   examples/operators_week.sh sqlite [postgresql://user:password@host/empty]
#   examples/operators_week.sh postgresql://user:password@host/empty
#
# The first argument is the database to begin with; the last step moves to the other kind. Needed are a
# clone with its history, what docs/install.md installs, and nginx; for PostgreSQL an empty database whose
# role has CREATEDB. It runs as an account without rights: as root it changes to ACCOUNT (nobody).
# PROGRAMS is a folder in which ready installations are looked for (PROGRAMS/current/bin/koine).
set -euE -o pipefail

PREVIOUS=aaa81892       # the version to upgrade from, until there are tags
SLUG=acme CANARY=zebrafinch-7314

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${here%/examples}
first=${1:-} second=${2:-}
case $first in
  sqlite | postgresql://*) ;;
  *) echo "usage: operators_week.sh sqlite|postgresql://… [postgresql://…]" >&2; exit 2 ;;
esac
week=${WEEK:-$(mktemp -d)}
programs=${PROGRAMS:-$week/programs}

## The parts that the steps use

step() { name=$1; printf '\n== %s\n' "$name"; }
tell() { printf '   %s\n' "$*"; }
show() { sed 's/^/   /'; }
same() {  # WHAT EXPECTED FOUND: count something
  [ "$2" = "$3" ] || { echo "$1: $3, expected $2" >&2; return 1; }
  tell "$1: $3"
}
field() {  # A.B: a field of the JSON on standard input
  "$python" -IS -c 'import functools, json, sys
print(functools.reduce(lambda found, name: found[name], sys.argv[1].split("."), json.load(sys.stdin)))' "$1"
}
api() {  # METHOD PATH [JSON]: a request of the operator's key through nginx
  curl -sf --cacert "$traffic/ca.pem" -X "$1" "$url$2" -H "Authorization: Bearer $(cat "$traffic/key")" \
    -H 'Content-Type: application/json' ${3:+-d "$3"}
}
login() {  # PASSWORD: the status of Ann's login
  status "$url/v1/auth/login" -H 'Content-Type: application/json' \
    -d "{\"email\": \"ann@acme.example\", \"password\": \"$1\"}"
}
proof() {  # TOKEN: the status for a contact whose hash is made with it
  local hash
  hash=$(printf %s shop-17 | openssl dgst -sha256 -hmac "$1" | sed 's/.* //')
  status "$contacts" -H 'Content-Type: application/json' \
    -d "{\"identifier\": \"shop-17\", \"identifier_hash\": \"$hash\"}"
}
with_key() { status "$url/v1/conversations?limit=1" -H "Authorization: Bearer $1"; }
is_refused() {  # KEY: by each node, which may have it in its cache for five seconds
  local port
  for port in "${ports[@]}"; do
    [ "$(status "http://127.0.0.1:$port/v1/conversations?limit=1" -H "Authorization: Bearer $1")" = 401 ] || return 1
  done
}
status() {  # CURL ARGUMENTS: the status of a request
  curl -s -o /dev/null -w '%{http_code}' --cacert "$traffic/ca.pem" "$@"
}
until_true() {  # COMMAND: for a minute at most
  local end=$((SECONDS + 60))
  until "$@"; do
    [ $SECONDS -lt $end ] || { echo "not within a minute: $*" >&2; return 1; }
    sleep 0.2
  done
}
koine() { "$program/bin/koine" "$@"; }

start_node() { KOINE_PORT=${ports[$1]} "$program/bin/koine" serve >>"$week/node$1.log" 2>&1 & pids[$1]=$!; }
is_ready() { kill -0 "${pids[$1]}" 2>/dev/null && curl -sf "http://127.0.0.1:${ports[$1]}/readyz" >"$week/ready"; }
stop_node() { kill "${pids[$1]}"; wait "${pids[$1]}"; unset "pids[$1]"; }
start_all() { local n; for n in "${!ports[@]}"; do start_node "$n"; until_true is_ready "$n"; done; }
stop_all() { local n; for n in "${!ports[@]}"; do stop_node "$n"; done; }
roll() { local n; for n in "${!ports[@]}"; do stop_node "$n"; start_node "$n"; until_true is_ready "$n"; done; }

start_traffic() { "$python" -IS "$here/week_traffic.py" send "$traffic" >"$week/sent" & sender=$!; }
stop_traffic() {  # fails if a request failed, or if a message was lost or stored twice
  kill "$sender"
  wait "$sender" || { cat "$week/sent" >&2; return 1; }
  tell "messages: $(cat "$week/sent")"
  compare
}
compare() {
  "$python" -IS "$here/week_traffic.py" compare "$traffic" >"$week/compared" || { cat "$week/compared" >&2; return 1; }
  tell "messages: $(cat "$week/compared")"
}
acknowledged() { wc -l <"$traffic/acknowledged"; }
more_than() { [ "$(acknowledged)" -gt "$1" ]; }

receive_webhooks() {  # SECRET: start the receiver of docs/webhooks.md, in place of the one that runs
  [ -z "${receiver:-}" ] || { kill "$receiver"; wait "$receiver" || :; }
  WEBHOOK_SECRET=$1 "$python" -IS "$root/docs/examples/webhook_consumer.py" "$hook_port" "$week/effects.db" \
    >>"$week/receiver.log" & receiver=$!
}
received() {
  "$python" -IS -c 'import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute(
    "SELECT count FROM messages WHERE conversation = ?", (sys.argv[2],)).fetchone() or [0])' \
    "$week/effects.db" "$(cat "$traffic/conversation")"
}
all_received() { [ "$(received)" = "$(acknowledged)" ]; }

start_nginx() {  # with the configuration of docs/proxy.md, on other ports and for these nodes
  local port servers=""
  for port in "${ports[@]}"; do servers+="server 127.0.0.1:$port max_fails=0; "; done
  sed -n '/^```nginx$/,/^```$/{//!p}' "$root/docs/proxy.md" | sed \
    -e '/\[::\]/d' -e "s/listen 443 /listen 127.0.0.1:$https /" -e "s/listen 80;/listen 127.0.0.1:$http;/" \
    -e "s#/etc/ssl/koine/#$week/tls/#" -e "s#/var/log/nginx/#$week/#" -e 's/chat\.example\.com/localhost/' \
    -e "s/server 127.0.0.1:8420 max_fails=0;.*/$servers/" >"$week/koine.conf"
  {
    [ "$(id -u)" != 0 ] || echo "user root;"
    echo "daemon off; pid $week/nginx.pid; events { worker_connections 768; } http { access_log off;"
    for port in client_body proxy fastcgi uwsgi scgi; do echo "${port}_temp_path $week/tls/$port;"; done
    echo "include $week/koine.conf; }"
  } >"$week/nginx.conf"
  nginx -p "$week" -c "$week/nginx.conf" -e stderr 2>"$week/nginx.log" & nginx=$!
  until_true curl -s --cacert "$traffic/ca.pem" -o "$week/ready" "$url"
}
free_ports() {  # N: ports on which nothing listens, below those of outgoing connections
  "$python" -IS -c 'import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    try:
        held.append(socket.create_server(("127.0.0.1", random.randrange(10_000, 32_000))))
    except OSError:
        pass
print(*(each.getsockname()[1] for each in held))' "$1"
}
traces() {  # how many files have the erased person: of the database (on PostgreSQL its dump) and logs
  rm -f "$week/dump.sql"
  [ -z "${KOINE_DATABASE_URL:-}" ] ||
    "${KOINE_POSTGRES_PROGRAMS:+$KOINE_POSTGRES_PROGRAMS/}pg_dump" "$KOINE_DATABASE_URL" >"$week/dump.sql"
  { grep -rlF "$CANARY" "$KOINE_DATA_DIR" "$week"/*.log "$week"/*.sql 2>/dev/null || :; } | wc -l
}
finish() {
  local code=$?
  trap - EXIT ERR
  # shellcheck disable=SC2046  # one word for each process
  kill $(jobs -p) 2>/dev/null && wait
  if [ $code = 0 ]; then rm -rf "$week"; else echo "logs: $week" >&2; fi
  exit $code
}
failed() {  # once, although the callers of what failed fail, too
  [ -e "$week/failed" ] || printf 'failed: step "%s", line %s: %s\n' "$name" "$1" "$2" >&2
  touch "$week/failed"
}

## Sources; and for root, an account without rights

sources() {
  mkdir -p "$week/source/current" "$week/source/previous"
  git -C "$root" archive HEAD | tar -x -C "$week/source/current"
  if git -C "$root" cat-file -e "$PREVIOUS^{commit}" 2>/dev/null; then
    git -C "$root" archive "$PREVIOUS" | tar -x -C "$week/source/previous"
  fi
}
account=${ACCOUNT:-nobody}
if [ "$(id -u)" = 0 ] && [ "$account" != root ]; then
  [ -d "$programs/current" ] || sources
  chown -R "$account" "$week"
  exec setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups --inh-caps=-all \
    env HOME="$week" WEEK="$week" PATH="/usr/local/bin:/usr/bin:/bin:/usr/sbin" bash "$0" "$@"
fi
name=start
trap finish EXIT
trap 'failed $LINENO "$BASH_COMMAND"' ERR
PATH=$PATH:/usr/sbin
umask 077
[ -d "$week/source" ] || [ -d "$programs/current" ] || sources

## The week

step "Install both versions from their wheels, as $(id -un)"
install_program() {  # as docs/install.md does
  local source=$week/source/$1 program=$programs/$1
  make --silent --no-print-directory -C "$source" wheel | show
  python3 -m venv "$program"
  "$program/bin/pip" --quiet --disable-pip-version-check install --require-hashes --no-deps -r "$source/requirements/run.txt"
  "$program/bin/pip" --quiet --disable-pip-version-check install --no-deps "$source"/dist/koine*.whl
}
for each in current previous; do
  [ -x "$programs/$each/bin/koine" ] || [ ! -e "$week/source/$each/Makefile" ] || install_program "$each"
done
program=$programs/current python=$programs/current/bin/python
[ ! -x "$programs/previous/bin/koine" ] || program=$programs/previous
tell "installed: $(ls "$programs" | wc -l); in use: ${program##*/}"

traffic=$week/traffic
mkdir -p "$traffic" "$week/tls" "$week/data" "$week/backups"
read -r port0 port1 https http hook_port other_port < <(free_ports 6)
url=https://localhost:$https
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$week/tls/privkey.pem" -out "$week/tls/fullchain.pem" 2>/dev/null
cp "$week/tls/fullchain.pem" "$traffic/ca.pem"
echo "$url" >"$traffic/url"
old_key=$(openssl rand -hex 32) new_key=$(openssl rand -hex 32)
export KOINE_DATA_DIR=$week/data KOINE_SECRET_KEY=$old_key KOINE_BASE_URL=$url
export KOINE_TRUSTED_PROXIES=127.0.0.1 KOINE_OUTBOUND_ALLOW=127.0.0.1:$hook_port
# Any number of nodes serve one PostgreSQL database, one process a SQLite file. So a restart is a gap
# there, in which nginx has nobody to pass a request to: clients repeat it, with its Idempotency-Key.
if [ "$first" = sqlite ]; then
  ports=("$port0")
  touch "$traffic/repeat"
else
  ports=("$port0" "$port1")
  export KOINE_DATABASE_URL=$first
fi
declare -A pids

step "Start ${#ports[@]} of the version before, behind nginx; first tenant, user, key, inbox, webhook"
start_all
start_nginx
koine tenant create "Acme Ltd" --slug $SLUG >"$week/made"
koine user create ann@acme.example --name "Ann Lee" --role tenant_admin >"$week/made"
koine user create bob@acme.example --name "Bob Ray" --role agent --json >"$week/bob"
password=$(openssl rand -hex 12)
koine user set-password ann@acme.example --stdin <<<"$password" >"$week/made"
create_key() {
  koine key create Operator --user ann@acme.example --permission manage:tenant --permission read:conversations \
    --permission write:conversations --permission write:customers --permission webhook:manage --json
}
create_key >"$week/key"
field api_key <"$week/key" >"$traffic/key"
koine inbox create Website --json >"$week/made"
inbox=$(field id <"$week/made")
contacts=$url/public/api/v1/inboxes/$(field inbox_identifier <"$week/made")/contacts
api POST /v1/conversations '{"title": "Traffic"}' | field id >"$traffic/conversation"
webhook="{\"url\": \"http://127.0.0.1:$hook_port/\", \"events\": [\"message.created\"]}"
api POST /v1/webhooks "$webhook" >"$week/webhook"
hook=$(field id <"$week/webhook")
receive_webhooks "$(field secret <"$week/webhook")"
same "login with the password" 200 "$(login "$password")"

step "Send messages, and write as a contact"
start_traffic
bob_key=$(koine key create "Bob's" --user bob@acme.example --json | field api_key)
bobs=$(curl -sf --cacert "$traffic/ca.pem" "$url/v1/conversations" -H "Authorization: Bearer $bob_key" \
  -H 'Content-Type: application/json' -d '{"title": "A question"}' | field id)
api PATCH "/v1/conversations/$bobs" "{\"assignee_id\": \"$(field id <"$week/bob")\"}" >"$week/made"
as_contact() { curl -sf --cacert "$traffic/ca.pem" -H 'Content-Type: application/json' "$@"; }
source_id=$(as_contact "$contacts" -d "{\"name\": \"Zoe $CANARY\", \"email\": \"$CANARY@mail.example\"}" |
  field source_id)
number=$(as_contact "$contacts/$source_id/conversations" -d '{}' | field id)
as_contact "$contacts/$source_id/conversations/$number/messages" \
  -d "{\"content\": \"I am $CANARY, call me\"}" >"$week/made"
until_true more_than 10
same "files with the contact's name, at least" 1 "$(($(traces) > 0))"

step "Upgrade under traffic, one node after the other"
if [ "$program" = "$programs/current" ]; then
  tell "left out: the history has no commit $PREVIOUS, or it is not installed"
else
  program=$programs/current
  code=0
  koine migrate --check >"$week/check" || code=$?
  same "exit code of koine migrate --check: migrations are missing that only add" 3 "$code"
  for n in "${!ports[@]}"; do
    stop_node "$n"
    start_node "$n"
    until_true is_ready "$n"
    # The first newer node has migrated the tables. The older one serves on, and says that it can.
    [ "$n" = $((${#ports[@]} - 1)) ] || same "the older node is ready" yes "$(is_ready 1 && echo yes)"
  done
  koine migrate --check | show
fi
at=$(acknowledged)
until_true more_than $((at + 10))
stop_traffic

step "Back up, as each night"
koine backup "$week/backups" | show || [ $? = 3 ]  # 3: written, but the role may not create a database
backup=$(ls "$week/backups"/koine-*.tar)
cp "$traffic/acknowledged" "$week/acknowledged.backup"
at_backup=$(acknowledged)
tell "messages in the backup: $at_backup"
start_traffic

step "Rotate every secret: the server's key, HMAC token, webhook, API key, password"
rotate_hmac_token() {
  local old new
  old=$(api GET "/v1/inboxes/$inbox" | field hmac_token)
  new=$(koine inbox rotate-hmac-token "$inbox" --overlap-hours 48 --json | field hmac_token)
  same "statuses for a contact's hash by the old token, the new one, another" "200 200 401" \
    "$(proof "$old") $(proof "$new") $(proof another)"
}
rotate_webhook_secret() {
  since=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  api POST "/v1/webhooks/$hook/rotate" '{"overlap_hours": 24}' >"$week/rotated"
  receive_webhooks "$(field secret <"$week/rotated")"
}
rotate_api_key() {  # the old one is revoked when the traffic does not use it any more
  local old at
  old=$(cat "$traffic/key")
  create_key >"$week/next_key"
  field api_key <"$week/next_key" >"$traffic/key.next"
  mv "$traffic/key.next" "$traffic/key"
  at=$(acknowledged)
  until_true more_than $((at + 10))
  koine key revoke "$(field id <"$week/key")" | show
  # A webhook that a key made is paused with it: the next key takes it over, and replays what happened
  # meanwhile. The receiver knows by their ids the events that it had.
  api PATCH "/v1/webhooks/$hook" '{"status": "active"}' >"$week/made"
  api POST "/v1/webhooks/$hook/replay" "{\"since\": \"$since\"}" >"$week/made"
  until_true is_refused "$old"
  same "statuses with the old API key, the new one" "401 200" "$(with_key "$old") $(with_key "$(cat "$traffic/key")")"
}
reset_password() {
  local new
  new=$(koine user reset-password ann@acme.example --json | field password)
  same "statuses of a login with the old password, the new one" "401 200" "$(login "$password") $(login "$new")"
}
# Several nodes must accept the new key before one of them signs with it; see docs/secrets.md.
[ ${#ports[@]} = 1 ] || { export KOINE_SECRET_KEY=$old_key,$new_key; roll; }
export KOINE_SECRET_KEY=$new_key,$old_key
roll
koine secrets rotate | show
# The nodes accept tokens that the old key has signed until they start without it, below.
export KOINE_SECRET_KEY=$new_key
same "stored values that the new key does not open" 0 "$(koine secrets status --json | field unopened_values)"
rotate_hmac_token
rotate_webhook_secret
rotate_api_key
reset_password

step "Let a user go"
same "with Bob's key" 200 "$(with_key "$bob_key")"
koine user remove bob@acme.example | show
until_true is_refused "$bob_key"
same "with Bob's key" 401 "$(with_key "$bob_key")"
same "who has his conversation" None "$(api GET "/v1/conversations/$bobs" | field assignee_id)"

step "Erase a person"
koine person export "$CANARY@mail.example" "$week/person.zip" | show
koine person erase "$CANARY@mail.example" --yes | show
koine compact >"$week/compact"
same "files with the contact's name" 0 "$(traces)"

step "Export the tenant, verify the file, import it on another server"
openssl rand -hex 16 >"$week/passphrase"
koine tenant export $SLUG "$week/acme.archive" --passphrase-file "$week/passphrase" --json >"$week/exported"
koine tenant verify "$week/acme.archive" --passphrase-file "$week/passphrase" --json >"$week/verified"
stop_traffic
# The other server has a SQLite file, and a key of its own.
elsewhere=(env KOINE_DATABASE_URL="" KOINE_DATA_DIR="$week/elsewhere" KOINE_PORT="$other_port"
  KOINE_SECRET_KEY="$(openssl rand -hex 32)" "$program/bin/koine")
"${elsewhere[@]}" migrate | show
"${elsewhere[@]}" tenant import "$week/acme.archive" --as "Acme Staging" --passphrase-file "$week/passphrase" | show
"${elsewhere[@]}" serve >>"$week/elsewhere.log" 2>&1 & other=$!
count_elsewhere() {  # the messages of all conversations; its API keys are those of the original
  curl -sf "http://127.0.0.1:$other_port/v1/conversations?limit=100" -H "Authorization: Bearer $(cat "$traffic/key")" |
    "$python" -IS -c 'import json, sys; print(sum(each["message_count"] for each in json.load(sys.stdin)["data"]))'
}
until_true curl -sf -o "$week/ready" "http://127.0.0.1:$other_port/readyz"
messages=$(field rows.messages <"$week/exported")
same "messages in the file, on the other server" "$messages $messages" \
  "$(field rows.messages <"$week/verified") $(count_elsewhere)"
kill $other
wait $other
until_true all_received
same "messages that the webhook's receiver counted" "$(acknowledged)" "$(received)"

step "Restore last night's backup"
stop_all
# Its secrets are encrypted with the key of that night. Who was erased since is in it, and is erased again.
export KOINE_SECRET_KEY=$new_key,$old_key
koine restore "$backup" --force | show
koine person erase-again | show
koine compact >"$week/made"
koine secrets rotate >"$week/made"
export KOINE_SECRET_KEY=$new_key
same "files with the contact's name" 0 "$(traces)"
start_all
# Credentials are those of that night, too: all that was revoked since is valid again.
field api_key <"$week/key" >"$traffic/key"
same "status with Bob's key" 200 "$(with_key "$bob_key")"
cp "$week/acknowledged.backup" "$traffic/acknowledged"
: >"$traffic/unsure"
compare
same "messages" "$at_backup" "$(acknowledged)"
start_traffic
koine user remove bob@acme.example | show
rotate_hmac_token
rotate_webhook_secret
rotate_api_key
reset_password
stop_traffic

step "Move to the other kind of database"
if [ "$first" != sqlite ]; then
  second=sqlite:///$week/moved/koine.db
  mkdir "$week/moved"
fi
if [ -z "$second" ]; then
  tell "left out: no PostgreSQL database is named"
else
  stop_all
  koine move --to "$second" | show
  export KOINE_DATABASE_URL=$second
  [ "$first" = sqlite ] && ports=("$port0" "$port1") || ports=("$port0")
  start_all
  compare
  at=$(acknowledged)
  start_traffic
  until_true more_than $((at + 10))
  stop_traffic
fi
stop_all
printf '\nThe week is over: every count is right.\n'
