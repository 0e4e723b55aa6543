// Bytes of a stopped server's data directory are flipped and cut off: what it then says is right, or it says
// that it cannot say; altered code is never run. HEARTH_FAULT_ROUNDS: how often (20), HEARTH_FAULT_SEED:
// where.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/faults/rounds.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using std::chrono::seconds;
using test::HearthServer;
using test::Reply;

class Damage : public testing::Test {
 protected:
  static constexpr int kFunctions = 4;
  static constexpr int kExecutions = 12;

  Damage() : generator_(announced_seed()) { make(); }

  // A data directory with functions, code, what is unpacked of it, and executions that have ended. It is
  // kept; each round damages a copy.
  void make() {
    HearthServer server(test::with_flags({}, made()));
    for (int i = 0; i < kFunctions; ++i) {
      server.create_js(code_of(i), {{"name", name_of(i)}});
      EXPECT_EQ(output_of(server.invoke(name_of(i), "\"w\"")), answer_of(i));
    }
    for (int i = 0; i < kExecutions; ++i) {
      const Reply reply =
          server.post("/functions/" + name_of(i % kFunctions) + "/invoke?mode=async", "\"w\"");
      ASSERT_EQ(reply.status, 202) << reply.body;
      executions_[std::string(reply.json().at("executionId").as_string())] = i % kFunctions;
    }
    EXPECT_TRUE(test::eventually(
        [&] {
          return server.get("/executions?state=done").json().at("executions").as_array().size() ==
                 kExecutions;
        },
        seconds(30)));
    // Killed, so that the log of the database is there too.
    server.kill();
    copy(made(), stopped());
    const HearthServer once(test::with_flags({}, stopped()));
  }

  // No flipped bits make one of another.
  static std::string name_of(int function) {
    constexpr std::array<const char*, kFunctions> kNames = {"anna", "boris", "cyprian", "dagmar-eva"};
    return kNames.at(static_cast<std::size_t>(function));
  }
  // Which sees itself what has changed in most of it.
  static std::string code_of(int function) {
    return fmt::format(
        "if ('{}' !== 'c'.repeat(3000)) {{ throw new Error('altered'); }} module.exports = (word) => word + "
        "' {}'",
        std::string(3'000, 'c'), function);
  }
  static std::string answer_of(int function) { return fmt::format("w {}", function); }
  static std::string output_of(const Reply& reply) {
    const json::value body = reply.json();
    const auto* const object = body.if_object();
    const auto* const output = object == nullptr ? nullptr : object->if_contains("output");
    return output != nullptr && output->is_string() ? std::string(output->as_string()) : std::string();
  }

  std::string made() const { return folder_.path() + "/made"; }
  std::string stopped() const { return folder_.path() + "/stopped"; }
  std::string damaged() const { return folder_.path() + "/damaged"; }
  static void copy(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    // With its owners: the server is not root.
    const auto copied = test::run_program({"/bin/cp", "--archive", from, to});
    ASSERT_EQ(copied.exit_code, 0) << copied.output;
  }

  std::uint64_t random_below(std::uint64_t bound) { return generator_() % bound; }

  std::vector<fs::path> files_in(const std::string& folder) const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(damaged() + folder)) {
      if (entry.is_regular_file() && entry.file_size() > 0) {
        files.push_back(entry.path());
      }
    }
    std::ranges::sort(files);
    return files;
  }

  // What was done, for the messages.
  std::string damage(const fs::path& file) {
    const std::uint64_t bytes = fs::file_size(file);
    const std::string name = file.lexically_relative(damaged()).string();
    if (random_below(3) == 0) {
      const std::uint64_t left = random_below(bytes);
      fs::resize_file(file, left);
      return fmt::format("{} cut to {} of {}", name, left, bytes);
    }
    std::string what = name + ", flipped";
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    for (std::uint64_t i = 1 + random_below(8); i > 0; --i) {
      const auto at = static_cast<std::streamoff>(random_below(bytes));
      stream.seekg(at);
      const int byte = stream.get();
      stream.seekp(at);
      stream.put(static_cast<char>(byte ^ (1 << random_below(8))));
      what += fmt::format(" {}", at);
    }
    return what;
  }

  std::unique_ptr<HearthServer> start() const {
    HearthServer::Options options;
    options.data_dir = damaged();
    options.may_refuse = true;
    return std::make_unique<HearthServer>(options);
  }

  // Damages some file of those below `folders` of a copy, and looks at what the server makes of it.
  void each_round(const std::vector<std::string>& folders,
                  const std::function<void(HearthServer&, const fs::path&)>& look) {
    for (std::uint64_t i = 0; i < fault_rounds(10) && !HasFailure(); ++i) {
      copy(made(), damaged());
      std::vector<fs::path> files = files_in(folders[random_below(folders.size())]);
      const fs::path file = files[random_below(files.size())];
      SCOPED_TRACE(damage(file));
      const auto server = start();
      look(*server, file);
    }
  }

  // An error, or its own answer. Whether it was answered.
  static bool answers(const HearthServer& server, int function) {
    const Reply reply = server.invoke(name_of(function), "\"w\"");
    if (reply.status != 200) {
      EXPECT_NE(reply.error_code(), "") << reply.status << reply.body;
      EXPECT_NE(reply.error_code(), "internal") << reply.body;
      return false;
    }
    EXPECT_EQ(output_of(reply), answer_of(function));
    return true;
  }

  const test::ScratchFolder folder_;
  std::mt19937_64 generator_;
  std::map<std::string, int> executions_;  // the number of the function
};

// With nothing unpacked, so that the zips are read.
TEST_F(Damage, OfStoredCodeIsSaidAndOtherFunctionsGoOn) {
  fs::remove_all(made() + "/cache");
  each_round({"/code"}, [](HearthServer& server, const fs::path& file) {
    int answered = 0;
    for (int function = 0; function < kFunctions; ++function) {
      answered += answers(server, function) ? 1 : 0;
    }
    EXPECT_EQ(answered, kFunctions - 1);
    const auto functions = server.get("/functions").json();
    for (const auto& function : functions.as_array()) {
      if (file.filename() == std::string(function.at("codeSha256").as_string())) {
        const std::string name(function.at("name").as_string());
        EXPECT_NE(server.invoke(name, "1").body.find("damaged"), std::string::npos);
        EXPECT_EQ(server.update_js(name, "module.exports = () => 'new'").status, 200);
        EXPECT_EQ(output_of(server.invoke(name, "1")), "new") << "a deploy mends it";
      }
    }
  });
}

TEST_F(Damage, OfUnpackedCodeIsMended) {
  each_round({"/cache"}, [](HearthServer& server, const fs::path&) {
    for (int function = 0; function < kFunctions; ++function) {
      EXPECT_TRUE(answers(server, function));
    }
  });
}

// It has no sums of its pages: a text that is damaged is told as it is. But nothing crashes or hangs, no code
// is run that was not stored, and who cannot be served is told.
TEST_F(Damage, OfTheDatabaseIsSaidAndNoOtherCodeIsRun) {
  int refused = 0;
  int unanswered = 0;
  for (std::uint64_t i = 0; i < fault_rounds(20) && !HasFailure(); ++i) {
    const bool log = random_below(3) == 0;
    copy(log ? made() : stopped(), damaged());
    const std::string file = damaged() + (log ? "/hearth.db-wal" : "/hearth.db");
    SCOPED_TRACE(damage(file));
    const auto server = start();
    if (server->refusal()) {
      ++refused;
      EXPECT_EQ(*server->refusal(), 1) << server->log();
      EXPECT_NE(server->log().find(damaged()), std::string::npos) << "it names the file: " << server->log();
      continue;
    }
    for (int function = 0; function < kFunctions; ++function) {
      unanswered += answers(*server, function) ? 0 : 1;
    }
    for (const auto& [id, function] : executions_) {
      const Reply reply = server->get("/executions/" + id);
      EXPECT_TRUE(reply.status == 200 || reply.error_code() != "") << reply.status << reply.body;
    }
    const Reply submitted = server->post("/functions/anna/invoke?mode=async", "1");
    EXPECT_TRUE(submitted.status == 202 || submitted.error_code() != "")
        << submitted.status << submitted.body;
  }
  std::cout << refused << " refused to start, " << unanswered << " calls were not answered" << std::endl;
}

}  // namespace
}  // namespace hearth::faults
