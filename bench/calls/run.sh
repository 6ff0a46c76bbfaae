#!/usr/bin/env bash
# Call set-ups a second over REST and WebSocket, one silo, PostgreSQL. See docs/performance.md.
#
#   bench/calls/run.sh                     1,000 connected clients, 1, 8, 32 and 128 pairs calling at a time
#   bench/calls/run.sh 200 10 4 16         200 clients, 10 s a level, 4 and 16 pairs
#   STORE=sqlite bench/calls/run.sh        the same on the embedded database
#
# Needs the .NET 10 SDK and PostgreSQL. Everything that it starts ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
clients=${1:-1000} seconds=${2:-15}
shift $(($# > 2 ? 2 : $#))
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -n "${SKIP_BUILD:-}" ] || for project in src/Standalone bench/calls; do dotnet build "$project" -c Release -nologo -v quiet -clp:NoSummary; done

folder=$(mktemp -d)
binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
port=$((20000 + RANDOM % 10000))
postgres() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  postgres "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT

[ "$(id -u)" -ne 0 ] || chown postgres "$folder"
postgres "$binaries/initdb" -D "$folder/data" -U voice -A trust -E UTF8 --locale=C >/dev/null
postgres "$binaries/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder" start >/dev/null
postmaster=$(head -1 "$folder/data/postmaster.pid")
store=("--DATABASE_URL=postgres://voice@127.0.0.1:$port/postgres")
[ "${STORE:-}" != sqlite ] || store=()

mkdir "$folder/run"
(cd "$folder/run" && exec dotnet "$OLDPWD/src/Standalone/bin/Release/net10.0/VoiceCluster.Standalone.dll" \
  --Http:Ports=$((port + 1)) --Media:PortRange=$((port + 10))-$((port + 20)) --Media:HttpPort=$((port + 2)) --Relay:UdpPort=$((port + 3)) \
  --RateLimit:Enabled=false --Logging:LogLevel:Default=Warning "${store[@]}" >"$folder/run/out" 2>"$folder/run/err") &
server=$!
for _ in $(seq 600); do
  grep -q "ready" "$folder/run/out" 2>/dev/null && break
  sleep 0.1
done
grep -q "ready" "$folder/run/out" || { cat "$folder/run/err" >&2; exit 1; }
dotnet bench/calls/bin/Release/net10.0/VoiceCluster.Bench.Calls.dll "http://127.0.0.1:$((port + 1))" "$clients" "$seconds" "$server" "$postmaster" "$@"
