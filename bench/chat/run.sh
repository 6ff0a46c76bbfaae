#!/usr/bin/env bash
# Chat messages stored a second over REST, on PostgreSQL and on SQLite, and the memory of a session. See docs/performance.md.
#
#   bench/chat/run.sh                   both databases, 10 s a level, 1, 20 and 128 writers, 2,000 sessions
#   bench/chat/run.sh 5 1000 20         5 s a level, 1,000 sessions, 20 writers
#   STORES=sqlite bench/chat/run.sh     one of them
#
# Needs the .NET 10 SDK and PostgreSQL. Everything that it starts ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-10} sessions=${2:-2000}
shift $(($# > 2 ? 2 : $#))
[ $# -gt 0 ] || set -- 1 20 128
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -n "${SKIP_BUILD:-}" ] || for project in src/Standalone bench/chat; do dotnet build "$project" -c Release -nologo -v quiet -clp:NoSummary; done

folder=$(mktemp -d)
binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
port=$((20000 + RANDOM % 10000))
postgres() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
server=
stop() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  server=
}
finish() {
  stop
  [ ! -f "$folder/data/postmaster.pid" ] || postgres "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT

for store in ${STORES:-postgresql sqlite}; do
  options=()
  if [ "$store" = postgresql ]; then
    [ "$(id -u)" -ne 0 ] || chown postgres "$folder"
    postgres "$binaries/initdb" -D "$folder/data" -U voice -A trust -E UTF8 --locale=C >/dev/null
    postgres "$binaries/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
      -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder" start >/dev/null
    options=("--DATABASE_URL=postgres://voice@127.0.0.1:$port/postgres")
  fi

  mkdir "$folder/$store"
  (cd "$folder/$store" && exec dotnet "$OLDPWD/src/Standalone/bin/Release/net10.0/VoiceCluster.Standalone.dll" \
    --Http:Ports=$((port + 1)) --Media:PortRange=$((port + 10))-$((port + 20)) --Media:HttpPort=$((port + 2)) --Relay:UdpPort=$((port + 3)) \
    --RateLimit:Enabled=false --Logging:LogLevel:Default=Warning "${options[@]}" >"$folder/$store/out" 2>"$folder/$store/err") &
  server=$!
  for _ in $(seq 600); do
    grep -q "ready" "$folder/$store/out" 2>/dev/null && break
    sleep 0.1
  done
  grep -q "ready" "$folder/$store/out" || { cat "$folder/$store/err" >&2; exit 1; }
  echo "$store"
  dotnet bench/chat/bin/Release/net10.0/VoiceCluster.Bench.Chat.dll "http://127.0.0.1:$((port + 1))" "$seconds" "$server" "$sessions" "$@"
  stop
done
