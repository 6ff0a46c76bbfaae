#!/usr/bin/env bash
# How fast a browser's picture follows its link: 3 Mbit/s, then 300 kbit/s, then 1.5 Mbit/s, with a second browser on a good link.
# See docs/performance.md.
#
#   bench/video/run.sh          five runs
#   bench/video/run.sh 10       ten
#
# Needs the .NET 10 SDK, Node.js 20 and Chromium. A run takes half a minute. The exit code is 1 when a run fails, a layer
# does not follow within 3 s down or 8 s up, or a picture stands still for more than 500 ms.
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
  broken=
  if ! dotnet test test/Browser.Tests -c Release --no-build --nologo --logger "console;verbosity=detailed" \
    --filter "FullyQualifiedName~AdaptiveVideoTests" >"$log" 2>&1; then
    broken=yes
  fi
  figures=$(sed -n 's/^ *figures: //p' "$log" | head -1)
  if [ -z "$figures" ]; then
    broken=yes
    echo "| $run | failed: $(grep -m1 -A1 'Error Message' "$log" | tail -1 | cut -c1-120) |"
  else
    # Columns of the table: down, up, the longest gap, the other's longest gap.
    awk -v figures="$figures" 'BEGIN { n = split(figures, f, " "); exit !(n >= 7 && f[1] <= 3 && f[2] <= 8 && f[5] <= 500 && f[7] <= 500) }' || broken=yes
    echo "| $run | ${figures// / | } | $(cut -d' ' -f1 /proc/loadavg)${broken:+, out of bounds} |"
  fi
  [ -z "$broken" ] || failed=$((failed + 1))
done

echo
echo "$failed of $runs runs failed or broke a bound"
[ "$failed" -eq 0 ]
