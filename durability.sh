#!/usr/bin/env bash
# Kills the server with -9 many times over, on SQLite and on PostgreSQL, and checks what is left. See test/Durability.Tests.
#   ./durability.sh             200 kills for each store
#   ./durability.sh 1000 7      1,000 kills each, with the random moments of seed 7
set -euo pipefail
cd "$(dirname "$0")"
export VOICECLUSTER_KILLS=${1:-200} VOICECLUSTER_SEED=${2:-2026}
exec dotnet test test/Durability.Tests -c Release --nologo --filter "FullyQualifiedName~KillTests" --logger "console;verbosity=detailed"
