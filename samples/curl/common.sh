# Shared by the scripts: where the server is, a token, and a request that fails loudly.
SERVER=${SERVER:-http://127.0.0.1:8080}
token() { curl -sS --fail-with-body "$SERVER/api/v1/auth/token" -H 'Content-Type: application/json' -d "{\"username\":\"$1\"}" | json token; }
json() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p" | head -1; }

# call METHOD PATH [BODY]: with $TOKEN if it is set.
call() {
  local arguments=(-sS --fail-with-body -X "$1" "$SERVER$2")
  [ -z "${TOKEN:-}" ] || arguments+=(-H "Authorization: Bearer $TOKEN")
  [ -z "${3:-}" ] || arguments+=(-H 'Content-Type: application/json' -d "$3")
  curl "${arguments[@]}"
}
