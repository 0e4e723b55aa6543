// Somebody else's server, for tests of what is sent to webhooks.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "http/loopback_test_support.h"

namespace hearth::test {

class Receiver {
 public:
  struct Message {
    http::RequestHead head;
    std::string body;
  };

  Receiver() {
    handler_.on_handle = [this](http::Request request, http::Responder responder) {
      const std::lock_guard lock(mutex_);
      requests_.push_back({std::move(request.head), std::move(request.body)});
      came_.notify_all();
      if (holds_) {
        held_.push_back(std::move(responder));
        return;
      }
      const int status = statuses_.empty() ? 200 : statuses_.front();
      if (!statuses_.empty()) {
        statuses_.erase(statuses_.begin());
      }
      responder.send(http::test::text_response(status, "told"));
    };
  }
  ~Receiver() {
    server_.on_loop([this] { held_.clear(); });
  }

  std::string url(const std::string& path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(server_.port()) + path;
  }
  // The next answers; then 200.
  void answer(std::vector<int> statuses) {
    const std::lock_guard lock(mutex_);
    statuses_ = std::move(statuses);
  }
  // Nobody is answered until they are let go.
  void hold() {
    const std::lock_guard lock(mutex_);
    holds_ = true;
  }
  void let_go() {
    server_.on_loop([this] {
      const std::lock_guard lock(mutex_);
      holds_ = false;
      for (auto& responder : std::exchange(held_, {})) {
        responder.send(http::test::text_response(200, "told"));
      }
    });
  }
  // The first `count`; fewer, and a failure of the test, when they do not come.
  std::vector<Message> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(came_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; }))
        << requests_.size() << " of " << count;
    return requests_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return requests_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<Message> requests_;
  std::vector<http::Responder> held_;
  std::vector<int> statuses_;
  bool holds_ = false;
  http::test::FunctionHandler handler_;
  http::test::LoopbackServer server_{handler_};
};

}  // namespace hearth::test
