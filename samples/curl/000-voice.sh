#!/usr/bin/env bash
# A voice session: join a channel, mute, leave. The sound itself is WebRTC (docs/protocols/voice.md).
set -euo pipefail
. "$(dirname "$0")/common.sh"
TOKEN=$(token "${USERNAME_:-alice}")
CHANNEL=$(call POST /api/channels '{"name":"general"}' | json id)
SESSION=$(call POST /voice/join "{\"channel_id\":\"$CHANNEL\",\"mute\":false,\"deaf\":false}" | json session_id)
call PATCH /voice/state "{\"session_id\":\"$SESSION\",\"mute\":true,\"deaf\":false}"; echo
call POST /voice/signal "{\"session_id\":\"$SESSION\",\"type\":\"ice\",\"candidate\":null}"
call POST /voice/leave "{\"session_id\":\"$SESSION\"}"
call DELETE "/api/channels/$CHANNEL"
echo "000 ok"
