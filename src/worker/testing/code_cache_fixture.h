// A code cache over a store in memory, on a loop that the test turns.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/reactor.h"
#include "worker/code_cache.h"
#include "worker/fake_code_store.h"

namespace hearth::worker {

inline std::string digest(char digit) { return std::string(64, digit); }

class CodeCacheTest : public testing::Test {
 protected:
  using Answer = std::optional<base::Result<VersionCode>>;

  CodeCacheTest() { options_.folder = temporary_.path() / "data/code"; }

  void open() {
    cache_.emplace(options_, store_, *pool_, loop_);
    const auto opened = cache_->open();
    ASSERT_TRUE(opened.ok()) << opened.error().message;
  }
  void reopen() {
    cache_.reset();
    open();
  }

  // The pool has written down what is in the folder.
  void wait_until_sealed(const std::string& code) {
    const auto sum = std::filesystem::path(options_.folder) / "sums" / code;
    const auto until = base::Clock::now() + std::chrono::seconds(10);
    std::error_code error;
    while (std::filesystem::file_size(sum, error) != 65 && base::Clock::now() < until) {
      loop_.run_one_until(base::Clock::now() + std::chrono::milliseconds(1));
    }
    EXPECT_EQ(std::filesystem::file_size(sum, error), 65U);
  }

  void ask(const std::string& code, Answer& answer, const std::string& version = "") {
    cache_->fetch({version, code},
                  [&answer](base::Result<VersionCode> result) { answer.emplace(std::move(result)); });
  }
  void run_until(const Answer& answer) {
    while (!answer) {
      loop_.run_one_until(base::Clock::now() + std::chrono::seconds(1));
    }
  }
  base::Result<VersionCode> get(const std::string& code, const std::string& version = "") {
    Answer answer;
    ask(code, answer, version);
    EXPECT_FALSE(answer) << "answered inside the call";
    run_until(answer);
    return std::move(*answer);
  }
  // Everything that jobs have to say has been said: the pool is joined, and made anew.
  void settle() {
    pool_.emplace(kThreads, kQueue);
    loop_.poll();
  }

  std::vector<std::string> in_cache() const {
    std::vector<std::string> names;
    for (const auto& found : std::filesystem::directory_iterator(options_.folder)) {
      const std::string name = found.path().filename();
      if (name != ".boot" && name != "compiled" && name != "sums") {
        names.push_back(name);
      }
    }
    return names;
  }
  static std::string index_of(int folder_fd) {
    const base::UniqueFd file(::openat(folder_fd, "index.js", O_RDONLY | O_CLOEXEC));
    std::string text(1'000'000, '\0');
    const ssize_t got = ::read(file.get(), text.data(), text.size());
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }

  static constexpr std::size_t kThreads = 3;
  static constexpr std::size_t kQueue = 16;

  const TemporaryFolder temporary_;
  CodeCacheOptions options_;
  FakeCodeStore store_;
  base::Reactor loop_;
  std::optional<base::BlockingPool> pool_{std::in_place, kThreads, kQueue};
  std::optional<CodeCache> cache_;
};

}  // namespace hearth::worker
