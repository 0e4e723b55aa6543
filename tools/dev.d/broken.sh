# tools/dev broken: tests that have never been seen to fail prove nothing, so each patch of tests/faults/broken/
# and tests/security/broken/ breaks the code, and the tests that it names must fail for the reason that it gives. A patch opens with
#   What: what is wrong with the code
#   Needs: hearth            where the tests run the server
#   Caught by: TARGET GTEST_FILTER
#   Says: a part of what that test prints when it fails
# the last two as often as there are tests. Without ccache every run compiles the tree anew.
# shellcheck shell=bash

readonly kBrokenTree=build/broken   # the tree as git knows it, with what is changed in files that git knows
readonly kBrokenTestSeconds=600     # for each test
readonly kBrokenFaultRounds=10      # of what happens by chance

remove_broken_tree() {
  cd "$root"
  git worktree remove --force "$kBrokenTree" 2>/dev/null || rm -rf "$kBrokenTree"
  git worktree prune
}

make_broken_tree() {
  local commit
  commit=$(git stash create)
  remove_broken_tree
  git worktree add --quiet --detach "$kBrokenTree" "${commit:-HEAD}" ||
    fail "git cannot make a second tree in $kBrokenTree" "run it in a clone, not in an archive of the files"
  trap remove_broken_tree EXIT
  log_folder=$root/$log_folder/broken
  cd "$kBrokenTree"
}

# expect_caught NAME TARGET FILTER SAYS
expect_caught() {
  local name=$1 target=$2 filter=$3 says=$4 program log status=0
  program=$(find build/release -type f -executable -name "$target" | head -n 1)
  log=$log_folder/$name-$target.log
  say "$name: $target $filter"
  as_root env PATH="$PATH" HEARTH_SOURCE_DIR="$PWD" HEARTH_BINARY="$PWD/build/release/hearth" \
    HEARTH_FAULT_ROUNDS="$kBrokenFaultRounds" timeout --kill-after=10 "$kBrokenTestSeconds" \
    "$program" "--gtest_filter=$filter" >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    count failed "$name: $target does not see it (log: $log)"
  elif ((status == 124 || status == 137)); then
    count failed "$name: $target took longer than $kBrokenTestSeconds s"
  elif ! grep -qF -- "$says" "$log"; then
    count failed "$name: $target fails, but does not say '$says' (log: $log)"
  else
    grep -F -m 1 -- "$says" "$log" | cut -c 1-160 | sed 's/^/    /'
    count passed
  fi
}

try_patch() { # try_patch FILE: in the second tree, which is as it was afterwards
  local patch=$1 name i target filter
  local -a needs caught says
  name=$(basename "$patch" .patch)
  mapfile -t needs < <(sed -n 's/^Needs: //p' "$patch")
  mapfile -t caught < <(sed -n 's/^Caught by: //p' "$patch")
  mapfile -t says < <(sed -n 's/^Says: //p' "$patch")
  if ((${#caught[@]} == 0 || ${#caught[@]} != ${#says[@]})); then
    count failed "$name: needs as many lines 'Says:' as 'Caught by:', and one"
    return
  fi
  say "$name: $(sed -n 's/^What: //p' "$patch")"
  if ! git apply "$patch"; then
    count failed "$name: it does not apply any more"
    return
  fi
  build_targets release "${needs[@]}" "${caught[@]%% *}"
  for i in "${!caught[@]}"; do
    read -r target filter <<<"${caught[i]}"
    expect_caught "$name" "$target" "$filter" "${says[i]}"
  done
  git apply --reverse "$patch"
}

command_broken() {
  local chosen="" patch found=0
  while [ $# -gt 0 ]; do
    case $1 in
      -R) [ $# -ge 2 ] || usage_error "-R takes a pattern"; chosen=$2; shift 2 ;;
      *) usage_error "unknown option '$1'" ;;
    esac
  done
  ensure_packages run test
  need_root "the sandbox's tests"
  make_broken_tree
  configure release ON
  for patch in "$root"/tests/{faults,security}/broken/*.patch; do
    if [[ $(basename "$patch" .patch) =~ $chosen ]]; then
      found=1
      try_patch "$patch"
    fi
  done
  [ "$found" = 1 ] || usage_error "no patch matches '$chosen'"
  report
}
