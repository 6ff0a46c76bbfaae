#!/usr/bin/env bash
# Stops and starts every process of a cluster, one at a time, under people who talk and call, and says what they lost.
# Fails when a listener loses two seconds of a speaker, or a call or chat is lost.
#   bench/cluster/rolling.sh         50 talkers in rooms of four, and five calls
#   bench/cluster/rolling.sh 20      20 talkers
set -euo pipefail
cd "$(dirname "$0")/../.."
export VOICECLUSTER_TALKERS=${1:-50}
dotnet test test/Hosts.Tests -c Release --nologo --filter "FullyQualifiedName~RollingUpgradeTests" \
  --logger "console;verbosity=detailed" | grep -E "ended in|talkers|Passed|Failed|Error Message|Assert"
