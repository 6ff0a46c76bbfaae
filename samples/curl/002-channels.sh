#!/usr/bin/env bash
# Users, channels, members and what the relay says (docs/protocols/channels.md). Open mode: no token; names stand for users.
set -euo pipefail
. "$(dirname "$0")/common.sh"
NAME=${USERNAME_:-owner$RANDOM$RANDOM}
USER_ID=$(call POST /api/users "{\"username\":\"$NAME\"}" | json id)
call GET "/api/users/$USER_ID"; echo
CHANNEL=$(call POST /api/channels "{\"name\":\"general\",\"owner_id\":\"$NAME\",\"max_users\":10}" | json id)
call GET /api/channels >/dev/null
call PATCH "/api/channels/$CHANNEL" "{\"description\":\"For everybody\",\"owner_id\":\"$NAME\"}"; echo
call POST "/api/channels/$CHANNEL/members" "{\"user_id\":\"00000000-0000-4000-8000-000000000001\",\"owner_id\":\"$NAME\"}"; echo
call GET "/api/channels/$CHANNEL/members"; echo
call GET /api/audio/config; echo
call GET "/api/channels/$CHANNEL/audio/stats"; echo
call DELETE "/api/channels/$CHANNEL?owner_id=$NAME"
echo "002 ok"
