# tools/dev up: from a fresh machine to a function that answers.
# shellcheck shell=bash

readonly kHealthSeconds=20 # until the server answers
readonly kStopSeconds=40   # until it has ended after a signal: running calls may finish
readonly kHearth=build/release/hearth

server_job=""  # the shell's job: sudo, or the server itself
server_pid=""  # the server itself
stop_asked=""

# Does somebody accept connections there?
port_is_taken() {
  (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null
}

check_port() {
  local listen=$1 host port
  [[ $listen =~ ^(.+):([0-9]+)$ ]] || usage_error "--listen takes HOST:PORT, not '$listen'"
  host=${BASH_REMATCH[1]} port=${BASH_REMATCH[2]}
  host=${host#[} host=${host%]}
  if port_is_taken "$host" "$port"; then
    local owner
    owner=$(as_root ss -Hltnp "sport = :$port" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, process \2/p' | head -n 1)
    fail "$listen is taken${owner:+ by $owner}" \
      "stop it, or choose another port: tools/dev up --listen $host:$((port + 1))"
  fi
}

# The server runs in a process group of its own, so that Ctrl-C reaches this script alone, which then
# tells the server by its pid. That pid comes through a file: with sudo the job's own is sudo's.
start_server() {
  local listen=$1 log=$2 pid_file=build/dev-server.pid
  mkdir -p "$log_folder"
  as_root rm -f "$pid_file"
  set -m
  # shellcheck disable=SC2016 # expanded by the inner shell
  as_root env PATH="$PATH" bash -c 'echo $$ >"$0"; exec "$@"' "$pid_file" \
    "$root/$kHearth" serve --listen "$listen" --data-dir build/dev-data </dev/null >"$log" 2>&1 &
  server_job=$!
  set +m
  local tries
  for ((tries = 0; tries < 50; ++tries)); do
    [ ! -s "$pid_file" ] || break
    sleep 0.1
  done
  server_pid=$(cat "$pid_file" 2>/dev/null || true)
}

server_lives() { kill -0 "$server_job" 2>/dev/null || { [ "$EUID" -ne 0 ] && [ -d "/proc/$server_pid" ]; }; }

wait_for_health() {
  local endpoint=$1 log=$2 deadline=$((SECONDS + kHealthSeconds))
  until "$kHearth" --endpoint "$endpoint" --timeout 1s status >/dev/null 2>&1; do
    if ! server_lives; then
      tail -n "$kFailureLines" "$log" >&2
      fail "the step 'start' failed: the server ended at once; its last lines are above (all in $log)" \
        "mend what it reports, then run it again"
    fi
    if ((SECONDS >= deadline)); then
      tail -n "$kFailureLines" "$log" >&2
      stop_server
      fail "the step 'start' failed: no answer at $endpoint/health within $kHealthSeconds s (log: $log)" \
        "run 'tools/dev doctor', then run it again"
    fi
    sleep 0.1
  done
}

stop_server() {
  [ -n "$server_pid" ] && [ -d "/proc/$server_pid" ] || return 0
  as_root kill -TERM "$server_pid" 2>/dev/null || true
  local deadline=$((SECONDS + kStopSeconds))
  while [ -d "/proc/$server_pid" ] && server_lives; do
    if ((SECONDS >= deadline)); then
      printf 'tools/dev: the server (process %s) has not ended after %s s and is killed\n' "$server_pid" "$kStopSeconds" >&2
      as_root kill -KILL "$server_pid" 2>/dev/null || true
      return
    fi
    sleep 0.1
  done
}

# One invocation, the time that it took in the server (the trace's first step) and its answer.
show_invocation() {
  local endpoint=$1 label=$2 answer trace=$log_folder/invoke.trace
  answer=$("$kHearth" --endpoint "$endpoint" invoke hello --data '{"name": "Ada"}' --trace 2>"$trace" | tr -s ' \n' ' ') ||
    fail "the step 'invoke' failed: $(cat "$trace")" "see build/logs/server.log"
  printf '    %s  %10s   %s\n' "$label" "$(awk 'NR == 2 { print $2, $3 }' "$trace")" "${answer% }"
}

show_next() {
  local listen=$1 option=""
  [ "$listen" = 127.0.0.1:8080 ] || option=" --endpoint http://$listen"
  cat <<NEXT

Hearth serves at http://$listen. Three commands to try next, from another terminal:

    $kHearth$option invoke hello --data '{"name": "Grace"}' --trace
    $kHearth$option deploy examples/json-transform
    $kHearth$option status

Ctrl-C stops it. The server's log: build/logs/server.log
NEXT
}

command_up() {
  local listen=127.0.0.1:8080 log=$log_folder/server.log
  while [ $# -gt 0 ]; do
    case $1 in
      --listen) [ $# -ge 2 ] || usage_error "--listen takes HOST:PORT"; listen=$2; shift 2 ;;
      --listen=*) listen=${1#*=}; shift ;;
      *) usage_error "up takes --listen HOST:PORT, not '$1'" ;;
    esac
  done
  ensure_packages run
  need_root "hearth serve (it makes containers)"
  check_port "$listen"
  # The tests need more packages than a first look does; a build that has them keeps them.
  [ -f build/release/build.ninja ] || configure release OFF
  build_targets release hearth

  trap 'stop_asked=1' INT TERM HUP
  trap stop_server EXIT
  say "start hearth serve on $listen"
  start_server "$listen" "$log"
  wait_for_health "http://$listen" "$log"
  say "deploy examples/hello"
  "$kHearth" --endpoint "http://$listen" deploy examples/hello ||
    fail "the step 'deploy' failed" "see above and $log"
  say "invoke it twice"
  show_invocation "http://$listen" cold
  show_invocation "http://$listen" warm
  show_next "$listen"
  serve_until_asked "$log"
}

serve_until_asked() {
  local status=0
  while [ -z "$stop_asked" ] && server_lives; do
    wait "$server_job" && status=0 || status=$?
  done
  if [ -z "$stop_asked" ]; then
    tail -n "$kFailureLines" "$1" >&2
    fail "the server ended by itself (status $status); its last lines are above (all in $1)"
  fi
  printf '\n'
  say "stopping: running calls may finish"
  stop_server
  say "stopped"
}
