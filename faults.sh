#!/usr/bin/env bash
# Faults drawn from seeds, and a checker over what the clients saw. See docs/faults.md.
#   ./faults.sh                2,000 schedules in this process and 100 of real processes
#   ./faults.sh 5000 7         5,000 and 250, from seed 7 on
#   ./faults.sh 1 2048         the schedule of one seed again, as a failure says
set -euo pipefail
cd "$(dirname "$0")"
schedules=${1:-2000}
export VOICECLUSTER_FAULT_SCHEDULES=$schedules VOICECLUSTER_FAULT_PROCESS_SCHEDULES=$(( (schedules + 19) / 20 )) VOICECLUSTER_SEED=${2:-2026}
exec dotnet test test/Faults.Tests -c Release --nologo --filter "FullyQualifiedName~Schedules_" --logger "console;verbosity=detailed"
