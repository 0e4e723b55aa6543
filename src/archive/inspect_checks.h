// What the tests of inspect() share: entries by their names, and what is expected of a zip of them.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "archive/archive.h"
#include "archive/zip_builder.h"

namespace hearth::archive {

inline const BuiltEntry kIndex{.name = "index.js", .content = "module.exports = x => x\n"};

inline BuiltEntry file(std::string name, std::string content = "x") {
  return BuiltEntry{.name = std::move(name), .content = std::move(content)};
}
inline BuiltEntry folder(std::string name) {
  return BuiltEntry{.name = std::move(name), .unix_mode = 040755};
}
inline BuiltEntry link(std::string name, std::string target) {
  return BuiltEntry{.name = std::move(name), .content = std::move(target), .unix_mode = 0120777};
}

inline base::Result<Contents> inspect_bytes(const std::string& zip, const Limits& limits = {}) {
  return inspect(as_file(zip).get(), limits);
}

inline base::Result<Contents> inspect_entries(const std::vector<BuiltEntry>& entries,
                                              const Limits& limits = {}) {
  return inspect_bytes(build_zip(entries), limits);
}

inline void expect_accepted(const std::vector<BuiltEntry>& entries) {
  const auto contents = inspect_entries(entries);
  EXPECT_TRUE(contents.ok()) << contents.error().message;
}

inline void expect_refused(const base::Result<Contents>& result, const std::string& because,
                           base::ErrorCode code = base::ErrorCode::kInvalidArgument) {
  ASSERT_FALSE(result.ok()) << "accepted, though: " << because;
  EXPECT_EQ(result.error().code, code) << result.error().message;
  EXPECT_THAT(result.error().message, testing::HasSubstr(because));
}

inline void expect_refused(const std::vector<BuiltEntry>& entries, const std::string& because,
                           base::ErrorCode code = base::ErrorCode::kInvalidArgument) {
  expect_refused(inspect_entries(entries), because, code);
}

}  // namespace hearth::archive
