#include "store/sqlite/testing/simulated_disk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace hearth::store::sqlite {
namespace {

using testing::Contains;
using testing::Not;
using testing::SizeIs;

constexpr int kTries = 500;

// What so many cuts leave of the file, at most so much of it.
std::set<std::string> left_of(const SimulatedFile& file) {
  std::mt19937 dice(1);
  std::set<std::string> left;
  for (int i = 0; i < kTries; ++i) {
    left.insert(file.after_cut(Kept::kSome, dice));
  }
  return left;
}

class SimulatedFileTest : public testing::Test {
 protected:
  std::string cut(Kept kept) { return file_.after_cut(kept, dice_); }

  SimulatedFile file_;
  std::mt19937 dice_{1};
};

TEST_F(SimulatedFileTest, WhatIsSyncedStays) {
  file_.write("hello", 0);
  file_.sync();
  EXPECT_THAT(left_of(file_), testing::ElementsAre("hello"));
  file_.write("J", 0);
  file_.truncate(2);
  file_.write("y", 4);
  EXPECT_EQ(file_.bytes(), std::string("Je\0\0y", 5));
  EXPECT_EQ(cut(Kept::kNothing), "hello");
  EXPECT_EQ(cut(Kept::kEverything), file_.bytes());
  EXPECT_THAT(left_of(file_),
              testing::AllOf(Contains("hello"), Contains("Jello"), Contains("he"), Contains("helly")));
  file_.sync();
  EXPECT_EQ(cut(Kept::kNothing), std::string("Je\0\0y", 5));
}

TEST_F(SimulatedFileTest, AWriteIsTornBetweenSectorsAlone) {
  file_.write(std::string(1'024, 'a'), 0);
  file_.sync();
  file_.write(std::string(600, 'b'), 300);
  std::set<std::string> expected;
  for (const bool first : {false, true}) {
    for (const bool second : {false, true}) {
      expected.insert(std::string(300, 'a') + std::string(212, first ? 'b' : 'a') +
                      std::string(388, second ? 'b' : 'a') + std::string(124, 'a'));
    }
  }
  EXPECT_EQ(left_of(file_), expected);
}

TEST_F(SimulatedFileTest, ALaterWriteMayBeThereWithoutAnEarlierOne) {
  file_.write("aa", 0);
  file_.sync();
  file_.write("b", 0);
  file_.write("c", 1);
  EXPECT_THAT(left_of(file_), testing::ElementsAre("aa", "ac", "ba", "bc"));
}

TEST_F(SimulatedFileTest, WhereAFileGrewMayBeZerosOrGarbage) {
  file_.write(std::string(1'024, 'a'), 0);
  bool zeros = false;
  bool garbage = false;
  for (const std::string& left : left_of(file_)) {
    ASSERT_LE(left.size(), 1'024U);
    const std::string first = left.substr(0, 512);
    zeros = zeros || first == std::string(512, '\0');
    garbage = garbage ||
              (left.size() == 1'024 && first != std::string(512, '\0') && first != std::string(512, 'a'));
  }
  EXPECT_TRUE(zeros);
  EXPECT_TRUE(garbage);
}

TEST(SimulatedDisk, ANameIsThereForSureOnceTheFolderIsSynced) {
  std::mt19937 dice(1);
  SimulatedDisk disk;
  disk.create("new")->write("1", 0);
  disk.find("new")->sync();
  EXPECT_FALSE(disk.after_cut(Kept::kNothing, dice)->find("new")) << "its bytes are, its name is not";
  disk.sync_folder();
  ASSERT_TRUE(disk.after_cut(Kept::kNothing, dice)->find("new"));
  EXPECT_EQ(disk.after_cut(Kept::kNothing, dice)->find("new")->bytes(), "1");

  EXPECT_TRUE(disk.remove("new"));
  EXPECT_FALSE(disk.remove("new"));
  EXPECT_TRUE(disk.after_cut(Kept::kNothing, dice)->find("new")) << "it comes back";
  disk.create("new")->write("2", 0);
  disk.find("new")->sync();
  EXPECT_EQ(disk.after_cut(Kept::kNothing, dice)->find("new")->bytes(), "1");
  std::set<std::string> found;
  for (int i = 0; i < kTries; ++i) {
    found.insert(disk.after_cut(Kept::kSome, dice)->find("new")->bytes());
  }
  EXPECT_THAT(found, testing::ElementsAre("1", "2"));
}

TEST(SimulatedDisk, ACutDiskIsAnother) {
  std::mt19937 dice(1);
  SimulatedDisk disk;
  disk.create("file");
  disk.sync_folder();
  const auto left = disk.after_cut(Kept::kEverything, dice);
  disk.find("file")->write("later", 0);
  EXPECT_EQ(left->find("file")->bytes(), "");
}

TEST(SimulatedDisk, WhatHappensIsToldBefore) {
  SimulatedDisk disk;
  std::vector<std::string> told;
  disk.watch([&](DiskEvent event, const std::string& name) {
    told.push_back(std::to_string(static_cast<int>(event)) + " " + name +
                   (disk.find(name) ? " is there" : ""));
  });
  disk.create("file");
  disk.remove("file");
  disk.sync_folder();
  EXPECT_THAT(told, testing::ElementsAre("3 file", "4 file is there", "5 the folder"));
}

}  // namespace
}  // namespace hearth::store::sqlite
