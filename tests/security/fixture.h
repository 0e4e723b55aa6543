// A server with functions whose code is hostile, a neighbour, and canaries on the host. Whatever was tried,
// the neighbour is still served, the server is healthy, the canaries are as they were and nothing is left.
// Which attempts there are, and what becomes of each, is in docs/isolation.md, by their numbers.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::security {

// Of each attempt "0", or what it failed with.
using Results = std::map<std::string, std::string>;

// One server for the tests of a suite.
class Security : public testing::Test {
 protected:
  static void SetUpTestSuite() { start({}); }
  static void TearDownTestSuite();
  void SetUp() override;
  void TearDown() override;

  // `own_network`: this process has a network namespace to itself, so that nothing may be left in that
  // either.
  static void start(const std::vector<std::string>& flags, bool own_network = false);
  static test::HearthServer& server() { return *server_; }

  // The id of a function of that source; it goes with the test.
  std::string hostile(const std::string& index_js, boost::json::object settings = {});
  std::string hostile_files(const std::map<std::string, std::string>& files,
                            boost::json::object settings = {});
  // Calls it; what it returned, or null after a failure that is written down.
  static boost::json::value output_of(const std::string& id, const std::string& input = "null");
  // The same of an array of strings.
  static std::vector<std::string> strings_of(const std::string& id, const std::string& input = "null");
  static void expect_failure(const std::string& id, const std::string& input, int status,
                             const std::string& code);

  // A function of that handler, in whose source probe(WORDS) runs the probe (src/sandbox/testing/probe.cc)
  // and returns what child_process.spawnSync() does.
  std::string hostile_with_probe(const std::string& handler, boost::json::object settings = {});
  // One that runs the probe with the words that it is called with, and returns what that prints.
  std::string prober(boost::json::object settings = {});
  // The same attempts, by the same program, inside a function and outside as root: what it prints.
  std::string probe_inside(const std::vector<std::string>& words);
  static std::string probe_outside(const std::vector<std::string>& words);
  // Each attempt of that command succeeds outside, and fails inside; says of which the first is not so.
  void expect_denied(const std::string& command);
  // The same of a source whose handler returns {NAME: RESULT}; in it attempt(FUNCTION) is 0 or what that
  // threw. Outside it is run by root's Node.
  void expect_denied_js(const std::string& source, const std::string& input = "null");

  // How many processes run as users of instances.
  static std::size_t instance_processes();

  // A file that anybody on the host may read and write, were it not for the sandbox.
  static std::string canary(const std::string& name);

 private:
  static std::set<std::string> host_now();
  static std::string unrest_now();
  static void expect_denied(const Results& outside, const Results& inside);
  static std::string canaries_now();

  static std::unique_ptr<test::ScratchFolder> canaries_;
  static std::set<std::string> host_before_;
  static std::string canaries_before_;
  static std::unique_ptr<test::HearthServer> server_;
  static bool own_network_;

  std::vector<std::string> functions_;
  std::string probe_;  // the function that runs the probe, once there is one
};

}  // namespace hearth::security
