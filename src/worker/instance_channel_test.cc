// The channel's descriptors, with the test at their far ends.
#include "worker/instance_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <optional>
#include <vector>

#include "base/reactor.h"

namespace hearth::worker {
namespace {

using protocol::Frame;
using protocol::FrameType;

class InstanceChannelTest : public testing::Test, public InstanceChannel::Events {
 protected:
  InstanceChannelTest() {
    limits_.response_bytes = 1'000'000;
    channel_.emplace(reactor_, std::make_shared<ReadBuffers>(), limits_, *this);
    ::signal(SIGPIPE, SIG_IGN);
    far_ = std::move(channel_->open().value());
    ::fcntl(far_.requests.get(), F_SETFL, O_NONBLOCK);
    channel_->start_reading();
  }

  void frame_received(Frame frame, bool more_follows) override {
    frames_.push_back(std::move(frame));
    more_follows_ = more_follows;
    logs_ = channel_->take_logs();
  }
  void channel_failed(base::Error error) override { failed_ = error; }
  void channel_ended(bool mid_frame) override { ended_mid_frame_ = mid_frame; }

  static void write(const base::UniqueFd& fd, std::string_view bytes) {
    ASSERT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  // What the far end can read now.
  std::string read_far() {
    std::string text;
    std::array<char, 65'536> buffer;
    ssize_t got = 0;
    while ((got = ::read(far_.requests.get(), buffer.data(), buffer.size())) > 0) {
      text.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return text;
  }

  void poll() { reactor_.poll(); }

  base::Reactor reactor_;
  model::InvocationLimits limits_;
  InstanceChannel::FarEnds far_;
  std::optional<InstanceChannel> channel_;
  std::vector<Frame> frames_;
  model::CapturedLogs logs_;
  std::optional<base::Error> failed_;
  std::optional<bool> ended_mid_frame_;
  bool more_follows_ = false;
};

const Frame kLoaded{FrameType::kLoaded, 0, ""};
std::string bytes_of(const Frame& frame) {
  return protocol::encode_frame(frame.type, frame.invocation, frame.payload);
}

TEST_F(InstanceChannelTest, LogsAreReadBeforeTheFrameThatFollowedThemIsPassedOn) {
  // The answers become readable first, so the loop looks at it first.
  write(far_.answers, bytes_of(kLoaded).substr(0, 5));
  write(far_.out, "out");
  write(far_.err, "err");
  write(far_.answers, bytes_of(kLoaded).substr(5));
  poll();
  ASSERT_EQ(frames_, std::vector<Frame>{kLoaded});
  const model::CapturedLogs expected{{{model::LogStream::kOut, "out"}, {model::LogStream::kErr, "err"}},
                                     false};
  EXPECT_EQ(logs_, expected);
}

TEST_F(InstanceChannelTest, AFullPipeIsReadWholeBeforeTheFrame) {
  write(far_.answers, bytes_of(kLoaded));
  ASSERT_EQ(::fcntl(far_.out.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  ASSERT_EQ(::fcntl(far_.out.get(), F_SETFL, O_NONBLOCK), 0);
  write(far_.out, std::string(200'000, 'x'));
  poll();
  ASSERT_EQ(logs_.chunks.size(), 1U);
  EXPECT_EQ(logs_.chunks[0].text.size(), 200'000U);
}

TEST_F(InstanceChannelTest, AFrameThatOthersFollowSaysSo) {
  write(far_.answers, bytes_of(kLoaded));
  poll();
  EXPECT_FALSE(more_follows_);
  write(far_.answers, bytes_of(kLoaded) + "x");
  poll();
  EXPECT_TRUE(more_follows_);
}

TEST_F(InstanceChannelTest, ALargeFrameIsSentAsThePipeTakesIt) {
  auto body = std::make_shared<std::string>(3'000'000, ' ');
  for (std::size_t i = 0; i < body->size(); ++i) {
    (*body)[i] = static_cast<char>(i * 31 >> 3U);
  }
  const std::string head(58, 'h');
  channel_->send(head, body);
  std::string received;
  for (int turns = 0; turns < 1'000 && received.size() < head.size() + body->size(); ++turns) {
    received += read_far();
    poll();
  }
  EXPECT_TRUE(received == head + *body);
  EXPECT_EQ(body.use_count(), 1) << "the body is let go of when it is sent";
}

TEST_F(InstanceChannelTest, WhatWasNotReadIsTakenBackAndIsNowhereElse) {
  EXPECT_FALSE(channel_->takes_more()) << "nothing was sent as a packet yet";
  const auto body = std::make_shared<const std::string>("body");
  for (std::uint64_t id = 1; id <= 3; ++id) {
    channel_->send(protocol::encode_invoke_head(id, 1'000, "request", body->size()).view(), body);
  }
  EXPECT_TRUE(channel_->takes_more());
  std::array<char, 65'536> buffer;
  const ssize_t got = ::read(far_.requests.get(), buffer.data(), buffer.size());
  ASSERT_GT(got, 0);
  EXPECT_EQ(protocol::call_of({buffer.data(), static_cast<std::size_t>(got)}), 1U) << "one read, one frame";
  EXPECT_EQ(channel_->take_back(), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(read_far(), "");
  EXPECT_TRUE(channel_->take_back().empty());
}

// Frames of one turn share writes; an instance that waits for them does not wait for as many.
TEST_F(InstanceChannelTest, AnInstanceWithNothingToDoIsGivenItsFirstFramesSooner) {
  const auto send = [this](int frames) {
    for (int i = 0; i < frames; ++i) {
      channel_->send_soon("f", "b");
    }
    return read_far().size() / 2;
  };
  EXPECT_EQ(send(3), 0U);
  EXPECT_EQ(send(1), 4U) << "before the turn's end";
  EXPECT_EQ(send(7), 0U) << "it is at work";
  EXPECT_EQ(send(1), 8U);
  EXPECT_EQ(send(2), 0U);
  poll();
  EXPECT_EQ(send(0), 2U) << "at the turn's end";
  for (int i = 0; i < 14; ++i) {
    write(far_.answers, protocol::encode_frame(FrameType::kResult, 1, "{}"));
  }
  poll();
  EXPECT_EQ(send(4), 4U) << "it has nothing to do again";
}

TEST_F(InstanceChannelTest, OnlyAnInstanceWithASecondCallAtHandIsLookedAtBetweenOthers) {
  const auto send = [this] { channel_->send(protocol::encode_frame(FrameType::kInvoke, 1, "{}"), nullptr); };
  const auto answer = [this](FrameType type) {
    write(far_.answers, protocol::encode_frame(type, 1, "{}"));
    poll();
  };
  send();
  EXPECT_EQ(reactor_.looked_between(), 0U);
  send();
  EXPECT_EQ(reactor_.looked_between(), 1U);
  answer(FrameType::kLog);
  EXPECT_EQ(reactor_.looked_between(), 1U) << "no answer";
  answer(FrameType::kResult);
  EXPECT_EQ(reactor_.looked_between(), 0U);
  send();
  send();
  EXPECT_EQ(reactor_.looked_between(), 1U);
  ASSERT_EQ(channel_->take_back().size(), 4U);
  EXPECT_EQ(reactor_.looked_between(), 0U) << "what was taken back is not answered";
  send();
  send();
  channel_.reset();
  EXPECT_EQ(reactor_.looked_between(), 0U);
}

TEST_F(InstanceChannelTest, NothingIsTakenBackOutOfALargeFrame) {
  channel_->send("head", std::make_shared<const std::string>(30'000, 'b'));
  EXPECT_FALSE(channel_->takes_more());
  EXPECT_TRUE(channel_->take_back().empty());
  EXPECT_EQ(read_far().size(), 30'004U);
}

TEST_F(InstanceChannelTest, PipesThatGrewForTheStartAreSmallAgainAfterIt) {
  const auto holds = [](const base::UniqueFd& fd) { return ::fcntl(fd.get(), F_GETPIPE_SZ); };
  channel_->send(std::string(200'000, 'f'), nullptr);
  EXPECT_EQ(holds(far_.requests), 1 << 20);
  std::size_t received = 0;
  for (int turns = 0; turns < 1'000 && received < 200'000; ++turns) {
    received += read_far().size();
    poll();
  }
  channel_->shrink();
  EXPECT_EQ(holds(far_.requests), 1 << 16);
}

TEST_F(InstanceChannelTest, AHeadThatDoesNotFitIsSentLater) {
  // Fill the pipe so that nothing of the next frame is taken.
  channel_->send(std::string(10'000'000, 'f'), nullptr);
  std::string received;
  for (int turns = 0; turns < 10'000 && received.size() < 10'000'000; ++turns) {
    received += read_far();
    poll();
  }
  EXPECT_EQ(received.size(), 10'000'000U);
  channel_->send("next", std::make_shared<const std::string>(" frame"));
  EXPECT_EQ(read_far(), "next frame");
}

TEST_F(InstanceChannelTest, TheRestIsReadAtOnceWhenItIsAskedFor) {
  write(far_.answers, bytes_of(kLoaded));
  far_.answers.reset();
  channel_->read_rest();
  EXPECT_EQ(frames_, std::vector<Frame>{kLoaded});
  EXPECT_EQ(ended_mid_frame_, false);
}

TEST_F(InstanceChannelTest, AnEndWithinAFrameSaysSo) {
  write(far_.answers, bytes_of(kLoaded).substr(0, 7));
  far_.answers.reset();
  poll();
  EXPECT_EQ(ended_mid_frame_, true);
}

TEST_F(InstanceChannelTest, GarbageIsAFailureAndNothingMoreIsRead) {
  write(far_.answers, "HTTP/1.1 200 OK\r\n\r\n");
  poll();
  ASSERT_TRUE(failed_.has_value());
  write(far_.answers, bytes_of(kLoaded));
  poll();
  channel_->read_rest();
  EXPECT_TRUE(frames_.empty());
}

TEST_F(InstanceChannelTest, AFloodIsReadInBoundedTurns) {
  ASSERT_EQ(::fcntl(far_.out.get(), F_SETFL, O_NONBLOCK), 0);
  const std::string line(4'096, 'x');
  for (int i = 0; i < 1'000; ++i) {
    while (::write(far_.out.get(), line.data(), line.size()) > 0) {
    }
    ASSERT_LE(reactor_.run_one_until(base::TimePoint::min()),
              8U);  // a turn ends although there is always more
  }
  const auto logs = channel_->take_logs();
  EXPECT_TRUE(logs.truncated);
  EXPECT_EQ(logs.chunks[0].text.size(), limits_.log_bytes);
}

TEST_F(InstanceChannelTest, SendingToAnEndedInstanceIsNoFailureOfItsOwn) {
  far_.requests.reset();
  far_.answers.reset();
  channel_->send("frame", std::make_shared<const std::string>(1'000'000, 'b'));
  poll();
  EXPECT_EQ(ended_mid_frame_, false);
}

TEST_F(InstanceChannelTest, NoEventComesAfterItsEnd) {
  write(far_.answers, bytes_of(kLoaded));
  write(far_.out, "out");
  channel_.reset();
  poll();
  EXPECT_TRUE(frames_.empty());
}

}  // namespace
}  // namespace hearth::worker
