# tools/dev test, bench, soak and faults: build, run ctest, and count the cases of all programs.
# shellcheck shell=bash

readonly kTestSeconds=60     # one test that states no time-out of its own
readonly kAllTestsSeconds=1500
readonly kSlowLabels='^(performance|fuzz|soak)$' # have commands of their own
readonly kFormatVersion=14   # of clang-format; another version formats differently

passed=0
failed=0
skipped=0
failures=()
skips=()

count() { # count passed|failed|skipped [NAME]
  case $1 in
    passed) passed=$((passed + 1)) ;;
    failed) failed=$((failed + 1)); failures+=("$2") ;;
    skipped) skipped=$((skipped + 1)); skips+=("$2") ;;
  esac
}

cpp_files() { git ls-files --cached --others --exclude-standard '*.h' '*.cc'; }

# The quick check that every test run includes; counts as one case.
check_format() {
  local version out
  version=$(clang-format --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
  if [ "$version" != "$kFormatVersion" ]; then
    count skipped "format: the files follow clang-format $kFormatVersion, this is $version"
    return
  fi
  say "check the format"
  out=$(cpp_files | xargs -r -P 2 -n 40 clang-format --dry-run -Werror 2>&1) && count passed && return
  grep -E 'error:' <<<"$out" | cut -d: -f1 | sort | uniq -c | sed 's/^/    /' >&2
  count failed "format: 'tools/dev format' mends the files above"
}

# Turns gtest's XML reports and ctest's own into lines "passed|failed|skipped<TAB>name". A program
# without a report (it crashed, ran out of time, or is no gtest) counts as one case.
list_results() { # list_results CTEST_JUNIT REPORT_FOLDER
  awk -v folder="$2" '
    function attribute(line, name) {
      return match(line, " " name "=\"[^\"]*\"") ? substr(line, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : ""
    }
    function plain(text) {
      gsub(/&#x0A;/, " ", text); gsub(/&quot;/, "\"", text); gsub(/&apos;/, "\047", text)
      gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&amp;/, "\\&", text)
      return text
    }
    function end_case() {
      if (name != "") print state "\t" name (reason == "" ? "" : ": " reason)
      name = reason = ""
    }
    # Sets bad; returns whether there was a report.
    function read_report(program,   file, line, found) {
      file = folder "/" program ".xml"; bad = found = 0; name = reason = ""
      while ((getline line < file) > 0) {
        found = 1
        if (line ~ /^ *<testcase /) {
          end_case()
          name = program " " attribute(line, "classname") "." attribute(line, "name"); state = "passed"
          if (line ~ / (status="notrun"|result="suppressed")/) name = ""
          if (line ~ / result="skipped"/) state = "skipped"
        } else if (line ~ /^ *<failure /) { if (state != "failed") bad++; state = "failed"
        } else if (line ~ /^ *<skipped /) {
          state = "skipped"; reason = plain(attribute(line, "message")); sub(/^[^ ]*:[0-9]+ /, "", reason)
        }
      }
      close(file); end_case()
      return found
    }
    /^[ \t]*<testcase / {
      program = attribute($0, "name"); status = attribute($0, "status")
      reported = read_report(program)
      if (status == "run") { if (!reported) print "passed\t" program }
      else if (status == "fail") { if (!bad) print "failed\t" program ": crashed, ran out of time or failed at its end" }
      else if (status == "disabled") print "skipped\t" program ": disabled"
    }
    # A program that skips by its exit code may say why in a line "skipped: …".
    status == "notrun" && /^[ \t]*<skipped / { reason = plain(attribute($0, "message")); state = reason ~ /^SKIP_/ ? "skipped" : "failed" }
    status == "notrun" && match($0, /<system-out>skipped: /) { reason = plain(substr($0, RSTART + RLENGTH)) }
    status == "notrun" && /^[ \t]*<\/testcase>/ { print state "\t" program ": " reason; reason = status = "" }' "$1"
}

collect_results() {
  local state name
  while IFS=$'\t' read -r state name; do
    count "$state" "$name"
  done < <(list_results "$1" "$2")
}

# Names what failed and what was skipped; the last line is the sum. Fails when it should.
report() {
  local name
  for name in "${skips[@]}"; do printf 'skipped: %s\n' "$name"; done
  for name in "${failures[@]}"; do printf 'FAILED: %s\n' "$name"; done
  if ((passed + failed == 0)); then
    printf 'no test ran: nothing matches the given label or name\n'
  fi
  printf '%d passed, %d failed%s\n' "$passed" "$failed" "$( ((skipped == 0)) || printf ', %d skipped' "$skipped")"
  ((failed == 0 && passed > 0))
}

# run_ctest PRESET CTEST_ARGUMENT…: runs as root, for tests of the sandbox make containers.
run_ctest() {
  local preset=$1 status=0 results
  shift
  results=$root/build/$preset/test-results
  as_root rm -rf "$results"
  mkdir -p "$results"
  say "run the tests"
  as_root env PATH="$PATH" HEARTH_SOAK_SECONDS="${HEARTH_SOAK_SECONDS:-}" GTEST_OUTPUT="xml:$results/" CTEST_PROGRESS_OUTPUT=0 \
    timeout --signal=TERM --kill-after=30 "$kAllTestsSeconds" \
    ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout "$kTestSeconds" \
    --output-junit "$results/ctest.junit" "$@" || status=$?
  [ "$EUID" -eq 0 ] || as_root chown -R "$(id -u):$(id -g)" "$results"
  if [ -f "$results/ctest.junit" ]; then
    collect_results "$results/ctest.junit" "$results"
  fi
  if ((status == 124 || status == 137)); then
    count failed "all tests together took longer than $kAllTestsSeconds s"
  elif ((status != 0 && failed == 0 && passed > 0)); then
    count failed "ctest itself (status $status)"
  fi
}

parse_test_options() { # sets preset and selection
  while [ $# -gt 0 ]; do
    case $1 in
      -L | -R) [ $# -ge 2 ] || usage_error "$1 takes a value"; selection+=("$1" "$2"); shift 2 ;;
      --preset) [ $# -ge 2 ] || usage_error "--preset takes a value"; preset=$2; shift 2 ;;
      --preset=*) preset=${1#*=}; shift ;;
      *) usage_error "unknown option '$1'" ;;
    esac
  done
  check_preset "$preset"
}

prepare_tests() {
  ensure_packages run test
  need_root "the sandbox's tests"
  configure "$1" ON
  build_targets "$1"
}

# A sandbox covers these with its own, so that a program of the build tree is not there in it.
warn_of_covered_folder() {
  case $PWD/ in
    /tmp/* | /dev/shm/*) say "this folder is below /tmp or /dev/shm, which a sandbox does not show: tests of the sandbox will fail; clone elsewhere" >&2 ;;
  esac
}

command_test() {
  local preset=release
  local -a selection=()
  parse_test_options "$@"
  warn_of_covered_folder
  prepare_tests "$preset"
  if [ ${#selection[@]} -eq 0 ]; then
    (command_examples) || count skipped "examples that need npm packages: they could not be fetched"
    (command_baselines) || count skipped "workerd as a baseline: it could not be fetched"
    (command_frameworks) || count skipped "serverless plugin in real frameworks: they could not be fetched"
    check_format
    selection=(-LE "$kSlowLabels")
    case $preset in asan-ubsan | tsan) selection+=(-L sanitizer) ;; esac
  fi
  run_ctest "$preset" -j 2 "${selection[@]}"
  report
}

command_bench() {
  local preset=release
  local -a selection=()
  parse_test_options "$@"
  prepare_tests "$preset"
  run_ctest "$preset" -L performance --verbose "${selection[@]}"
  report
}

# Long mixed load against one server: memory and descriptors stay flat, every answer is right.
command_soak() {
  local preset=release minutes=10 threads=1
  while [ $# -gt 0 ]; do
    case $1 in
      --minutes) [ $# -ge 2 ] || usage_error "--minutes takes a number"; minutes=$2; shift 2 ;;
      --threads) [ $# -ge 2 ] || usage_error "--threads takes a number"; threads=$2; shift 2 ;;
      --preset) [ $# -ge 2 ] || usage_error "--preset takes a value"; preset=$2; shift 2 ;;
      *) usage_error "unknown option '$1'" ;;
    esac
  done
  if ! [[ $minutes =~ ^[0-9]+$ ]] || ((minutes < 1 || minutes > 60)); then
    usage_error "--minutes takes 1 to 60"
  fi
  [[ $threads =~ ^[1-4]$ ]] || usage_error "--threads takes 1 to 4"
  check_preset "$preset"
  prepare_tests "$preset"
  export HEARTH_SOAK_SECONDS=$((minutes * 60)) HEARTH_SOAK_THREADS=$threads
  run_ctest "$preset" -L soak --verbose
  report
}

# What may happen to a platform under load, many times over: to its parts, the links, the disks, the clock.
command_faults() {
  local preset=release rounds=20 seed=""
  local -a only=()
  while [ $# -gt 0 ]; do
    case $1 in
      --rounds) [ $# -ge 2 ] || usage_error "--rounds takes a number"; rounds=$2; shift 2 ;;
      --seed) [ $# -ge 2 ] || usage_error "--seed takes a number"; seed=$2; shift 2 ;;
      -R) [ $# -ge 2 ] || usage_error "-R takes a pattern of gtest's"; only=("--gtest_filter=$2"); shift 2 ;;
      --preset) [ $# -ge 2 ] || usage_error "--preset takes a value"; preset=$2; shift 2 ;;
      *) usage_error "unknown option '$1'" ;;
    esac
  done
  if ! [[ $rounds =~ ^[0-9]+$ ]] || ((rounds < 1 || rounds > 1000)); then
    usage_error "--rounds takes 1 to 1000"
  fi
  [[ $seed =~ ^[0-9]*$ ]] || usage_error "--seed takes a number"
  check_preset "$preset"
  prepare_tests "$preset"
  say "$rounds rounds of each fault"
  local program status=0
  # Rounds of the everyday suite are few: the power is cut, and the clock of the simulation runs, as much more.
  for program in tests/faults/{faults,execution_faults,change_faults,storage_faults,load_faults}_test \
    src/store/sqlite/store_power_cut_test tests/simulation/simulation_test; do
    as_root env PATH="$PATH" HEARTH_BINARY="$root/build/$preset/hearth" HEARTH_SOURCE_DIR="$root" \
      HEARTH_FAULT_ROUNDS="$rounds" HEARTH_OVERLOAD_SECONDS=30 HEARTH_POWER_CUTS="$((rounds * 500))" \
      HEARTH_SIM_STEPS="$((rounds * 500000))" ${seed:+HEARTH_FAULT_SEED="$seed" HEARTH_POWER_SEED="$seed"} \
      "build/$preset/$program" "${only[@]}" || status=1
  done
  return "$status"
}
