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
  numbers.reserve(entries.size());
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
  EXPECT_EQ(sequences(book.copy("f", {})), (std::vector<std::uint64_t>{103, 106, 109}));
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
  EXPECT_EQ(sequences(merge({first.copy("f", {}), second.copy("f", {})}, 100)),
            (std::vector<std::uint64_t>{12, 21, 32}));
  EXPECT_EQ(sequences(merge({first.copy("f", {}), second.copy("f", {})}, 2)),
            (std::vector<std::uint64_t>{21, 32}));
}

TEST(LogBook, WhatIsAddedWhileOthersAreAskedIsForTheNextPage) {
  LogBook first({});
  LogBook second({});
  first.number_among(2, 0);
  second.number_among(2, 1);
  first.number_from(10);
  first.add(entry("f", "before"));
  LogQuery query;
  query.limit = 2;
  query.upto = 20;
  second.number_from(query.upto);
  const auto early = second.copy("f", query);
  second.add(entry("f", "meanwhile"));
  for (int i = 0; i < 5; ++i) {
    first.number_from(30);
    first.add(entry("f", "late"));
  }
  first.number_from(query.upto);
  EXPECT_EQ(sequences(merge({early, first.copy("f", query)}, 2)), std::vector<std::uint64_t>{12})
      << "what came later does not count to the limit";
  query.limit = 100;
  query.after = 12;
  query.upto = 100;
  EXPECT_EQ(merge({second.copy("f", query), first.copy("f", query)}, 100).size(), 6U);
}

}  // namespace
}  // namespace hearth::gateway
