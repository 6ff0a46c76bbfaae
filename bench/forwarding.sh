#!/usr/bin/env bash
# What forwarding a packet costs: the server pinned to one core, voicebench to another, and the floor in C measured in the same round.
#
#   bench/forwarding.sh                      all scenarios, five rounds, about eight minutes
#   bench/forwarding.sh audio mesh           only these: steady audio mesh video calls thousand
#   bench/forwarding.sh thousand             1,000 open microphones in one room, each of the 1,000 receives the three loudest; not among all
#   bench/forwarding.sh latency              one-way latency at 50,000 packets/s, and at 80% of the most that audio does without loss; not among all
#   bench/forwarding.sh plain                steady and audio to WebRTC clients and to plain receivers, in turn; not among all
#   bench/forwarding.sh workers              one room on one worker and on two: bench/workers.sh
#   ROUNDS=3 SUITE=cm bench/forwarding.sh    fewer rounds; AES-CM with HMAC-SHA1 in place of AES-128-GCM
#
# Prints a table and writes artifacts/forwarding.txt. Needs Linux, two cores that nothing else uses, the .NET 10 SDK, gcc and the headers
# of OpenSSL (libssl-dev). Everything it starts ends with it.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "${1:-}" != workers ] || exec bench/workers.sh
rounds=${ROUNDS:-5}
suite=${SUITE:-gcm}
server_core=${SERVER_CORE:-0}
generator_core=${GENERATOR_CORE:-1}
port=${PORT:-18080}
media_port=$((port + 1))
# No coalescing is possible in steady and audio: each receiver takes one stream.
declare -A arguments=(
  [steady]="--rooms 20 --publishers 1 --subscribers 50 --rate 50"
  [calls]="--rooms 50 --publishers 1 --subscribers 20 --rate 50"
  [audio]="--publishers 1 --subscribers 500 --rate ${AUDIO_RATE:-520}"
  [mesh]="--publishers 20 --subscribers 20 --rate ${MESH_RATE:-500}"
  [thousand]="--slots 3 --publishers 1000 --subscribers 0 --conference --lively --rate 50"
  [plain-steady]="--plain all --rooms 20 --publishers 1 --subscribers 50 --rate 50"
  [plain-audio]="--plain all --publishers 1 --subscribers 500 --rate ${AUDIO_RATE:-520}"
  [latency]="--publishers 1 --subscribers 500"
  [video]="--no-audio --video --publishers 1 --subscribers 100 --frame-rate ${VIDEO_RATE:-150} --frame-packets 8"
)
declare -A bytes=([steady]=172 [calls]=172 [audio]=172 [mesh]=172 [video]=1212 [thousand]=172 [latency]=172 [plain-steady]=172 [plain-audio]=172)
scenarios=("$@")
# Each beside its like, so that what the machine does meanwhile happens to both.
[ "$*" != plain ] || scenarios=(steady plain-steady audio plain-audio)
[ $# -gt 0 ] || scenarios=(steady calls audio mesh video)
for scenario in "${scenarios[@]}"; do
  [[ -n ${arguments[$scenario]:-} && ($scenario != latency || $# -eq 1) ]] || { echo "There is no scenario '$scenario': steady calls audio mesh video thousand plain-steady plain-audio, and latency or plain by itself." >&2; exit 2; }
done

command -v gcc >/dev/null || { echo "The floor needs gcc, which is not installed (apt-get install gcc libssl-dev)." >&2; exit 2; }
echo '#include <openssl/evp.h>' | gcc -E - >/dev/null 2>&1 || { echo "The floor needs the headers of OpenSSL, which are not installed (apt-get install libssl-dev)." >&2; exit 2; }
command -v taskset >/dev/null || { echo "taskset is not installed (apt-get install util-linux)." >&2; exit 2; }

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
if [ -z "${NO_BUILD:-}" ]; then
  dotnet build src/Standalone -c Release -nologo -v quiet -clp:NoSummary
  dotnet build src/LoadTest -c Release -nologo -v quiet -clp:NoSummary
fi
ulimit -n 8192 2>/dev/null || true
work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || { kill -TERM "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; }
  rm -rf "$work"
}
trap finish EXIT
gcc -O2 -Wall -Wextra -o "$work/floor" bench/floor/floor.c -lcrypto

# A server with one worker. Limits are for clients of many addresses; here all are one.
taskset -c "$server_core" dotnet src/Standalone/bin/Release/net10.0/VoiceCluster.Standalone.dll --Http:Ports="$port" \
  --Media:PortRange="$media_port-$((media_port + 20))" --Media:HttpPort=$((port + 30)) --Relay:UdpPort=$((port + 31)) --Media:PlainPortRange=$((port + 40))-$((port + 2040)) --Data:Path="$work" \
  --Media:Workers=1 --RateLimit:Enabled=false --Channels:MaxUsersPerChannel=2000 --Rooms:MaxParticipants=2000 --Logging:LogLevel:Default=Warning >"$work/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  grep -q '^VoiceCluster ready' "$work/server.log" && break
  kill -0 "$server" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
  sleep 0.1
done

field() { grep -o "\"$1\": [0-9.]*" "$2" | head -1 | sed 's/.*: //'; }
# floor BYTES [RATE]: nanoseconds a packet.
floor() { "$work/floor" 1 "$1" 500 "$server_core" "$generator_core" gcm 1 "${2:-0}" | sed 's/ ns.*//'; }
# run SCENARIO [OPTION...]
run() {
  local scenario=$1
  shift
  # shellcheck disable=SC2086
  taskset -c "$generator_core" dotnet src/LoadTest/bin/Release/net10.0/voicebench.dll --url "http://127.0.0.1:$port" --admin "http://127.0.0.1:$((port + 30))" ${arguments[$scenario]} --srtp "$suite" \
    --room-prefix "$scenario" --joins 16 --warm-up "${WARM_UP:-2s}" --duration "${DURATION:-4s}" --json - "$@" >"$work/run.json" 2>"$work/run.log" \
    || { cat "$work/run.log" "$work/run.json" >&2; }
}

# The runtime compiles the hot path anew, twice, once it has run for some seconds, in the background of the same core. What counts is a server
# that has been up for a while: so at a low rate first, until that thread has little left to do.
compiled() { curl -s "http://127.0.0.1:$port/metrics" | awk '/^dotnet_jit_compilation_time_seconds_total/ { s += $2 } END { print s + 0 }'; }
for _ in $(seq "${WARM_UPS:-8}"); do
  before=$(compiled)
  for scenario in "${scenarios[@]}"; do run "$scenario" --rate 50 --frame-rate 20 --warm-up 1s --duration "${COMPILE:-6s}"; done
  after=$(compiled)
  echo "warm-up: $(awk "BEGIN { print $after - $before }") s of compiling" >&2
  if awk "BEGIN { exit !($after - $before < 0.05 * ${#scenarios[@]}) }"; then break; fi
done

# median COLUMN SCENARIO
median() { awk -v c="$1" -v s="$2" '$1 == s { print $c }' "$work/rows" | sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# percentiles KEY: p50, p99 and p99.9 of the last run.
percentiles() { grep -A3 "\"$1\"" "$work/run.json" | grep -o '[0-9.]*,\?$' | tr -d ',' | tr '\n' ' '; }

# Latency: the most packets/s without loss by bisection, then that at 50,000 a second and at 80% of the most, in turn. A packet for 500
# receivers is late for the last of them by the time that 500 take, so the 80% come as steady's rooms of 50, too.
if [ "${scenarios[0]}" = latency ]; then
  # What leaves a queue that grows is late long before it is lost.
  low=100
  high=${MOST:-800}
  while [ $((high - low)) -gt 20 ]; do
    rate=$(((low + high) / 2))
    run latency --rate "$rate"
    if awk "BEGIN { exit !($(field lossPercent "$work/run.json") < 0.01 && $(percentiles latencyMicroseconds | cut -d' ' -f1) < 20000 && $(field packetsPerSecond "$work/run.json") > 0.98 * 500 * $rate) }"; then low=$rate; else high=$rate; fi
    echo "bisection: $((rate * 500)) packets/s, $(field lossPercent "$work/run.json")% lost, latency $(percentiles latencyMicroseconds)µs, generator $(field generatorCpuCores "$work/run.json") cores" >&2
  done
  : >"$work/rows"
  for round in $(seq "$rounds"); do
    for at in steady eighty-rooms eighty; do
      case $at in
        steady) run steady ;;
        eighty-rooms) run steady --rate $((low * 2 / 5)) ;;
        eighty) run latency --rate $((low * 4 / 5)) ;;
      esac
      echo "$at $(field packetsPerSecond "$work/run.json") $(field lossPercent "$work/run.json") $(percentiles latencyMicroseconds) $(percentiles generatorLagMicroseconds) $(field cpuCores "$work/run.json") $(field generatorCpuCores "$work/run.json")" >>"$work/rows"
      echo "round $round: $(tail -1 "$work/rows")" >&2
    done
  done
  mkdir -p artifacts
  {
    echo "A thread in C that sleeps for a millisecond wakes late by p50/p99/p99.9: $("$work/floor" wake 5 "$server_core") µs on the server's core, $("$work/floor" wake 5 "$generator_core") µs on the generator's."
    echo "$suite, median of $rounds, load $(cut -d' ' -f1 /proc/loadavg); the most without loss: $((low * 500)) packets/s; arrival $(grep '"arrival"' "$work/run.json" | cut -d'"' -f4)"
    echo "| at | packets/s | loss % | latency p50/p99/p99.9 µs | generator lag p50/p99/p99.9 µs | server cores | generator cores |"
    echo "|---|---|---|---|---|---|---|"
    for at in steady eighty-rooms eighty; do
      printf '| %s | %.0f | %s | %.0f/%.0f/%.0f | %.0f/%.0f/%.0f | %.2f | %.2f |\n' "$(case $at in steady) echo steady ;; eighty-rooms) echo "80% of the most, 50 receivers a packet" ;; eighty) echo "80% of the most, 500 receivers a packet" ;; esac)" $(for column in 2 3 4 5 6 7 8 9 10 11; do median $column $at; done)
    done
  } | tee artifacts/latency.txt
  exit
fi
: >"$work/rows"
for round in $(seq "$rounds"); do
  for scenario in "${scenarios[@]}"; do
    base=$(floor "${bytes[$scenario]}")
    paced=$base
    [[ $scenario != *steady && $scenario != calls ]] || paced=$(floor "${bytes[$scenario]}" 50000)
    run "$scenario"
    echo "$scenario $base $(field cpuMicrosecondsPerPacket "$work/run.json") $(field packetsPerSecond "$work/run.json") $(field lossPercent "$work/run.json")" \
      "$(percentiles latencyMicroseconds)" \
      "$(field cpuCores "$work/run.json") $(field memoryMB "$work/run.json") $(field gcPauseMilliseconds "$work/run.json") $(field generatorCpuCores "$work/run.json") $paced $(field datagramsPerMessage "$work/run.json") $(field workerAllocatedBytes "$work/run.json") $(field lockContentions "$work/run.json") $(field compileSeconds "$work/run.json") $(percentiles generatorLagMicroseconds)" >>"$work/rows"
    echo "round $round: $(tail -1 "$work/rows")" >&2
  done
done

# ratio SCENARIO COLUMN-OF-THE-FLOOR
ratio() { awk -v s="$1" -v f="$2" '$1 == s { print $3 * 1000 / $f }' "$work/rows" | sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
mkdir -p artifacts
{
  echo "$suite, median of $rounds, load $(cut -d' ' -f1 /proc/loadavg)"
  echo "| scenario | packets/s | loss % | floor ns | server CPU µs a packet | ratio | ratio to the floor at that rate | latency p50/p99/p99.9 µs | server cores | generator cores | generator lag p50/p99/p99.9 µs | server MB | datagrams a message | bytes allocated by the worker | waits for locks | GC pauses ms | s of compiling |"
  echo "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"
  for s in "${scenarios[@]}"; do
    printf '| %s | %.0f | %s | %.0f | %.2f | %s | %s | %.0f/%.0f/%.0f | %.2f | %.2f | %.0f/%.0f/%.0f | %.0f | %.1f | %.0f | %.0f | %.1f | %.2f |\n' "$s" "$(median 4 "$s")" "$(median 5 "$s")" "$(median 2 "$s")" "$(median 3 "$s")" "$(ratio "$s" 2)" "$([[ $s = *steady || $s = calls ]] && ratio "$s" 13 || echo –)" \
      "$(median 6 "$s")" "$(median 7 "$s")" "$(median 8 "$s")" "$(median 9 "$s")" "$(median 12 "$s")" \
      "$(median 18 "$s")" "$(median 19 "$s")" "$(median 20 "$s")" "$(median 10 "$s")" \
      "$(median 14 "$s")" "$(median 15 "$s")" "$(median 16 "$s")" "$(median 11 "$s")" "$(median 17 "$s")"
  done
  for s in steady audio; do
    # What a packet costs to a WebRTC client as a ratio to a plain receiver, of each round by itself.
    if [[ " ${scenarios[*]} " == *" $s "* && " ${scenarios[*]} " == *" plain-$s "* ]]; then
      echo
      echo "$s, WebRTC clients to plain receivers: $(awk -v a="$s" -v b="plain-$s" '$1 == a { web[++n] = $3 } $1 == b { plain[++m] = $3 } END { for (i = 1; i <= n && i <= m; i++) print web[i] / plain[i] }' "$work/rows" | sort -g | awk '{ v[NR] = $1 } END { printf "%.2f (%.2f to %.2f)", (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2, v[1], v[NR] }')"
    fi
  done
} | tee artifacts/forwarding.txt
