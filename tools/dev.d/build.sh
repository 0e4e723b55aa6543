# Configuring and building a CMake preset.
# shellcheck shell=bash

readonly kPresets="release debug asan-ubsan tsan coverage"

check_preset() {
  [[ " $kPresets " == *" $1 "* ]] || usage_error "there is no preset '$1' (there are: $kPresets)"
}

# configure PRESET ON|OFF: with or without the tests. Nothing is done when it stands so already.
configure() {
  local preset=$1 tests=$2 cache=build/$1/CMakeCache.txt
  if [ -f "build/$preset/build.ninja" ] && grep -q "^HEARTH_TESTS:BOOL=$tests\$" "$cache" 2>/dev/null; then
    return 0
  fi
  run_step "configure $preset" "install what CMake misses (tools/dev doctor), or remove build/$preset and run it again" \
    cmake --preset "$preset" "-DHEARTH_TESTS=$tests"
}

# Each compiler takes up to 1.5 GB: a machine with many cores and little memory runs fewer at once.
build_jobs() {
  local cores memory_gb
  cores=$(nproc)
  memory_gb=$(awk '/^MemAvailable/ { print int($2 / 1024 / 1024) }' /proc/meminfo)
  local jobs=$((memory_gb / 2 < cores ? memory_gb / 2 : cores))
  echo $((jobs < 1 ? 1 : jobs))
}

# build_targets PRESET [TARGET…]
build_targets() {
  local preset=$1
  shift
  local -a targets=()
  [ $# -eq 0 ] || targets=(--target "$@")
  run_step "build $preset" "mend what the compiler reports above; 'tools/dev doctor' shows what the machine lacks" \
    cmake --build "build/$preset" --parallel "$(build_jobs)" "${targets[@]}"
}

command_build() {
  local preset=${1:-release}
  [ $# -le 1 ] || usage_error "build takes one preset"
  check_preset "$preset"
  ensure_packages run test
  configure "$preset" ON
  build_targets "$preset"
}

# fetch_npm_packages LOCK…: a node_modules stands when it is newer than the lock file that it is made from.
fetch_npm_packages() {
  local lock folder
  command -v npm >/dev/null || fail "npm is missing" "install it with a node of version $kNodeMinimum or newer"
  for lock in "$@"; do
    [ -e "$lock" ] || continue
    folder=$(dirname "$lock")
    [ "$folder/node_modules/.package-lock.json" -nt "$lock" ] ||
      run_step "npm packages of $folder" "check that npm reaches its registry (npm ping), then run it again" \
        npm ci --omit=dev --ignore-scripts --no-audit --no-fund --prefix "$folder"
  done
}

command_examples() {
  [ $# -eq 0 ] || usage_error "examples takes no arguments"
  fetch_npm_packages examples/*/package-lock.json
}

# The baselines of hearth bench that come from npm.
command_baselines() {
  [ $# -eq 0 ] || usage_error "baselines takes no arguments"
  fetch_npm_packages bench/baselines/*/package-lock.json
}

# The frameworks that the plugins are tested with: some 350 MB.
command_frameworks() {
  [ $# -eq 0 ] || usage_error "frameworks takes no arguments"
  fetch_npm_packages plugins/*/test/package-lock.json
}
