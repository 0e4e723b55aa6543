#include "gateway/log_book.h"

#include <gtest/gtest.h>

namespace hearth::gateway {
namespace {

LogEntry entry(const std::string& function, const std::string& request, std::size_t text_bytes = 0) {
  LogEntry made;
  made.function = function;
  made.request_id = request;
  if (text_bytes > 0) {
    made.logs.chunks.push_back({model::LogStream::kOut, std::string(text_bytes, 'x')});
  }
  return made;
}

std::string requests(const LogBook& book, const std::string& function, const LogQuery& query = {}) {
  std::string found;
  for (const auto* hit : book.find(function, query)) {
    found += hit->request_id;
  }
  return found;
}

TEST(LogBook, FindsTheNewestOfAFunctionOldestFirst) {
  LogBook book({});
  book.add(entry("f", "a"));
  book.add(entry("g", "b"));
  book.add(entry("f", "c"));
  book.add(entry("f", "d"));
  EXPECT_EQ(requests(book, "f"), "acd");
  EXPECT_EQ(requests(book, "f", {.after = 0, .limit = 2, .request_id = ""}), "cd");
  EXPECT_EQ(requests(book, "f", {.after = 3, .limit = 9, .request_id = ""}), "d");
  EXPECT_EQ(requests(book, "f", {.after = 0, .limit = 9, .request_id = "c"}), "c");
  EXPECT_EQ(requests(book, "h"), "");
}

TEST(LogBook, HoldsItsBoundAFunction) {
  LogBook book({.entries_per_function = 2, .bytes = 1U << 20U});
  for (const char* request : {"a", "b", "c"}) {
    book.add(entry("f", request));
  }
  EXPECT_EQ(requests(book, "f"), "bc");
}

TEST(LogBook, HoldsItsBoundInAllByDroppingTheOldestOfAny) {
  LogBook book({.entries_per_function = 100, .bytes = 10'000});
  book.add(entry("f", "a", 4'000));
  book.add(entry("g", "b", 4'000));
  book.add(entry("g", "c", 4'000));
  EXPECT_EQ(requests(book, "f"), "");
  EXPECT_EQ(requests(book, "g"), "bc");
  EXPECT_LE(book.bytes(), 10'000U);
}

TEST(LogBook, ForgetsAFunctionAndItsBytes) {
  LogBook book({});
  book.add(entry("f", "a", 100));
  book.add(entry("g", "b", 100));
  book.forget("f");
  book.forget("h");
  EXPECT_EQ(requests(book, "f"), "");
  book.forget("g");
  EXPECT_EQ(book.bytes(), 0U);
}

}  // namespace
}  // namespace hearth::gateway
