# What Hearth takes from the distribution (Debian 12 and newer, Ubuntu 24.04), and installing it.
# shellcheck shell=bash

# One row a package: who needs it (run: `up` and `build`; test; check: `tidy`), its name (names after
# a '|' are the same thing on other releases), and why.
readonly kPackages=(
  "run  g++                                     the compiler"
  "run  cmake                                   configures the build"
  "run  ninja-build                             runs the build"
  "run  ccache                                  makes the second build quick"
  "run  pkg-config|pkgconf                      finds the C libraries"
  "run  libboost1.81-dev|libboost1.83-dev|libboost1.88-dev                 headers that JSON needs"
  "run  libboost-json1.81-dev|libboost-json1.83-dev|libboost-json1.88-dev  JSON"
  "run  libssl-dev                              SHA-256 of uploaded code, and TLS between hosts"
  "run  libsqlite3-dev                          the embedded store"
  "run  libpq-dev                               the store that several servers share"
  "run  libseccomp-dev                          the sandbox's system call filter"
  "run  libzip-dev                              reads and writes zips"
  "run  libcli11-dev                            command lines"
  "run  libfmt-dev                              text formatting"
  "run  libspdlog-dev                           the service log"
  "run  libhiredis-dev                          messaging between hosts"
  "run  libcurl4-openssl-dev                    messages to webhooks"
  "run  libsodium-dev                           what hosts prove to one another"
  "run  python3                                 functions in Python"
  "run  libpython3-dev                          the headers of its zygote's module"
  "run  nftables                                the rules behind --network nat"
  "run  iproute2                                the interfaces behind --network nat"
  "run  procps                                  the process table, for clear messages"
  "run  tzdata                                  the time zones of schedules"
  "run  curl                                    the commands that README.md shows"
  "test git                                     lists the files to check"
  "test libgtest-dev                            the test framework"
  "test libgmock-dev                            its mocks"
  "test clang-format                            the format check"
  "test bubblewrap                              the sandbox's reference figure"
  "test nginx-light                             a baseline of hearth bench"
  "test strace                                  system calls of the warm path"
  "test valgrind                                instructions of the warm path"
  "test zip                                     odd archives in tests"
  "test unzip                                   archives taken apart in tests"
  "test postgresql                              the store that several servers share"
  "test redis-server                            messaging between hosts, for real"
  "test sqlite3                                 looks into the store from outside"
  "test qemu-system-x86                         a guest with pure cgroup v2"
  "test cpio                                    the guest's initramfs"
  "test busybox-static                          the guest's userland"
  "test librsvg2-bin                            draws the charts of a benchmark as PNG"
  "test fonts-dejavu-core                       the letters in them"
  "fuzz clang                                   libFuzzer"
  "fuzz libclang-rt-dev                         its runtime, and the sanitizers"
  "check git                                    lists what changed"
  "check clang-format                           the format check"
  "check clang-tidy                             static checks"
  "check shellcheck                             checks the shell scripts"
)
readonly kNodeMinimum=18

node_version() { node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'; }

node_is_usable() {
  local major
  major=$(node_version)
  [ -n "$major" ] && [ "$major" -ge "$kNodeMinimum" ]
}

# Prints "names<TAB>reason" for every row that one of the given users needs and no installed package
# meets. One dpkg-query answers for all, so that the check takes a fraction of a second.
missing_rows() {
  local row user names reason name installed
  local -A have=()
  local -a all=()
  for row in "${kPackages[@]}"; do
    read -r user names reason <<<"$row"
    IFS='|' read -r -a names <<<"$names"
    all+=("${names[@]}")
  done
  while read -r installed name; do
    [ "$installed" != installed ] || have[$name]=1
  done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${all[@]}" 2>/dev/null || true)

  for row in "${kPackages[@]}"; do
    read -r user names reason <<<"$row"
    [[ " $* " == *" $user "* ]] || continue
    local met=""
    for name in ${names//|/ }; do
      [ -z "${have[$name]:-}" ] || met=1
    done
    [ -n "$met" ] || printf '%s\t%s\n' "$names" "$reason"
  done
  if [[ " $* " == *" run "* ]] && ! node_is_usable; then
    printf 'nodejs\tthe functions'\'' runtime (no node %s or newer is in PATH)\n' "$kNodeMinimum"
  fi
  if [[ " $* " == *" test "* ]] && ! command -v npm >/dev/null; then
    printf 'npm\tfetches packages of an example, and frameworks of tests\n'
  fi
}

# The first of the alternatives that this release has.
available_name() {
  local name
  for name in ${1//|/ }; do
    if apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
      printf '%s\n' "$name"
      return
    fi
  done
  printf '%s\n' "${1%%|*}"
}

# ensure_packages USER…: installs what the users (run, test, check) need and this machine lacks.
ensure_packages() {
  local rows names reason
  rows=$(missing_rows "$@")
  [ -n "$rows" ] || return 0
  command -v apt-get >/dev/null ||
    fail "these packages are missing, and this is no Debian or Ubuntu: $(cut -f1 <<<"$rows" | tr '\n' ' ')" \
      "install their equivalents by hand, then run it again"
  need_root "installing packages"
  run_step "update package lists" "check the network and /etc/apt/sources.list, then run it again" \
    as_root apt-get update
  local -a wanted=()
  while IFS=$'\t' read -r names reason; do
    wanted+=("$(available_name "$names")")
    printf '    %-24s %s\n' "${wanted[-1]}" "$reason"
  done <<<"$rows"
  run_step "install ${#wanted[@]} packages" "fix what apt-get reports above, then run it again" \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${wanted[@]}"
  node_is_usable ||
    fail "node $kNodeMinimum or newer is needed, and $(command -v node || echo node) is $(node --version 2>&1)" \
      "put a newer node first in PATH"
}
