#!/usr/bin/env bash
# A chat session: messages, an attachment, reactions, paging and usage. Needs curl and jq, and a server in Open mode.
#
#   samples/curl/004-chat.sh [http://127.0.0.1:3000]
set -euo pipefail
base=${1:-http://127.0.0.1:3000}
post() { curl -sS --fail-with-body -X POST "$base$1" -H 'Content-Type: application/json' -d "$2"; }

curl -sS --fail-with-body "$base/health" | jq -r .message

session=$(post /chat/session '{"creatorId":"user123","participants":["user456","user789"],"duration":3600000000000,"isGroup":true}' | jq -r .data.id)
echo "session $session"

message=$(post /chat/message "{\"sessionID\":\"$session\",\"senderID\":\"user123\",\"receiverID\":\"user456\",\"message\":\"Hello!\",\"type\":\"text\"}" | jq -r .data.id)
post /chat/message "{\"sessionID\":\"$session\",\"senderID\":\"user456\",\"message\":\"Hi.\"}" >/dev/null
post /chat/attachment "{\"sessionId\":\"$session\",\"messageId\":\"$message\",\"attachment\":{\"type\":\"image\",\"url\":\"https://example.com/image.jpg\",\"name\":\"vacation.jpg\",\"size\":1024000,\"mimeType\":\"image/jpeg\"}}" >/dev/null
post /chat/reaction "{\"sessionId\":\"$session\",\"messageId\":\"$message\",\"reaction\":{\"type\":\"👍\",\"userId\":\"user456\"}}" >/dev/null

curl -sS --fail-with-body "$base/chat/messages/$session?limit=10" \
  | jq -r '.data[] | "\(.position) \(.senderId): \(.message) attachments=\(.attachments | length) reactions=\([.reactions[].type] | join(","))"'
curl -sS --fail-with-body "$base/chat/usage/$session" | jq -r '.data | "usage messages=\(.messages) attachments=\(.attachments) reactions=\(.reactions)"'
