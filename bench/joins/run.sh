#!/usr/bin/env bash
# How many WebRTC transports one media worker connects a second (ICE and DTLS), and what one costs. See docs/performance.md.
#
#   bench/joins/run.sh              8 s each with 1, 16 and 64 at a time
#   bench/joins/run.sh 3 16         3 s with 16
#
# The server runs on core 0, the clients on core 1. It warms up for 8 to 40 s, until the runtime's compiler rests. Needs Linux, two cores that nothing else uses, and the .NET 10 SDK.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -n "${SKIP_BUILD:-}" ] || dotnet build bench/joins -c Release -nologo -v quiet -clp:NoSummary
seconds=${1:-8}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- 1 16 64
echo "load before: $(cut -d' ' -f1 /proc/loadavg)"
taskset -c 1 dotnet bench/joins/bin/Release/net10.0/VoiceCluster.Bench.Joins.dll client "$seconds" "$@"
