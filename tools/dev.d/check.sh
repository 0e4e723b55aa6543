# tools/dev format, tidy and doctor.
# shellcheck shell=bash

readonly kTidySecondsPerFile=180

command_format() {
  [ $# -eq 0 ] || usage_error "format takes no arguments"
  ensure_packages check
  cpp_files | xargs -r -P 2 -n 40 clang-format -i
}

# Paths that differ from the branch that this one left, with what is not committed yet.
changed_files() {
  local base
  base=$(git merge-base HEAD origin/main 2>/dev/null || git merge-base HEAD main 2>/dev/null || git rev-parse HEAD)
  { git diff --name-only --diff-filter=d "$base"; git ls-files --others --exclude-standard; } | sort -u
}

# Sources named on stdin that the build knows.
compiled_only() {
  local file
  while IFS= read -r file; do
    ! grep -qF "\"$root/$file\"" build/debug/compile_commands.json || printf '%s\n' "$file"
  done
}

command_tidy() {
  local -a files=()
  local lister=changed_files
  case ${1:-} in
    "") ;;
    --all) lister=cpp_files ;;
    *) usage_error "tidy takes --all, not '$1'" ;;
  esac
  ensure_packages run test check
  check_format
  say "shellcheck"
  if git grep -lE '^#!.*[/ ](ba|da)?sh$' | xargs -r shellcheck -x -a; then count passed; else count failed "shellcheck"; fi
  configure debug ON
  mapfile -t files < <("$lister" | grep '\.cc$' | compiled_only)
  say "clang-tidy on ${#files[@]} files"
  local result file
  while IFS=' ' read -r result file; do
    printf '    %s %s\n' "$result" "$file"
    case $result in ok) count passed ;; *) count failed "clang-tidy: $file" ;; esac
  done < <(printf '%s\n' "${files[@]}" | xargs -r -P 2 -n 1 bash tools/dev.d/tidy-one.sh "$kTidySecondsPerFile")
  report
}

doctor_line() { # doctor_line ok|MISSING TEXT [ADVICE]
  printf '%-8s %s\n' "$1" "$2"
  [ -z "${3:-}" ] || printf '%-8s   what to do: %s\n' "" "$3"
}

doctor_kernel() {
  local bad=0
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
    doctor_line ok "cgroup v2: $(cat /sys/fs/cgroup/cgroup.controllers)"
  elif [ -d /sys/fs/cgroup/memory ] && [ -d /sys/fs/cgroup/unified ]; then
    doctor_line ok "cgroup v1 with a unified mount (hybrid)"
  else
    doctor_line MISSING "neither cgroup v2 nor the hybrid of v1 and v2" "boot with systemd.unified_cgroup_hierarchy=1"
    bad=1
  fi
  local namespace
  for namespace in mnt pid ipc uts net; do
    [ -e "/proc/self/ns/$namespace" ] || { doctor_line MISSING "the kernel's $namespace namespace"; bad=1; }
  done
  if grep -q '^Seccomp_filters' /proc/self/status; then
    doctor_line ok "seccomp filters"
  else
    doctor_line MISSING "seccomp filters" "use a kernel with CONFIG_SECCOMP_FILTER"
    bad=1
  fi
  return "$bad"
}

command_doctor() {
  local bad=0 rows names reason free_gb memory_gb
  [ $# -eq 0 ] || usage_error "doctor takes no arguments"
  # shellcheck source=/dev/null
  doctor_line ok "$(. /etc/os-release && echo "$PRETTY_NAME"), kernel $(uname -r), $(nproc) cores"
  if [ "$EUID" -eq 0 ] || command -v sudo >/dev/null; then
    doctor_line ok "root's rights: $([ "$EUID" -eq 0 ] && echo root || echo 'through sudo')"
  else
    doctor_line MISSING "root's rights" "run as root, or install sudo"
    bad=1
  fi
  memory_gb=$(awk '/^MemTotal/ { print int($2 / 1024 / 1024) }' /proc/meminfo)
  free_gb=$(df -Pk . | awk 'NR == 2 { print int($4 / 1024 / 1024) }')
  doctor_line "$( ((memory_gb >= 2)) && echo ok || echo LOW)" "$memory_gb GB of memory (a build wants 2)"
  doctor_line "$( ((free_gb >= 3)) && echo ok || echo LOW)" "$free_gb GB free on disk (a build takes 1 to 3)"
  doctor_kernel || bad=1
  if node_is_usable; then doctor_line ok "node $(node --version)"; fi
  rows=$(missing_rows run test check)
  if [ -n "$rows" ]; then
    bad=1
    while IFS=$'\t' read -r names reason; do
      doctor_line MISSING "$names: $reason"
    done <<<"$rows"
    doctor_line "" "" "'tools/dev up' installs what running needs, 'tools/dev test' and 'tidy' the rest"
  else
    doctor_line ok "all packages"
  fi
  return "$bad"
}
