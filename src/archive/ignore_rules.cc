#include "archive/ignore_rules.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

namespace hearth::archive {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    segments.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return segments;
}

// Trailing spaces do not count, unless the last of them is escaped.
std::string_view without_trailing_spaces(std::string_view line) {
  std::size_t end = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\\' && at + 1 < line.size()) {
      end = ++at + 1;
    } else if (line[at] != ' ') {
      end = at + 1;
    }
  }
  return line.substr(0, end);
}

// The parts of a pattern between slashes. As git has it, an escaped slash is a slash and three stars
// or more are two. A class that holds a slash falls apart here and so matches nothing.
std::vector<std::string> pattern_segments(std::string_view pattern) {
  std::vector<std::string> segments;
  for (const auto segment : split(pattern)) {
    segments.emplace_back(segment);
  }
  for (auto& segment : segments) {
    const std::size_t backslashes = segment.size() - (segment.find_last_not_of('\\') + 1);
    if (&segment != &segments.back() && backslashes % 2 == 1) {
      segment.pop_back();
    }
    if (segment.size() > 2 && segment.find_first_not_of('*') == kNone) {
      segment = "**";
    }
  }
  return segments;
}

struct NamedClass {
  std::string_view name;
  int (*contains)(int);
};

constexpr std::array kNamedClasses{
    NamedClass{"alnum", std::isalnum}, NamedClass{"alpha", std::isalpha}, NamedClass{"blank", std::isblank},
    NamedClass{"cntrl", std::iscntrl}, NamedClass{"digit", std::isdigit}, NamedClass{"graph", std::isgraph},
    NamedClass{"lower", std::islower}, NamedClass{"print", std::isprint}, NamedClass{"punct", std::ispunct},
    NamedClass{"space", std::isspace}, NamedClass{"upper", std::isupper}, NamedClass{"xdigit", std::isxdigit},
};

// What a bracket expression, a '?' or a literal took of the pattern, and whether it fits the character.
struct Step {
  std::size_t length = 0;
  bool fits = false;
};

// "[:alpha:]" at `at` inside a bracket expression; nothing where there is none or it has no meaning.
std::optional<Step> named_class(std::string_view pattern, std::size_t at, unsigned char character) {
  const std::size_t end = pattern.find(":]", at + 2);
  if (pattern.substr(at, 2) != "[:" || end == kNone) {
    return std::nullopt;
  }
  const std::string_view name = pattern.substr(at + 2, end - at - 2);
  const auto* const found = std::ranges::find(kNamedClasses, name, &NamedClass::name);
  return Step{end + 2 - at, found != kNamedClasses.end() && found->contains(character) != 0};
}

// One character of a bracket expression, which a backslash may escape.
std::size_t literal_length(std::string_view pattern, std::size_t at) {
  return pattern[at] == '\\' && at + 1 < pattern.size() ? 2 : 1;
}
unsigned char literal(std::string_view pattern, std::size_t at) {
  return static_cast<unsigned char>(pattern[at + literal_length(pattern, at) - 1]);
}

// A single character or a range such as "a-z" at `at`.
Step range(std::string_view pattern, std::size_t at, unsigned char character) {
  const unsigned char low = literal(pattern, at);
  const std::size_t dash = at + literal_length(pattern, at);
  const bool is_range = dash + 1 < pattern.size() && pattern[dash] == '-' && pattern[dash + 1] != ']';
  if (!is_range) {
    return {dash - at, character == low};
  }
  const unsigned char high = literal(pattern, dash + 1);
  return {dash + 1 + literal_length(pattern, dash + 1) - at, low <= character && character <= high};
}

// The bracket expression that `pattern` starts with; nothing when it is not closed.
std::optional<Step> bracket(std::string_view pattern, unsigned char character) {
  std::size_t at = 1;
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  at += negated ? 1 : 0;
  bool found = false;
  for (const std::size_t first = at; at < pattern.size();) {
    if (pattern[at] == ']' && at != first) {
      return Step{at + 1, found != negated};
    }
    const auto named = named_class(pattern, at, character);
    const Step step = named ? *named : range(pattern, at, character);
    found = found || step.fits;
    at += step.length;
  }
  return std::nullopt;
}

// Everything but '*'. A pattern that ends in a lone backslash or in an open bracket fits nothing.
Step single(std::string_view pattern, char character) {
  const auto byte = static_cast<unsigned char>(character);
  switch (pattern.front()) {
    case '?':
      return {1, true};
    case '[':
      return bracket(pattern, byte).value_or(Step{});
    case '\\':
      return pattern.size() > 1 ? Step{2, pattern[1] == character} : Step{};
    default:
      return {1, pattern.front() == character};
  }
}

// Whether `pattern` segments match all of `path`. As in matches_segment, only the last "**" ever has
// to take more: an earlier one that did could only leave less for it.
bool matches_path(const std::vector<std::string>& pattern, const std::vector<std::string_view>& path) {
  std::size_t at_pattern = 0;
  std::size_t at_path = 0;
  std::size_t retry_pattern = kNone;
  std::size_t retry_path = 0;
  while (at_path < path.size()) {
    if (at_pattern < pattern.size() && pattern[at_pattern] == "**") {
      // At the end it stands for at least one name: "a/**" is what lies in a, not a itself.
      if (at_pattern + 1 == pattern.size()) {
        return true;
      }
      retry_pattern = ++at_pattern;
      retry_path = at_path;
    } else if (at_pattern < pattern.size() && matches_segment(pattern[at_pattern], path[at_path])) {
      ++at_pattern;
      ++at_path;
    } else if (retry_pattern != kNone) {
      at_pattern = retry_pattern;
      at_path = ++retry_path;
    } else {
      return false;
    }
  }
  return at_pattern == pattern.size();
}

}  // namespace

bool matches_segment(std::string_view pattern, std::string_view name) {
  std::size_t at_pattern = 0;
  std::size_t at_name = 0;
  std::size_t retry_pattern = kNone;  // behind the last '*'
  std::size_t retry_name = 0;
  while (at_name < name.size()) {
    if (at_pattern < pattern.size() && pattern[at_pattern] == '*') {
      retry_pattern = ++at_pattern;
      retry_name = at_name;
      continue;
    }
    const Step step =
        at_pattern < pattern.size() ? single(pattern.substr(at_pattern), name[at_name]) : Step{};
    if (step.fits) {
      at_pattern += step.length;
      ++at_name;
    } else if (retry_pattern != kNone) {
      at_pattern = retry_pattern;
      at_name = ++retry_name;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at_pattern) == kNone;
}

void IgnoreRules::add(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) {
    text.remove_prefix(3);  // the byte order mark of some editors
  }
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    add_line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void IgnoreRules::add_line(std::string_view line) {
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  line = without_trailing_spaces(line);
  if (line.empty() || line.front() == '#') {
    return;
  }
  Rule rule;
  if (line.front() == '!') {
    rule.include = true;
    line.remove_prefix(1);
  }
  if (line.ends_with('/')) {
    rule.folders_only = true;
    line.remove_suffix(1);
  }
  rule.anchored = line.find('/') != kNone;
  if (line.starts_with('/')) {
    line.remove_prefix(1);
  }
  if (line.empty()) {
    return;
  }
  rule.segments = pattern_segments(line);
  rules_.push_back(std::move(rule));
}

bool IgnoreRules::matches(const Rule& rule, const std::vector<std::string_view>& path, bool is_folder) {
  if (rule.folders_only && !is_folder) {
    return false;
  }
  return rule.anchored ? matches_path(rule.segments, path)
                       : matches_segment(rule.segments.front(), path.back());
}

bool IgnoreRules::ignores(std::string_view path, bool is_folder) const {
  const auto segments = split(path);
  const auto last = std::find_if(rules_.rbegin(), rules_.rend(),
                                 [&](const Rule& rule) { return matches(rule, segments, is_folder); });
  return last != rules_.rend() && !last->include;
}

}  // namespace hearth::archive
