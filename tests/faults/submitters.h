// Those who ask for asynchronous executions without end, each time with a word of its own, and write down
// what was acknowledged. Any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http/client.h"
#include "store/testing/execution_history.h"

namespace hearth::test {

class Submitters {
 public:
  // Answers with the word, as stored_executions() wants it, after three milliseconds.
  static constexpr const char* kFunction =
      "module.exports = async ({nonce}) => {"
      " await new Promise((done) => setTimeout(done, 3)); return nonce; }";

  struct Options {
    // Called on the thread of the submitter with that number, again when its connection has ended.
    std::function<std::unique_ptr<http::Client>(int)> connect;
    int count = 4;
    std::string function = "f";
    std::chrono::milliseconds pause{0};  // between two requests
    std::size_t more_bytes = 0;          // in each input
    // What a thread holds while it runs: where it is.
    std::function<std::shared_ptr<void>()> enter = [] { return std::shared_ptr<void>(); };
  };

  // They begin at once.
  explicit Submitters(Options options);
  Submitters(const Submitters&) = delete;
  Submitters& operator=(const Submitters&) = delete;
  ~Submitters() { stop(); }

  void stop();
  std::size_t accepted() const;
  // How often something else than 202 was answered: "507 storage". "0 ": the connection ended.
  std::map<std::string, std::size_t> refusals() const;
  // Once stopped.
  const store::ExecutionHistory& history() const { return history_; }

 private:
  void submit(int submitter);
  void note(const base::Result<http::ClientResponse>& reply, const std::string& nonce);

  const Options options_;
  mutable std::mutex mutex_;
  store::ExecutionHistory history_;              // guarded by mutex_ until they have stopped
  std::map<std::string, std::size_t> refusals_;  // guarded by mutex_
  std::atomic<bool> done_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace hearth::test
