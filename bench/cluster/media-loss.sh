#!/usr/bin/env bash
# Kills the media node of a room again and again, under four people in Chromium, and says how long until each heard all the others again.
#   bench/cluster/media-loss.sh          10 kills
#   bench/cluster/media-loss.sh 30       30 kills
set -euo pipefail
cd "$(dirname "$0")/../.."
export VOICECLUSTER_MEDIA_ROUNDS=${1:-10}
dotnet test test/Browser.Tests -c Release --nologo --filter "FullyQualifiedName~ClusterLossTests.MediaNode_Killed" \
  --logger "console;verbosity=detailed" | grep -E "killed:|kills,|Passed|Failed|Error Message|Assert"
