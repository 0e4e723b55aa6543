# tools/dev fuzz: every fuzz target, each for a bounded time, from its corpus in the repository.
# shellcheck shell=bash

readonly kFuzzSeconds=60

command_fuzz() {
  local seconds=$kFuzzSeconds chosen="" target name log found=0
  while [ $# -gt 0 ]; do
    case $1 in
      --seconds) [ $# -ge 2 ] || usage_error "--seconds takes a number"; seconds=$2; shift 2 ;;
      -R) [ $# -ge 2 ] || usage_error "-R takes a pattern"; chosen=$2; shift 2 ;;
      *) usage_error "unknown option '$1'" ;;
    esac
  done
  [[ $seconds =~ ^[0-9]+$ ]] || usage_error "--seconds takes a whole number, not '$seconds'"
  ensure_packages run fuzz
  run_step "configure fuzz" "remove build/fuzz and run it again" cmake --preset fuzz
  run_step "build fuzz" "mend what the compiler reports above" cmake --build --preset fuzz --parallel "$(build_jobs)"
  mkdir -p build/fuzz/new
  for target in build/fuzz/fuzz/*_fuzz; do
    name=$(basename "$target" _fuzz)
    [[ $name =~ $chosen ]] || continue
    found=1
    mkdir -p "build/fuzz/new/$name"
    log=$log_folder/fuzz-$name.log
    say "fuzz $name for $seconds s"
    # New inputs go to the first folder; the repository's corpus is only read.
    if "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/$name-" \
      "build/fuzz/new/$name" "fuzz/corpus/$name" >"$log" 2>&1; then
      grep -E '^Done' "$log" | sed 's/^/    /'
    else
      tail -n 30 "$log" >&2
      fail "fuzz $name" "the input that it found is build/fuzz/$name-*; the log is $log"
    fi
  done
  [ "$found" = 1 ] || usage_error "no fuzz target matches '$chosen'"
}
