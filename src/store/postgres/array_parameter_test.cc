#include "store/postgres/array_parameter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "store/postgres/pieces.h"
#include "store/postgres/testing/postgres_server.h"

namespace hearth::store::postgres {
namespace {

using testing::ElementsAre;

constexpr Statement kRead{"array_read",
                          "SELECT n, t, b FROM unnest($1::bigint[], $2::text[], $3::bytea[]) "
                          "WITH ORDINALITY AS g(n, t, b, number) ORDER BY number"};

TEST(ArrayParameterTest, ElementsArriveAsTheyWere) {
  if (const std::string reason = PostgresServer::hindrance(); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  const auto connection = Connection::connect(PostgresServer::shared().make_database(), {});
  ASSERT_TRUE(connection.ok());
  const std::vector<std::int64_t> numbers = {0, -1, std::numeric_limits<std::int64_t>::min(),
                                             std::numeric_limits<std::int64_t>::max()};
  const std::vector<std::string> texts = {"", "NULL", R"({"a",'b'}\)", "café"};
  const std::vector<std::string> bytes = {"", std::string("\0\xff\\x", 4), "NULL",
                                          std::string(100'000, '\0')};
  auto array_of_numbers = ArrayParameter::of_numbers();
  auto array_of_texts = ArrayParameter::of_texts();
  auto array_of_bytes = ArrayParameter::of_bytes();
  const auto read = [&] {
    return (*connection)
        ->run(kRead, {array_of_numbers.parameter(), array_of_texts.parameter(), array_of_bytes.parameter()});
  };
  EXPECT_EQ(read()->count(), 0);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    array_of_numbers.add(numbers[i]);
    array_of_texts.add(texts[i]);
    array_of_bytes.add(bytes[i]);
  }
  const auto rows = read();
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  ASSERT_EQ(rows->count(), 4);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const int row = static_cast<int>(i);
    EXPECT_EQ(rows->number(row, 0), numbers[i]);
    EXPECT_EQ(rows->text(row, 1), texts[i]);
    EXPECT_TRUE(rows->bytes(row, 2) == bytes[i]);
  }
}

std::vector<std::size_t> sizes_of_pieces(const std::vector<std::size_t>& rows) {
  std::vector<std::size_t> sizes;
  for (const auto piece : in_pieces<std::size_t>(rows, [](std::size_t bytes) { return bytes; })) {
    sizes.push_back(piece.size());
  }
  return sizes;
}

TEST(PiecesTest, ArePartedByRowsAndByBytes) {
  EXPECT_THAT(sizes_of_pieces({}), ElementsAre());
  EXPECT_THAT(sizes_of_pieces(std::vector<std::size_t>(1'100, 1)), ElementsAre(500, 500, 100));
  constexpr std::size_t kHalf = kBytesOfAPiece / 2;
  EXPECT_THAT(sizes_of_pieces({kHalf, kHalf, 1, kHalf, kHalf}), ElementsAre(2, 2, 1));
  EXPECT_THAT(sizes_of_pieces({3 * kHalf, 3 * kHalf, 1, 1}), ElementsAre(1, 1, 2)) << "one may be larger";
}

}  // namespace
}  // namespace hearth::store::postgres
