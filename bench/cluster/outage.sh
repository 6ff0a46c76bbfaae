#!/usr/bin/env bash
# Takes Redis, then PostgreSQL, then both away from a cluster of processes in which people talk and call, for three minutes each:
# killed, and PostgreSQL also hung. Fails when anybody loses a packet, is not let in to a live room, or when it does not all come back.
#   bench/cluster/outage.sh          180 seconds
#   bench/cluster/outage.sh 60       60 seconds
set -euo pipefail
cd "$(dirname "$0")/../.."
export VOICECLUSTER_OUTAGE_SECONDS=${1:-180}
for outage in "redis killed" "postgres killed" "redis killed, postgres killed" "postgres hung"; do
  VOICECLUSTER_OUTAGES=$outage dotnet test test/Hosts.Tests -c Release --nologo --filter "FullyQualifiedName~StoreOutageTests" \
    --logger "console;verbosity=detailed" | grep -E "away for|Passed|Failed|Error Message|Assert" || exit 1
done
