// Several loops that are short of memory: nobody is turned away while there is room, and nobody talks more
// than it needs.
#include <gtest/gtest.h>

#include "tests/loops/played_loops.h"

namespace hearth::test {
namespace {

// Memory for one large function on each.
PlayedLoopOptions tight(std::size_t loops) {
  PlayedLoopOptions options;
  options.loops = loops;
  options.memory_mb = 128;
  options.largest_function_mb = 128;
  return options;
}

TEST(LoopsUnderPressure, MemoryGoesWhereTheCallsAre) {
  PlayedLoopOptions options;
  options.loops = 4;
  options.times.run = milliseconds(500);
  PlayedLoops loops(options);
  for (int i = 0; i < 32; ++i) {  // 4 × 1,024 MB
    loops.invoke(0, "v");
    loops.run(milliseconds(5));
  }
  loops.run(milliseconds(1'000));
  EXPECT_EQ(loops.answered("ran"), 32);
  EXPECT_EQ(loops.at(0).worker.snapshot().instances_started, loops.started()) << "each on its own loop";
  EXPECT_EQ(loops.at(0).worker.snapshot().total_mb, 4'096U);
}

TEST(LoopsUnderPressure, MemoryGoesWhereInstancesAreToBeKept) {
  for (const bool idle : {false, true}) {
    PlayedLoopOptions options = tight(3);
    options.memory_mb = 256;
    PlayedLoops loops(options);
    for (int i = 0; i < 6 && idle; ++i) {  // all of the memory is the first loop's, and idle
      loops.invoke(0, "v" + std::to_string(i));
    }
    loops.run(milliseconds(200));
    loops.at(1).worker.provide({PlayedLoops::version("kept", 384, 1), "f", 1});
    loops.run(milliseconds(2'000));
    EXPECT_EQ(loops.at(1).worker.snapshot().provisioned_ready, 1U) << (idle ? "idle ones gave way" : "free");
    EXPECT_EQ(loops.at(1).worker.snapshot().total_mb, 384U);
  }
}

TEST(LoopsUnderPressure, WhoWaitsIsServedByWhateverLoopHasRoom) {
  for (const std::size_t count : {2U, 3U, 8U}) {
    PlayedLoops loops(tight(count));
    for (std::size_t i = 0; i < count; ++i) {
      loops.invoke(i, "idle" + std::to_string(i));
    }
    loops.run(milliseconds(100));
    // All idle, none of it asked for: each makes room.
    for (std::size_t i = 0; i < count; ++i) {
      loops.invoke(0, "v" + std::to_string(i));
    }
    loops.run(milliseconds(300));
    EXPECT_EQ(loops.answered("ran"), static_cast<int>(2 * count)) << count << " loops";
  }
}

TEST(LoopsUnderPressure, AFloodOfFirstCallsStartsNoMoreAtOnceThanThereAreCores) {
  PlayedLoopOptions options;
  options.memory_mb = 50 * 512;
  options.dispatcher.cores = 2;
  PlayedLoops loops(options);
  for (int i = 0; i < 50; ++i) {
    loops.invoke(0, "v");
    loops.invoke(1, "v");
  }
  loops.run(milliseconds(500));
  EXPECT_EQ(loops.answered("ran"), 100);
  EXPECT_LE(loops.at(0).instances.most_starting, 2);
  EXPECT_LE(loops.at(1).instances.most_starting, 2);
}

TEST(LoopsUnderPressure, AWaitingCallCostsAFewMessagesHoweverManyWait) {
  for (const std::size_t count : {2U, 4U, 8U}) {
    PlayedLoopOptions options = tight(count);
    options.times.run = milliseconds(30);  // too long for a short wait
    options.dispatcher.queue_timeout = std::chrono::seconds(60);
    PlayedLoops loops(options);
    for (std::size_t i = 0; i < count; ++i) {
      loops.invoke(i, "v");
    }
    loops.run(milliseconds(60));
    for (int call = 0; call < 100; ++call) {
      for (std::size_t i = 0; i < count; ++i) {
        loops.invoke(i, "v");
      }
    }
    loops.run(milliseconds(3'300));
    const int calls = static_cast<int>(101 * count);
    EXPECT_EQ(loops.answered("ran"), calls) << count << " loops";
    // Two searches (a question and an answer each), a demand, and its withdrawal.
    EXPECT_LE(loops.posted(), static_cast<std::uint64_t>(calls) * (8 * count + 8)) << count << " loops";
  }
}

TEST(LoopsUnderPressure, ManyFunctionsThatDoNotFitTakeTurns) {
  PlayedLoopOptions options = tight(2);
  options.dispatcher.queue_timeout = std::chrono::seconds(10);
  PlayedLoops loops(options);
  for (int round = 0; round < 10; ++round) {
    for (int function = 0; function < 6; ++function) {
      loops.invoke(static_cast<std::size_t>(function) % 2, "v" + std::to_string(function));
      loops.run(milliseconds(7));
    }
  }
  loops.run(milliseconds(8'000));
  EXPECT_EQ(loops.answered("ran"), 60);
}

TEST(LoopsUnderPressure, CallersOfALoopWithoutMemoryShareTheInstanceOfAnother) {
  PlayedLoops loops(tight(2));
  loops.keep_calling(0, "w", 3'000);
  loops.keep_calling(0, "v", 200);  // in what was the second loop's memory
  loops.run(milliseconds(60));
  ASSERT_EQ(loops.at(0).worker.snapshot().total_mb, 256U);
  for (int caller = 0; caller < 4; ++caller) {
    loops.keep_calling(0, "v", 200);
    loops.keep_calling(1, "v", 200);
  }
  loops.run(milliseconds(2'500));
  EXPECT_EQ(loops.at(1).answers["ran"], 800);
  EXPECT_EQ(loops.at(1).answers.size(), 1U) << "nobody was turned away";
  EXPECT_LE(loops.started(), 4U) << "memory goes to and fro";
  loops.run(milliseconds(1'000));
  EXPECT_EQ(loops.at(0).answers["ran"], 4'000);
}

TEST(LoopsUnderPressure, AVersionWithTrafficIsStartedInMemoryTooLittleToBeAnnounced) {
  PlayedLoopOptions options;
  options.memory_mb = 640;
  options.largest_function_mb = 512;
  PlayedLoops loops(options);
  loops.invoke(1, "other", 512);  // leaves 128 MB
  loops.invoke(0, "v");
  loops.run(milliseconds(400));  // both are on the warm stack again
  loops.invoke(1, "v");
  loops.run(milliseconds(60));
  loops.invoke(1, "v");
  loops.run(milliseconds(60));
  const std::uint64_t posted = loops.posted();
  for (int i = 0; i < 20; ++i) {
    loops.invoke(1, "v");
    loops.run(milliseconds(2));
  }
  EXPECT_EQ(loops.at(1).answers["ran"], 23);
  EXPECT_EQ(loops.posted(), posted) << "no message for a call that has an instance here";
}

TEST(LoopsUnderPressure, AnotherLoopsRoomIsFoundWhenThePromisedOneIsUsedAgain) {
  PlayedLoopOptions options = tight(2);
  options.dispatcher.lease_idle = std::chrono::seconds(10);
  PlayedLoops loops(options);
  loops.invoke(0, "a");
  loops.invoke(1, "b");
  loops.run(milliseconds(60));  // both idle
  loops.invoke(0, "a");
  loops.run(milliseconds(2));
  loops.invoke(0, "c");               // a's room is promised, after its grace
  loops.keep_calling(0, "a", 3'000);  // and it is used on and on
  loops.run(milliseconds(500));
  EXPECT_GE(loops.at(0).worker.snapshot().total_mb, 256U) << "b's room";
  loops.run(milliseconds(4'000));
  EXPECT_EQ(loops.answered("ran"), 3'004);
}

TEST(LoopsUnderPressure, WhoseRoomAnOlderCallerHasTakenFindsAnotherLoops) {
  PlayedLoopOptions options;
  options.loops = 3;
  options.memory_mb = 512;
  options.times.start = std::chrono::seconds(3);
  options.times.run = microseconds(300);
  PlayedLoops loops(options);
  loops.invoke(1, "a", 512);
  loops.invoke(2, "b", 512);
  loops.run(milliseconds(3'100));  // both are idle
  loops.invoke(0, "long", 512);
  loops.run(milliseconds(10));
  loops.invoke(1, "a", 512);
  loops.run(microseconds(400));
  loops.invoke(0, "w", 512);  // a's room is promised to it, but b's comes first, for x
  loops.run(microseconds(200));
  loops.invoke(0, "x", 512);
  loops.run(milliseconds(9'000));
  EXPECT_EQ(loops.answered("ran"), 6);
}

TEST(LoopsUnderPressure, ALargeCallThatWaitsElsewhereHoldsNobodyUp) {
  PlayedLoopOptions options;
  options.loops = 3;
  options.memory_mb = 512;
  options.times.run = milliseconds(300);
  PlayedLoops loops(options);
  loops.invoke(0, "a", 512);
  loops.invoke(1, "b", 256);  // 256 MB stay free
  loops.invoke(2, "c", 512);
  loops.run(milliseconds(360));
  loops.invoke(0, "a", 512);
  loops.run(milliseconds(1));
  loops.invoke(0, "large", 512);  // c's room, in a while
  loops.run(milliseconds(2));
  loops.invoke(1, "small", 256);
  loops.run(milliseconds(60));
  EXPECT_EQ(loops.at(1).worker.snapshot().instances_started, 2U) << "it did not have to wait";
  loops.run(milliseconds(2'000));
  EXPECT_EQ(loops.answered("ran"), 6);
}

}  // namespace
}  // namespace hearth::test
