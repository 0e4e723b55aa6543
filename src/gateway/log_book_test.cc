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

std::vector<std::uint64_t> sequences(const std::vector<LogEntry>& entries) {
  std::vector<std::uint64_t> numbers;
  for (const LogEntry& each : entries) {
    numbers.push_back(each.sequence);
  }
  return numbers;
}

TEST(LogBook, OneOfSeveralHasSequencesOfItsOwn) {
  LogBook book({});
  book.number_among(3, 1);
  book.number_from(100);
  book.add(entry("f", "a"));
  book.add(entry("f", "b"));
  book.number_from(50);  // a time that was passed already
  book.add(entry("f", "c"));
  EXPECT_EQ(sequences(book.page("f", {}).entries), (std::vector<std::uint64_t>{103, 106, 109}));
  EXPECT_EQ(book.page("f", {}).upto, 109U);
}

TEST(LogBook, PagesOfSeveralAreOneInOrder) {
  LogBook first({});
  LogBook second({});
  first.number_among(2, 0);
  second.number_among(2, 1);
  first.number_from(10);
  first.add(entry("f", "a"));
  second.number_from(20);
  second.add(entry("f", "b"));
  first.number_from(30);
  first.add(entry("f", "c"));
  second.number_from(40);
  EXPECT_EQ(sequences(merge({first.page("f", {}), second.page("f", {})}, 100)),
            (std::vector<std::uint64_t>{12, 21, 32}));
  EXPECT_EQ(sequences(merge({first.page("f", {}), second.page("f", {})}, 2)),
            (std::vector<std::uint64_t>{21, 32}));
}

TEST(LogBook, WhatAnotherBookMayStillPrecedeIsNotShownYet) {
  LogBook first({});
  LogBook second({});
  first.number_among(2, 0);
  second.number_among(2, 1);
  second.number_from(20);
  const LogPage early = second.page("f", {});
  second.add(entry("f", "between"));
  first.number_from(30);
  first.add(entry("f", "late"));
  EXPECT_TRUE(merge({early, first.page("f", {})}, 100).empty()) << "or the one between would never be shown";
  second.number_from(40);
  first.number_from(40);
  EXPECT_EQ(sequences(merge({second.page("f", {}), first.page("f", {})}, 100)),
            (std::vector<std::uint64_t>{21, 32}));
}

}  // namespace
}  // namespace hearth::gateway
