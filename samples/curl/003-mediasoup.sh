#!/usr/bin/env bash
# The Socket.IO handshake by long-polling, as its clients begin: open, connect to /voice, join a room (docs/protocols/mediasoup.md).
set -euo pipefail
. "$(dirname "$0")/common.sh"
poll() { call GET "/socket.io/?EIO=4&transport=polling&sid=$SID"; }
say() { curl -sS --fail-with-body "$SERVER/socket.io/?EIO=4&transport=polling&sid=$SID" -H 'Content-Type: text/plain' --data-raw "$1" >/dev/null; }
SID=$(call GET '/socket.io/?EIO=4&transport=polling' | json sid)
say '40/voice,{}'
poll | grep -q '^40/voice,'
say '42/voice,1["join-room",{"roomId":"curl","userId":1}]'
ANSWER=$(poll)
case $ANSWER in *'43/voice,1'*rtpCapabilities*) ;; *) echo "unexpected: $ANSWER" >&2; exit 1 ;; esac
say '41/voice,'
echo "003 ok"
