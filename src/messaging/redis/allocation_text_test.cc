// An allocation as a line, and which lines are one.
#include "messaging/redis/allocation_text.h"

#include <gtest/gtest.h>

namespace hearth::messaging {
namespace {

const model::Allocation kAllocation{"http://10.0.0.1:8081", "i0123456789abcd", 3, UINT64_MAX, 1024};

TEST(AllocationText, IsReadBackInEveryField) {
  EXPECT_EQ(to_text(kAllocation), "i0123456789abcd 3 18446744073709551615 1024 http://10.0.0.1:8081");
  EXPECT_EQ(allocation_of(*to_text(kAllocation)), kAllocation);
  const model::Allocation local{"inproc:7", "i", 0, 0, 0};
  EXPECT_EQ(allocation_of(*to_text(local)), local);
}

TEST(AllocationText, IsNotWrittenWhereItWouldNotBeReadBack) {
  for (const std::string bad : {"", "a b", "a\n", "a\tb", "\x7f", " a"}) {
    model::Allocation allocation = kAllocation;
    allocation.instance = bad;
    EXPECT_FALSE(to_text(allocation)) << '"' << bad << '"';
    allocation = kAllocation;
    allocation.worker_uri = bad;
    EXPECT_FALSE(to_text(allocation)) << '"' << bad << '"';
  }
}

TEST(AllocationText, IsNothingButWhatIsWritten) {
  for (const std::string_view bad :
       {"", "i", "i 0 1 128", "i 0 1 128 ", " i 0 1 128 u", "i  0 1 128 u", "i 0 1 128 u ", "i 0 1 128 u v",
        "i -1 1 128 u", "i 0 -1 128 u", "i 00 1 128 u", "i 0 1 0x80 u", "i 0 1 128u v", "i +0 1 128 u",
        "i 4294967296 1 128 u", "i 0 18446744073709551616 128 u", "i 0 1 4294967296 u", "i 0 1 128 u\n"}) {
    EXPECT_FALSE(allocation_of(bad)) << '"' << bad << '"';
  }
}

TEST(AllocationText, BeginsWithWhatFindsIt) {
  EXPECT_TRUE(to_text(kAllocation)->starts_with(entry_prefix(kAllocation)));
  EXPECT_TRUE(to_text(kAllocation)->starts_with(entry_prefix("i0123456789abcd")));
  EXPECT_FALSE(to_text(kAllocation)->starts_with(entry_prefix("i0123456789abc"))) << "another instance";
}

}  // namespace
}  // namespace hearth::messaging
