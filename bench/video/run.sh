#!/usr/bin/env bash
# How fast a browser's picture follows its link: 3 Mbit/s, then 300 kbit/s, then 1.5 Mbit/s, with a second browser on a good link.
# See docs/performance.md.
#
#   bench/video/run.sh          five runs
#   bench/video/run.sh 10       ten
#
# Needs the .NET 10 SDK, Node.js 20 and Chromium. A run takes half a minute. It fails when a run does: a layer that does not follow.
set -uo pipefail
cd "$(dirname "$0")/../.."
export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
runs=${1:-5}
[ -n "${SKIP_BUILD:-}" ] || dotnet build test/Browser.Tests -c Release -nologo -v quiet -clp:NoSummary || exit
log=$(mktemp)
trap 'rm -f "$log"' EXIT
failed=0

echo "load at the start: $(cut -d' ' -f1-3 /proc/loadavg)"
echo
echo "| run | down s (wanted 3) | up s (wanted 8) | freezes | freezes in all s | longest gap ms (wanted 500) | packets lost | the other's longest gap ms | the other's least width | load |"
echo "|---|---|---|---|---|---|---|---|---|---|"
for run in $(seq "$runs"); do
  if ! dotnet test test/Browser.Tests -c Release --no-build --nologo --logger "console;verbosity=detailed" \
    --filter "FullyQualifiedName~AdaptiveVideoTests" >"$log" 2>&1; then
    failed=$((failed + 1))
  fi
  figures=$(sed -n 's/^ *figures: //p' "$log" | head -1)
  if [ -z "$figures" ]; then
    echo "| $run | failed: $(grep -m1 -A1 'Error Message' "$log" | tail -1 | cut -c1-120) |"
  else
    echo "| $run | ${figures// / | } | $(cut -d' ' -f1 /proc/loadavg) |"
  fi
done

echo
echo "$failed of $runs runs failed"
[ "$failed" -eq 0 ]
