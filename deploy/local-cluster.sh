#!/usr/bin/env bash
# Runs the whole cluster on this machine as processes: Redis, PostgreSQL, NATS, two silos, two frontends, two media nodes.
#
#   deploy/local-cluster.sh            starts it and waits; Ctrl-C stops it in order
#   deploy/local-cluster.sh DIRECTORY  keeps data and logs there (default: a new directory under /tmp)
#   deploy/local-cluster.sh restart DIRECTORY NAME
#                                      ends a process of a running cluster with SIGTERM and starts it again, as an upgrade does
#   deploy/local-cluster.sh start DIRECTORY NAME
#                                      starts one that has ended, with the same ports and data
#
# Ports count up from CLUSTER_BASE_PORT (default 18000): Redis +0, PostgreSQL +1, NATS +2, silos +10 and +20 (HTTP, +1 for
# silos, +2 for clients), frontends +30 and +40, media nodes +50 and +60 (HTTP; RTP at +51 and +61, UDP).
# DIRECTORY/pids holds a line "name pid" for each process: end one with kill -9 and see what happens.
# CLUSTER_BUILD names a folder with built programs (Silo, ApiFrontend, MediaNode); without it they are built.
set -euo pipefail
cd "$(dirname "$0")/.."

# pid_of NAME: the process of that name that was started last.
pid_of() { awk -v name="$1" '$1 == name { pid = $2 } END { print pid }' "$directory/pids"; }

# end NAME SIGNAL: ends a process, whoever started it, and waits for it.
end() {
  local pid
  pid=$(pid_of "$1")
  [ -n "$pid" ] && kill "-$2" "$pid" 2>/dev/null || return 0
  wait "$pid" 2>/dev/null || true
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

# run NAME: starts what DIRECTORY/NAME.command says.
run() {
  bash "$directory/$1.command" >> "$directory/$1.log" 2>&1 &
  echo "$1 $!" >> "$directory/pids"
}

if [ "${1:-}" = restart ] || [ "${1:-}" = start ]; then
  directory=$2
  [ "$1" = start ] || end "$3" TERM
  run "$3"
  exit 0
fi

directory=${1:-$(mktemp -d /tmp/voicecluster.XXXXXX)}
base=${CLUSTER_BASE_PORT:-18000}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
: > "$directory/pids"
declare -A pids=()

need() {
  command -v "$1" >/dev/null && return
  echo "local-cluster: $1 is missing (Debian: apt-get install $2)" >&2
  exit 1
}

start() {
  local name=$1
  shift
  {
    # shellcheck disable=SC2046 # names of settings have no spaces
    declare -px REDIS_URL DATABASE_URL NATS_URL CLUSTER_SECRET JWT_SECRET $(compgen -e | grep __ || true) 2>/dev/null || true
    printf 'exec'
    printf ' %q' "$@"
    echo
  } > "$directory/$name.command"
  chmod 600 "$directory/$name.command"
  run "$name"
  pids[$name]=$!
}

stop() {
  local name
  trap - INT TERM EXIT
  [ -n "${sleeping:-}" ] && kill "$sleeping" 2>/dev/null || true
  # The doors close first, then the media, the grains, and at the end what they stand on.
  for name in frontend-1 frontend-2 media-1 media-2 silo-1 silo-2 nats redis; do
    end "$name" TERM
  done
  end postgres INT
}

wait_for() {
  local what=$1 seconds=60
  shift
  until "$@" >/dev/null; do
    seconds=$((seconds - 1))
    if [ "$seconds" -le 0 ]; then
      echo "local-cluster: $what did not come up; see $directory" >&2
      exit 1
    fi
    sleep 1
  done
}

# alive NAME PORT: the process lives and its port is open; one that has ended ends the script.
alive() {
  if ! kill -0 "${pids[$1]}" 2>/dev/null; then
    echo "local-cluster: $1 has ended; see $directory/$1.log" >&2
    exit 1
  fi
  (: < "/dev/tcp/127.0.0.1/$2") 2>/dev/null
}

http_ready() { (exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET /health/ready HTTP/1.0\r\n\r\n' >&3 && head -1 <&3 | grep -q ' 200 ') 2>/dev/null; }

need redis-server redis-server
need nats-server nats-server
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
[ -n "$postgres_bin" ] || postgres_bin=$(dirname "$(command -v initdb || echo /missing)")
[ -x "$postgres_bin/initdb" ] || need initdb postgresql

build=${CLUSTER_BUILD:-}
if [ -z "$build" ]; then
  build=$directory/build
  for project in Silo ApiFrontend MediaNode; do
    dotnet publish "src/$project" -c Release -v quiet -nologo -o "$build/$project"
  done
fi

trap 'stop; exit 0' INT TERM
trap stop EXIT

start redis redis-server --port "$base" --bind 127.0.0.1 --dir "$directory" --save "" --appendonly no
start nats nats-server -a 127.0.0.1 -p "$((base + 2))" -js -sd "$directory/nats"

# PostgreSQL refuses to run as root: then it runs as the user that its package made.
as_postgres=()
if [ "$(id -u)" -eq 0 ]; then
  as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chmod 755 "$directory"
  install -d -o postgres -g postgres "$directory/postgres"
fi
[ -f "$directory/postgres/PG_VERSION" ] || "${as_postgres[@]}" "$postgres_bin/initdb" -D "$directory/postgres" -U voicecluster --auth=trust >/dev/null
start postgres "${as_postgres[@]}" "$postgres_bin/postgres" -D "$directory/postgres" -p "$((base + 1))" -k "" -c listen_addresses=127.0.0.1
wait_for Redis alive redis "$base"
wait_for NATS alive nats "$((base + 2))"
wait_for PostgreSQL alive postgres "$((base + 1))"
wait_for PostgreSQL "$postgres_bin/pg_isready" -h 127.0.0.1 -p "$((base + 1))"
"$postgres_bin/createdb" -h 127.0.0.1 -p "$((base + 1))" -U voicecluster voicecluster 2>/dev/null || true

export REDIS_URL=redis://127.0.0.1:$base
export DATABASE_URL=postgres://voicecluster@127.0.0.1:$((base + 1))/voicecluster
export NATS_URL=nats://127.0.0.1:$((base + 2))
export CLUSTER_SECRET=${CLUSTER_SECRET:-local-cluster-secret}
export JWT_SECRET=${JWT_SECRET:-local-cluster-secret-of-32-bytes-at-least}

for i in 1 2; do
  port=$((base + i * 10))
  start "silo-$i" dotnet "$build/Silo/VoiceCluster.Silo.dll" --urls "http://127.0.0.1:$port" \
    --Cluster:SiloPort="$((port + 1))" --Cluster:GatewayPort="$((port + 2))"
done
for i in 1 2; do
  port=$((base + 40 + i * 10))
  start "media-$i" dotnet "$build/MediaNode/VoiceCluster.MediaNode.dll" --Media:HttpPort="$port" --Media:PortRange="$((port + 1))-$((port + 1))" \
    --Media:Workers=1 --Media:Name="media-$i" --Relay:UdpPort="$((port + 2))" --Recording:Path="$directory/recordings"
done
for i in 1 2; do
  port=$((base + 20 + i * 10))
  start "frontend-$i" dotnet "$build/ApiFrontend/VoiceCluster.ApiFrontend.dll" --Http:Ports="$port" --Http:CorsOrigins=localhost \
    --Auth:Mode="${AUTH_MODE:-Open}" --Auth:DevTokens="${AUTH_DEV_TOKENS:-true}"
done

for offset in 10 20 30 40 50 60; do
  wait_for "the process at port $((base + offset))" http_ready "$((base + offset))"
done
echo "Local cluster ready: http://127.0.0.1:$((base + 30)) http://127.0.0.1:$((base + 40)) (logs in $directory)"
while true; do
  # Ends with the script only: a process that is killed on purpose does not end the others.
  sleep 3600 >/dev/null 2>&1 &
  sleeping=$!
  wait "$sleeping" || true
done
