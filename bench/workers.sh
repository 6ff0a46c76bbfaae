#!/usr/bin/env bash
# One room on one worker of a media node and the same room on two, in turn, in the same run.
#
#   bench/workers.sh                         five rounds, about two minutes
#   ROUNDS=3 RATE=200 bench/workers.sh       fewer rounds; packets a second of the room's one voice, which each of the 400 receives
#   ONE_CORE=0 TWO_CORES=0,1 GENERATOR_CORES=2,3 RATE=700 bench/workers.sh      with four cores: both at the limit
#
# Prints a table and writes artifacts/workers.txt. The last column is what two workers forward with a core each, by what a packet costs: twice the
# cost with one divided by the cost with two. With cores enough for all, and a rate that is too much, the packets a second say it themselves.
# Where the generator shares a core with a worker, keep the rate low enough for both: its share is shown. Needs Linux and the .NET 10 SDK.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-5}
rate=${RATE:-100}
receivers=${RECEIVERS:-400}
one_core=${ONE_CORE:-0}
two_cores=${TWO_CORES:-0,1}
generator_cores=${GENERATOR_CORES:-1}
port=${PORT:-18180}
command -v taskset >/dev/null || { echo "taskset is not installed (apt-get install util-linux)." >&2; exit 2; }
command -v curl >/dev/null || { echo "curl is not installed (apt-get install curl)." >&2; exit 2; }

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
if [ -z "${NO_BUILD:-}" ]; then
  dotnet build src/Standalone -c Release -nologo -v quiet -clp:NoSummary
  dotnet build src/LoadTest -c Release -nologo -v quiet -clp:NoSummary
fi
ulimit -n 8192 2>/dev/null || true
work=$(mktemp -d)
servers=()
finish() {
  for server in "${servers[@]}"; do kill -TERM "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# start WORKERS CORES: half of the receivers are enough for a worker.
start() {
  local at=$((port + ($1 - 1) * 50))
  mkdir -p "$work/$1"
  taskset -c "$2" dotnet src/Standalone/bin/Release/net10.0/VoiceCluster.Standalone.dll --Http:Ports="$at" \
    --Media:PortRange="$((at + 1))-$((at + 20))" --Media:HttpPort=$((at + 30)) --Relay:UdpPort=$((at + 31)) --Data:Path="$work/$1" \
    --Media:Workers="$1" --Media:MaxConsumersPerWorker=$((receivers / 2)) --RateLimit:Enabled=false --Channels:MaxUsersPerChannel=2000 \
    --Rooms:MaxParticipants=2000 --Logging:LogLevel:Default=Warning >"$work/server$1.log" 2>&1 &
  servers+=($!)
  for _ in $(seq 300); do
    grep -q '^VoiceCluster ready' "$work/server$1.log" && return
    kill -0 "${servers[-1]}" 2>/dev/null || { cat "$work/server$1.log" >&2; exit 1; }
    sleep 0.1
  done
}

field() { grep -o "\"$1\": [0-9.]*" "$work/run.json" | head -1 | sed 's/.*: //'; }
# sent WORKERS: datagrams that each worker has sent, and what passed between them.
sent() {
  curl -fsS "http://127.0.0.1:$((port + ($1 - 1) * 50 + 30))/metrics" | awk '
    /^voicecluster_media_datagrams_sent_total[{]/ { split($1, w, "worker=\""); sent[substr(w[2], 1, 1)] = $2 }
    /^voicecluster_media_worker_pipe_packets_total/ { piped += $2 }
    END { printf "%.0f %.0f %.0f", sent[0], sent[1], piped }'
}
# run WORKERS [OPTION...]
run() {
  local at=$((port + ($1 - 1) * 50))
  shift
  taskset -c "$generator_cores" dotnet src/LoadTest/bin/Release/net10.0/voicebench.dll --url "http://127.0.0.1:$at" --publishers 1 --subscribers "$receivers" \
    --rate "$rate" --srtp gcm --room-prefix workers --joins 16 --warm-up "${WARM_UP:-2s}" --duration "${DURATION:-6s}" --json - "$@" >"$work/run.json" 2>"$work/run.log" \
    || cat "$work/run.log" "$work/run.json" >&2
}

start 1 "$one_core"
start 2 "$two_cores"
for workers in 1 2; do run "$workers" --rate 50 --warm-up 1s --duration "${COMPILE:-6s}"; done
: >"$work/rows"
for round in $(seq "$rounds"); do
  for workers in 1 2; do
    read -r zero one piped < <(sent "$workers"; echo)
    run "$workers"
    read -r zero_after one_after piped_after < <(sent "$workers"; echo)
    echo "$workers $(field cpuMicrosecondsPerPacket) $(field packetsPerSecond) $(field lossPercent) $(field cpuCores) $(field generatorCpuCores)" \
      "$(grep -A4 latencyMicroseconds "$work/run.json" | grep -o '[0-9.]*,\?$' | head -3 | tr -d ',' | tr '\n' ' ')" \
      "$((zero_after - zero)) $((one_after - one)) $((piped_after - piped))" >>"$work/rows"
    echo "round $round: $(tail -1 "$work/rows")" >&2
  done
done

# median COLUMN WORKERS
median() { awk -v c="$1" -v w="$2" '$1 == w { print $c }' "$work/rows" | sort -g | awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
gain=$(awk '$1 == 1 { one = $2 } $1 == 2 { print 2 * one / $2 }' "$work/rows" | sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }')
mkdir -p artifacts
{
  echo "One room, one voice of $rate packets/s to $receivers receivers, median of $rounds, load $(cut -d' ' -f1 /proc/loadavg); cores $one_core and $two_cores, generator $generator_cores"
  echo "| workers | packets/s | loss % | server CPU µs a packet | server cores | generator cores | latency p50/p99/p99.9 µs | datagrams of worker 0/1 | passed between workers | with a core each, times one |"
  echo "|---|---|---|---|---|---|---|---|---|---|"
  for w in 1 2; do
    printf '| %s | %.0f | %s | %.2f | %.2f | %.2f | %.0f/%.0f/%.0f | %.0f/%.0f | %.0f | %s |\n' "$w" "$(median 3 "$w")" "$(median 4 "$w")" "$(median 2 "$w")" "$(median 5 "$w")" \
      "$(median 6 "$w")" "$(median 7 "$w")" "$(median 8 "$w")" "$(median 9 "$w")" "$(median 10 "$w")" "$(median 11 "$w")" "$(median 12 "$w")" "$([ "$w" = 2 ] && echo "$gain" || echo 1)"
  done
} | tee artifacts/workers.txt
