#!/usr/bin/env bash
# A call: make a chat, ring, accept, hang up, look at the history (docs/protocols/calls.md).
set -euo pipefail
. "$(dirname "$0")/common.sh"
NAME=${USERNAME_:-caller$RANDOM}
BOB_TOKEN=$(token "$NAME-bob")
BOB=$(curl -sS "$SERVER/api/v1/auth/token" -H 'Content-Type: application/json' -d "{\"username\":\"$NAME-bob\"}" | json user_id)
TOKEN=$(token "$NAME")
CHAT=$(call POST /api/v1/chats "{\"member_ids\":[\"$BOB\"]}" | json id)
CALL=$(call POST /api/v1/calls "{\"chat_id\":\"$CHAT\",\"recipient_id\":\"$BOB\",\"call_type\":\"voice\"}" | json id)
TOKEN=$BOB_TOKEN call PATCH "/api/v1/calls/$CALL" '{"accept":true}'; echo
call GET "/api/v1/calls/$CALL"; echo
call DELETE "/api/v1/calls/$CALL"
call GET "/api/v1/calls?chat_id=$CHAT&limit=10"; echo
call GET /api/v1/calls/ice-servers; echo
echo "001 ok"
