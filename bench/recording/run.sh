#!/usr/bin/env bash
# What a recording costs: processor time of the worker and of the writer, and memory, by participants. See docs/performance.md.
#
#   bench/recording/run.sh            five rounds of 60 s of media
#   bench/recording/run.sh 3 20       three rounds of 20 s
#
# Needs the .NET 10 SDK. The files go to a new directory under /tmp, and away again.
set -euo pipefail
cd "$(dirname "$0")/../.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
[ -n "${SKIP_BUILD:-}" ] || dotnet build bench/recording -c Release -nologo -v quiet -clp:NoSummary
exec dotnet bench/recording/bin/Release/net10.0/VoiceCluster.Bench.Recording.dll "$@"
