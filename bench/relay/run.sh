#!/usr/bin/env bash
# The relay's figures: packets a second and CPU a packet forwarded, memory a client, and what the mix costs. See docs/performance.md.
#
#   bench/relay/run.sh            8 s at each of four rates, 50 channels of ten clients
#   bench/relay/run.sh 2 5        2 s a rate, 5 channels
#
# Needs the .NET 10 SDK and libopus. Everything that it starts ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -n "${SKIP_BUILD:-}" ] || for project in src/Standalone bench/relay bench/Mixing; do dotnet build "$project" -c Release -nologo -v quiet -clp:NoSummary; done

folder=$(mktemp -d)
port=$((20000 + RANDOM % 10000))
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  [ -z "$server" ] || wait "$server" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT

root=$PWD
(cd "$folder" && exec dotnet "$root/src/Standalone/bin/Release/net10.0/VoiceCluster.Standalone.dll" \
  --Http:Ports="$port" --Media:PortRange=$((port + 10))-$((port + 20)) --Media:HttpPort=$((port + 2)) --Relay:UdpPort=$((port + 3)) \
  --RateLimit:Enabled=false --Logging:LogLevel:Default=Warning >"$folder/out" 2>"$folder/err") &
server=$!
for _ in $(seq 600); do
  grep -q "ready" "$folder/out" 2>/dev/null && break
  sleep 0.1
done
grep -q "ready" "$folder/out" || { cat "$folder/err" >&2; exit 1; }
echo "load before: $(cut -d' ' -f1 /proc/loadavg)"
dotnet bench/relay/bin/Release/net10.0/VoiceCluster.Bench.Relay.dll "http://127.0.0.1:$port" "$server" "${1:-8}" "${2:-50}"
dotnet bench/Mixing/bin/Release/net10.0/VoiceCluster.Bench.Mixing.dll 3
