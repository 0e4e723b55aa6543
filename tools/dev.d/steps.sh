# Steps with progress: each names itself, keeps a log, and on failure says what broke and what to do.
# shellcheck shell=bash

readonly kProgressEverySeconds=10 # between two progress lines when the output is no terminal
readonly kFailureLines=40         # of a failed step's log

usage_error() {
  printf 'tools/dev: %s\nTry: tools/dev help\n' "$1" >&2
  exit 2
}

say() { printf '==> %s\n' "$*"; }

# fail WHAT ADVICE
fail() {
  printf '\ntools/dev: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '  what to do: %s\n' "$2" >&2
  exit 1
}

# Root's rights for one command: as it is for root, through sudo for everybody else.
as_root() {
  if [ "$EUID" -eq 0 ]; then
    "$@"
  else
    sudo -- "$@"
  fi
}

# Asks for the password once, up front, so that no later step waits for it unseen.
need_root() {
  [ "$EUID" -ne 0 ] || return 0
  command -v sudo >/dev/null || fail "$1 needs root, and this machine has no sudo" "run it as root"
  sudo -v || fail "$1 needs root" "run it as root, or as a user who may use sudo"
}

# Passes a log on to the reader: on a terminal the current line alone, otherwise a line now and then.
show_progress() {
  local line last=$SECONDS
  if [ -t 1 ]; then
    local width
    width=$(tput cols 2>/dev/null || echo 80)
    while IFS= read -r line; do
      printf '\r\033[K    %s' "${line:0:width-5}"
    done
    printf '\r\033[K'
  else
    while IFS= read -r line; do
      if ((SECONDS - last >= kProgressEverySeconds)); then
        printf '    %s\n' "${line:0:160}"
        last=$SECONDS
      fi
    done
  fi
}

# run_step NAME ADVICE COMMAND…: NAME is also the log's file name.
run_step() {
  local name=$1 advice=$2 started=$SECONDS log
  shift 2
  log=$log_folder/${name//[ \/]/-}.log
  mkdir -p "$log_folder"
  say "$name"
  if ! "$@" </dev/null 2>&1 | tee "$log" | show_progress; then
    printf -- '---- the last lines of %s\n' "$log" >&2
    tail -n "$kFailureLines" "$log" >&2
    printf -- '----\n' >&2
    fail "the step '$name' failed (command: $*)" "$advice"
  fi
  if ((SECONDS - started >= 5)); then
    printf '    done in %s s\n' "$((SECONDS - started))"
  fi
}
