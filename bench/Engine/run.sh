#!/usr/bin/env bash
# What calls of the engine cost, beside the figures of the official engine. See docs/performance.md.
#
#   bench/Engine/run.sh                    every section, 5 samples a row
#   bench/Engine/run.sh 3 calls            3 samples of one section
#   bench/Engine/run.sh 3 'calls:silo to silo'   of some rows alone
#
# Needs the .NET 10 SDK and PostgreSQL. Everything that it starts ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
samples=${1:-5}
shift $(($# > 0 ? 1 : 0))
[ $# -gt 0 ] || set -- calls activations start memory faults scaling
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -n "${SKIP_BUILD:-}" ] || dotnet build bench/Engine -c Release -nologo -v quiet -clp:NoSummary

folder=$(mktemp -d)
binaries=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
port=$((20000 + RANDOM % 10000))
postgres() { if [ "$(id -u)" -eq 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
finish() {
  postgres "$binaries/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT

[ "$(id -u)" -ne 0 ] || chown postgres "$folder"
postgres "$binaries/initdb" -D "$folder/data" -U voice -A trust -E UTF8 --locale=C >/dev/null
postgres "$binaries/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder" start >/dev/null
bench/Engine/bin/Release/net10.0/VoiceCluster.Bench.Engine \
  "Host=127.0.0.1;Port=$port;Username=voice;Database=postgres" "$samples" "$@"
