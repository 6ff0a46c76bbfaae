#!/usr/bin/env bash
# A call session: join, roles, mute, quality, kick and leave. Needs curl and jq, and a server in Open mode.
#
#   samples/curl/004-call.sh [http://127.0.0.1:3000]
set -euo pipefail
base=${1:-http://127.0.0.1:3000}
post() { curl -sS --fail-with-body -X POST "$base$1" -H 'Content-Type: application/json' -d "$2"; }
people() { curl -sS --fail-with-body "$base/call/session/$call" | jq -r '.data.participants[] | "\(.id) \(.role) muted=\(.muted) quality=\(.quality)"'; }

call=$(post /call/session '{"creatorId":"user123","type":"video","quality":"high","duration":3600000000000}' | jq -r .data.id)
echo "call $call"

post /call/join "{\"sessionId\":\"$call\",\"participantId\":\"user456\"}" >/dev/null
post /call/join "{\"sessionId\":\"$call\",\"participantId\":\"user789\"}" >/dev/null
post /call/role "{\"sessionId\":\"$call\",\"participantId\":\"user123\",\"targetId\":\"user456\",\"role\":\"moderator\"}" >/dev/null
post /call/mute "{\"sessionId\":\"$call\",\"participantId\":\"user456\",\"targetId\":\"user789\"}" >/dev/null
post /call/quality "{\"sessionId\":\"$call\",\"participantId\":\"user456\",\"quality\":85}" >/dev/null
people
post /call/kick "{\"sessionId\":\"$call\",\"participantId\":\"user456\",\"targetId\":\"user789\"}" >/dev/null
post /call/leave "{\"sessionId\":\"$call\",\"participantId\":\"user123\"}" >/dev/null
echo "after the host has left:"
people
