#!/usr/bin/env bash
# Measures the standalone server: start, idle memory, a room of two browsers, churn, mute. See docs/performance.md.
#
#   bench/footprint/run.sh                 all of it, about eight minutes
#   bench/footprint/run.sh start churn     only these: start idle room churn mute
#   bench/footprint/run.sh soak            10,000 clients come and go in an hour; not among all. PERIODS=3: a quarter of an hour
#
# Prints one table and writes artifacts/footprint.json. Needs the .NET 10 SDK, Node.js 20 and, for room, Chromium
# (CHROMIUM_PATH, else /usr/bin/chromium). Linux only: it reads /proc. Everything it starts ends with it.
set -euo pipefail
cd "$(dirname "$0")/../.."

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
dotnet build src/Standalone -c Release -nologo -v quiet -clp:NoSummary
dotnet build bench/footprint/Churn -c Release -nologo -v quiet -clp:NoSummary
dotnet build src/LoadTest -c Release -nologo -v quiet -clp:NoSummary
install() { (cd "$1" && { [ -d node_modules ] || npm ci --no-audit --no-fund --loglevel=error; }); }
install bench/footprint
install web
exec node bench/footprint/measure.mjs "$@"
