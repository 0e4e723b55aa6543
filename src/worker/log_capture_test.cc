#include "worker/log_capture.h"

#include <gtest/gtest.h>

namespace hearth::worker {
namespace {

using model::CapturedLogs;
using model::LogStream;

TEST(LogCapture, JoinsWhatOneStreamWroteAndKeepsTheOrder) {
  LogCapture capture(1'000);
  capture.add(LogStream::kOut, "a");
  capture.add(LogStream::kOut, "b");
  capture.add(LogStream::kErr, std::string_view("\0\x1b[31m", 6));
  capture.add(LogStream::kOut, "c");
  const CapturedLogs expected{
      {{LogStream::kOut, "ab"}, {LogStream::kErr, std::string("\0\x1b[31m", 6)}, {LogStream::kOut, "c"}},
      false};
  EXPECT_EQ(capture.take(), expected);
  EXPECT_EQ(capture.take(), CapturedLogs{});
}

TEST(LogCapture, KeepsExactlyTheLimitOfOneStream) {
  LogCapture capture(10);
  capture.add(LogStream::kOut, "0123456789");
  EXPECT_EQ(capture.take(), (CapturedLogs{{{LogStream::kOut, "0123456789"}}, false}));
}

TEST(LogCapture, CutsAndSaysSo) {
  LogCapture capture(10);
  capture.add(LogStream::kOut, "01234567");
  capture.add(LogStream::kOut, "89ab");
  capture.add(LogStream::kErr, "lost");
  EXPECT_EQ(capture.take(), (CapturedLogs{{{LogStream::kOut, "0123456789"}}, true}));
  capture.add(LogStream::kErr, "anew");
  EXPECT_EQ(capture.take(), (CapturedLogs{{{LogStream::kErr, "anew"}}, false}));
}

TEST(LogCapture, AlternatingStreamsStayBounded) {
  LogCapture capture(64 * 1024);
  for (int i = 0; i < 1'000'000; ++i) {
    capture.add(i % 2 == 0 ? LogStream::kOut : LogStream::kErr, "x");
  }
  const CapturedLogs logs = capture.take();
  EXPECT_TRUE(logs.truncated);
  EXPECT_LE(logs.chunks.size(), 1'100U);
}

TEST(LogCapture, FindsTextInStderrOnly) {
  LogCapture capture(1'000);
  capture.add(LogStream::kOut, "needle");
  EXPECT_FALSE(capture.err_contains("needle"));
  capture.add(LogStream::kErr, "a needle here");
  EXPECT_TRUE(capture.err_contains("needle"));
}

}  // namespace
}  // namespace hearth::worker
