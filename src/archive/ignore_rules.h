// What `hearth deploy` leaves out of the zip: the rules of one ignore file, in gitignore's syntax.
//
// https://git-scm.com/docs/gitignore: comments, '!', a leading, middle or trailing '/', '*', '?',
// character classes, "**", backslash escapes. The last rule that matches decides. The caller walks
// from the root and does not enter an ignored folder, which makes a file below one impossible to
// re-include, as in git. Pure; any thread once built.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hearth::archive {

class IgnoreRules {
 public:
  // Rules of `text`, one a line, stand behind the ones there are and so win over them. Nothing in a
  // text is an error: a pattern that can match nothing matches nothing.
  void add(std::string_view text);

  // `path` is relative to the ignore file's folder, '/'-separated, without a trailing '/'.
  bool ignores(std::string_view path, bool is_folder) const;

 private:
  struct Rule {
    std::vector<std::string> segments;  // of the pattern, between slashes
    bool anchored = false;              // to the root; otherwise matches a name at any depth
    bool folders_only = false;
    bool include = false;  // '!'
  };

  void add_line(std::string_view line);
  static bool matches(const Rule& rule, const std::vector<std::string_view>& path, bool is_folder);

  std::vector<Rule> rules_;
};

// Whether the glob `pattern` (without '/') matches all of `name`. Time is at most their product.
bool matches_segment(std::string_view pattern, std::string_view name);

}  // namespace hearth::archive
