#include "archive/entry_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace hearth::archive {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

constexpr std::size_t kQuotedBytes = 160;

// The length of the UTF-8 sequence that `text` starts with; 0 if it starts with none (RFC 3629:
// no overlong forms, no surrogates, nothing past U+10FFFF).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80U) {
    return 1;
  }
  if (first >= 0xC2U && first <= 0xDFU) {
    return follows(1) ? 2 : 0;
  }
  if (first >= 0xE0U && first <= 0xEFU) {
    const bool overlong = first == 0xE0U && byte(1) < 0xA0U;
    const bool surrogate = first == 0xEDU && byte(1) > 0x9FU;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0U && first <= 0xF4U) {
    const bool overlong = first == 0xF0U && byte(1) < 0x90U;
    const bool too_high = first == 0xF4U && byte(1) > 0x8FU;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_high ? 4 : 0;
  }
  return 0;
}

// C0, DEL and C1: what a terminal may obey.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<std::uint8_t>(sequence[0]);
  return first < 0x20U || first == 0x7FU ||
         (first == 0xC2U && sequence.size() > 1 && static_cast<std::uint8_t>(sequence[1]) < 0xA0U);
}

Error refused(std::string_view path, std::string_view why) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("the entry {} {}", quoted(path), why)};
}

Result<void> check_characters(std::string_view path) {
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t length = utf8_length(path.substr(at));
    if (length == 0) {
      return refused(
          path, "has a name that is not UTF-8: rename the file, or zip it with a tool that writes UTF-8");
    }
    if (is_control(path.substr(at, length))) {
      return refused(path, "has a control character in its name");
    }
    at += length;
  }
  if (path.find('\\') != std::string_view::npos) {
    return refused(path, "has a backslash in its name: zips separate folders by '/'");
  }
  return {};
}

Result<void> check_component(std::string_view path, std::string_view component) {
  if (component.empty()) {
    return refused(path, "has an empty name between slashes");
  }
  if (component == "..") {
    return refused(path, "climbs out of the archive ('..')");
  }
  if (component == ".") {
    return refused(path, "has '.' as a folder name");
  }
  if (component.size() > kNameBytes) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("the entry {} has a name longer than {} bytes", quoted(path), kNameBytes)};
  }
  return {};
}

// Calls `each` with every part of `path` between slashes until one returns an error.
template <typename Each>
Result<void> for_each_component(std::string_view path, Each each) {
  for (std::size_t start = 0; start <= path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    if (auto checked = each(path.substr(start, end - start)); !checked) {
      return checked;
    }
    start = end + 1;
  }
  return {};
}

}  // namespace

std::string quoted(std::string_view name) {
  std::string text = "'";
  for (std::size_t at = 0; at < name.size();) {
    if (text.size() > kQuotedBytes) {
      return text + "…'";
    }
    const std::size_t length = utf8_length(name.substr(at));
    if (length == 0 || is_control(name.substr(at, length))) {
      text += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(name[at]));
      at += 1;
    } else {
      text += name.substr(at, length);
      at += length;
    }
  }
  return text + "'";
}

Result<void> check_path(std::string_view path, const Limits& limits) {
  if (path.size() > limits.path_bytes) {
    return Error{ErrorCode::kTooLarge, fmt::format("the entry {} has a path longer than {} bytes",
                                                   quoted(path), limits.path_bytes)};
  }
  if (path.starts_with('/')) {
    return refused(path, "has an absolute path");
  }
  if (auto checked = check_characters(path); !checked) {
    return checked;
  }
  if (static_cast<std::size_t>(std::ranges::count(path, '/')) > limits.path_depth) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("the entry {} lies more than {} folders deep", quoted(path), limits.path_depth)};
  }
  return for_each_component(path,
                            [&](std::string_view component) { return check_component(path, component); });
}

Result<void> check_link_target(std::string_view path, std::string_view target, const Limits& limits) {
  const auto bad = [&](std::string_view why) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the symlink {} points to {}, {}", quoted(path), quoted(target), why)};
  };
  if (target.empty() || target.size() > limits.path_bytes || !check_characters(target)) {
    return bad("which is no plain path");
  }
  if (target.starts_with('/')) {
    return bad("an absolute path: use one relative to the link");
  }
  auto folders_above = std::ranges::count(path, '/');
  bool descended = false;
  return for_each_component(target, [&](std::string_view component) -> Result<void> {
    if (component != "..") {
      descended = descended || (!component.empty() && component != ".");
      return {};
    }
    if (descended) {
      return bad("which has '..' after a name: only leading '..' are accepted");
    }
    if (--folders_above < 0) {
      return bad("outside of the archive");
    }
    return {};
  });
}

}  // namespace hearth::archive
