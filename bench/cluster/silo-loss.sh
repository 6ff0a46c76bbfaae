#!/usr/bin/env bash
# Stops silos, and kills them, again and again, and says how long their rooms took to answer through a frontend. Packets are counted
# meanwhile: it fails when one is lost.
#   bench/cluster/silo-loss.sh           10 silos each way, 100 rooms
#   bench/cluster/silo-loss.sh 5 200     5 silos, 200 rooms
set -euo pipefail
cd "$(dirname "$0")/../.."
export VOICECLUSTER_SILO_ROUNDS=${1:-10} VOICECLUSTER_PROBED_ROOMS=${2:-100}
dotnet test test/Hosts.Tests -c Release --nologo --filter "FullyQualifiedName~SiloTests" \
  --logger "console;verbosity=detailed" | grep -E "answered again|rooms waited|Passed|Failed|Error Message|Assert"
