#!/usr/bin/env bash
# Builds everything, checks the format and the page, and runs every test project.
#
#   ./test.sh                    all of it
#   ./test.sh Media Browser      only test projects whose name contains one of the words, without the checks
#
# On Debian and Ubuntu it installs what the tests need (Chromium, PostgreSQL, Redis, NATS, coturn, ffmpeg). It needs the .NET 10 SDK and Node.js 20.
# The last line is "N passed, N failed"; the exit code is 0 only when nothing failed.
set -uo pipefail
cd "$(dirname "$0")"

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
configuration=Release
results="$PWD/artifacts/test-results"
passed=0
failed=0
failures=()

note() { printf '\n== %s\n' "$*"; }

install_packages() {
  local missing=()
  command -v chromium >/dev/null || [ -n "${CHROMIUM_PATH:-}" ] || missing+=(chromium)
  command -v curl >/dev/null || missing+=(curl)
  command -v jq >/dev/null || missing+=(jq)
  command -v node >/dev/null || missing+=(nodejs npm)
  [ -d /usr/lib/postgresql ] || command -v initdb >/dev/null || missing+=(postgresql)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v turnserver >/dev/null || missing+=(coturn)
  command -v nats-server >/dev/null || missing+=(nats-server)
  command -v ffmpeg >/dev/null || missing+=(ffmpeg)
  command -v opusinfo >/dev/null || missing+=(opus-tools)
  command -v ip >/dev/null || missing+=(iproute2)
  ldconfig -p | grep -q 'libssl\.so\.3' || missing+=(libssl3)
  ldconfig -p | grep -q 'libopus\.so\.0' || missing+=(libopus0)
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! command -v apt-get >/dev/null; then
    echo "Please install: ${missing[*]}" >&2
    return 1
  fi
  local sudo=""
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  note "Installing ${missing[*]}"
  if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    # The tests start servers of their own; the package need not start one as well.
    $sudo mkdir -p /etc/postgresql-common && echo "create_main_cluster = false" | $sudo tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  $sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# check NAME COMMAND...: a step that counts as one test.
check() {
  local name=$1
  shift
  note "$name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    failures+=("$name")
  fi
}

# failed_tests LOG: each failed test of a project's log, with the first lines of what it says.
failed_tests() {
  [ -f "$1" ] || return 0
  awk '/^ *Failed / { left = 25 } /^ *Passed |^\[xUnit/ { left = 0 } left > 0 { print "  " substr($0, 1, 400); left-- }' "$1"
}

finish() {
  note "Result"
  local name
  for name in "${failures[@]+"${failures[@]}"}"; do
    echo "FAILED: $name"
    failed_tests "$results/${name%%:*}.log"
  done
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

page_is_current() {
  (cd web && npm ci --no-audit --no-fund --loglevel=error && npm run --silent check)
}

# Each benchmark of a hot operation once: that it runs, not how fast.
benchmarks_run() {
  local log="$results/benchmarks.log"
  dotnet "bench/Packets/bin/$configuration/net10.0/VoiceCluster.Bench.Packets.dll" short --filter '*' --artifacts "$results/benchmarks" >"$log" 2>&1 || { tail -40 "$log"; return 1; }
}

# run_project PROJECT: runs one test project and adds up its results file.
run_project() {
  local project=$1 name
  name=$(basename "$project" .csproj)
  note "$name"
  rm -f "$results/$name.trx" "$results/$name.log"
  dotnet test "$project" -c "$configuration" --no-build --nologo \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=normal" --results-directory "$results" \
    --blame-hang-timeout 10m --blame-hang-dump-type none 2>&1 | grep -vE '^\s*$|^VSTest|^Starting test|^A total of' | tee "$results/$name.log"
  local status=${PIPESTATUS[0]} counters
  counters=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null | head -1)
  local ok=0 bad=0
  if [ -n "$counters" ]; then
    ok=$(sed -E 's/.* passed="([0-9]+)".*/\1/' <<<"$counters")
    bad=$(sed -E 's/.* failed="([0-9]+)".*/\1/' <<<"$counters")
  fi
  # A runner that broke without naming a failed test is a failure as well.
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + ok))
  failed=$((failed + bad))
  [ "$bad" -eq 0 ] || failures+=("$name: $bad")
}

mkdir -p "$results"
install_packages || { failures+=("packages"); failed=1; finish; }

note "Build"
if ! dotnet build Orleans.sln -c "$configuration" -nologo -v quiet -clp:NoSummary; then
  failed=1
  failures+=("build")
  finish
fi

if [ $# -eq 0 ]; then
  check "Format" dotnet format Orleans.sln --verify-no-changes --no-restore
  check "Page is current" page_is_current
  check "Benchmarks run" benchmarks_run
fi

for project in test/*/*.csproj; do
  if [ $# -gt 0 ]; then
    wanted=false
    for word in "$@"; do [[ $(basename "$project") == *"$word"* ]] && wanted=true; done
    $wanted || continue
  fi
  run_project "$project"
done
finish
