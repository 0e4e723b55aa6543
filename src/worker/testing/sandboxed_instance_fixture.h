// The fixture for instances over real pipes and processes, without walls around them. What the
// session decides is tested in instance_session_test.cc.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

#include "base/reactor.h"
#include "worker/sandboxed_instance.h"
#include "worker/testing/plain_process_host.h"

namespace hearth::worker {

inline std::string source_folder() {
  const char* const folder = std::getenv("HEARTH_SOURCE_DIR");
  return folder != nullptr ? folder : ".";
}

using Finished = FinishedCall;

// Keeps what it is told.
class Recorder final : public InstanceEvents {
 public:
  void booted(const std::string&) override { booted_count++; }
  void loaded(const std::string&, const model::ExecutionSteps& start_steps) override {
    loaded_count++;
    steps = start_steps;
  }
  void start_failed(const std::string&, model::Outcome outcome, model::CapturedLogs logs,
                    const model::ExecutionSteps& start_steps) override {
    steps = start_steps;
    failed = Finished{0, std::move(outcome), std::move(logs), 0, 0, false};
  }
  void finished(const std::string&, FinishedCall&& call) override {
    finishes.push_back(std::move(call));
    if (when_finished) {
      when_finished();
    }
  }
  void paused(const std::string&, std::uint32_t used_mb) override { paused_mb.push_back(used_mb); }
  void ended(const std::string&) override { ended_count++; }

  int booted_count = 0;
  int loaded_count = 0;
  std::optional<Finished> failed;
  std::vector<Finished> finishes;
  std::vector<std::uint32_t> paused_mb;
  int ended_count = 0;
  model::ExecutionSteps steps;
  std::function<void()> when_finished;
};

inline std::string text_of(const model::CapturedLogs& logs, model::LogStream stream) {
  std::string text;
  for (const auto& chunk : logs.chunks) {
    text += chunk.stream == stream ? chunk.text : "";
  }
  return text;
}

inline std::size_t open_descriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
}

inline std::size_t resident_mb() {
  std::ifstream file("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  file >> all >> resident;
  return resident * 4'096 / base::kMiB;
}

// Fixture folders by name, in place of digests; and what was compiled, in memory.
class FakeCode final : public CodeSource {
 public:
  FakeCode(base::Reactor& loop, const model::Version& version) : loop_(loop), version_(version) {}

  void fetch(const VersionKey& version, Done done) override {
    if (!answers) {
      return;
    }
    const std::string folder =
        source_folder() + "/runtimes/conformance/fixtures/" + version_.runtime + "/" + version.code_digest;
    const int fd = ::open(folder.c_str(), O_PATH | O_CLOEXEC);
    const auto found = compiled.find(version.id);
    const CompiledPtr code =
        found != compiled.end() ? std::make_shared<CompiledCode>(found->second) : nullptr;
    loop_.post([fd, code, done = std::move(done)] {
      auto held = std::make_shared<const base::UniqueFd>(fd);
      done(fd >= 0 ? base::Result<VersionCode>(VersionCode{CodeFolder(std::move(held)), code})
                   : base::Error{base::ErrorCode::kNotFound, "no such code"});
    });
  }
  void keep(const model::VersionId& version, CompiledCode code) override {
    ++kept;
    compiled.emplace(version, std::move(code));
  }
  void discard(const model::VersionId& version) override { compiled.erase(version); }

  bool answers = true;
  int kept = 0;
  std::map<model::VersionId, CompiledCode> compiled;

 private:
  base::Reactor& loop_;
  const model::Version& version_;
};

class SandboxedInstanceTest : public testing::Test {
 protected:
  SandboxedInstanceTest() {
    options_.programs.node.shim = source_folder() + "/runtimes/node/shim.js";
    options_.programs.python.python = "/usr/bin/python3";
    options_.programs.python.shim = source_folder() + "/runtimes/python/shim.py";
    options_.programs.code = ".";
    version_.id = "v-1";
    version_.function_id = "f-1";
    version_.code_digest = "handlers";
    version_.memory_mb = 256;
  }

  SandboxedInstanceFactory& factory() {
    if (!factory_) {
      factory_.emplace(reactor_, reactor_, host_, code_, options_);
    }
    return *factory_;
  }

  void start(const std::string& code, const std::string& handler, const std::string& name = "i-1") {
    version_.code_digest = code;
    version_.handler = handler;
    instance_ = factory().start({name, "orders", std::make_shared<model::Version>(version_)}, events_);
  }

  // An instance whose program is this line of shell; 3 brings its requests, 4 takes its answers.
  void start_script(const std::string& script) {
    host_.command = {"/bin/sh", "-c", script};
    start("handlers", "index.echo");
  }

  void load(const std::string& code, const std::string& handler) {
    start(code, handler);
    ASSERT_TRUE(run_until([this] { return events_.loaded_count == 1 || events_.failed; }));
    ASSERT_FALSE(events_.failed) << events_.failed->outcome.error.message;
  }
  void load(const std::string& handler) { load("handlers", "index." + handler); }

  const Finished& call(const std::string& body) {
    const std::size_t before = events_.finishes.size();
    instance_->invoke({0, "request-1", std::make_shared<const std::string>(body)});
    EXPECT_EQ(events_.finishes.size(), before) << "no event comes from inside a call";
    if (!run_until([&] { return events_.finishes.size() > before; })) {
      ADD_FAILURE() << "no answer";
      events_.finishes.emplace_back();
    }
    return events_.finishes.back();
  }

  void expect_failed(model::OutcomeKind kind, const std::string& message = "") {
    ASSERT_TRUE(run_until([this] { return events_.failed.has_value(); }));
    EXPECT_EQ(events_.failed->outcome.kind, kind) << events_.failed->outcome.error.message;
    EXPECT_THAT(events_.failed->outcome.error.message, testing::HasSubstr(message));
    expect_end();
  }

  void expect_end() {
    EXPECT_TRUE(run_until([this] { return events_.ended_count == 1; }));
    EXPECT_EQ(host_.living(), 0U);
  }

  template <typename Condition>
  bool run_until(Condition condition, std::chrono::milliseconds wait = std::chrono::milliseconds(20'000)) {
    const auto until = base::Clock::now() + wait;
    while (!condition() && base::Clock::now() < until) {
      reactor_.run_one_until(until);
    }
    return condition();
  }

  void run_for(std::chrono::milliseconds time) {
    run_until([] { return false; }, time);
  }

  base::Reactor reactor_;
  PlainProcessHost host_{reactor_};
  SandboxedInstanceOptions options_;
  model::Version version_;
  FakeCode code_{reactor_, version_};
  Recorder events_;
  std::optional<SandboxedInstanceFactory> factory_;
  std::unique_ptr<Instance> instance_;
};

}  // namespace hearth::worker
