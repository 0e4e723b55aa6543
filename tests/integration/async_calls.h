// What tests of asynchronous executions ask of a server.
#pragma once

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "tests/support/hearth_server.h"

namespace hearth::test {

namespace json = boost::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

inline HearthServer::Options quick(std::vector<std::string> more = {}, const std::string& data_dir = "",
                                   const std::string& retry_delay = "50ms") {
  HearthServer::Options options;
  options.flags = {"--async-retry-delay", retry_delay};
  options.flags.insert(options.flags.end(), more.begin(), more.end());
  options.data_dir = data_dir;
  return options;
}

// The id; a failure of the test when it was not accepted.
inline std::string submit(const HearthServer& server, const std::string& function, const std::string& body,
                          const std::string& more = "") {
  const Reply reply = server.post("/functions/" + function + "/invoke?mode=async" + more, body);
  EXPECT_EQ(reply.status, 202) << reply.body;
  return reply.status == 202 ? std::string(reply.json().at("executionId").as_string()) : "";
}

inline http::ClientResponse post_with(const HearthServer& server, http::Header header,
                                      const std::string& target, const std::string& body) {
  const auto client = server.connect();
  client->set_header(std::move(header));
  auto reply = client->request(http::Method::kPost, target, body);
  EXPECT_TRUE(reply) << (reply ? "" : reply.error().message);
  return reply ? *std::move(reply) : http::ClientResponse{};
}

inline json::value show(const HearthServer& server, const std::string& id) {
  const Reply reply = server.get("/executions/" + id);
  EXPECT_EQ(reply.status, 200) << reply.body;
  return reply.json();
}

// As it is when it has ended; a failure of the test when it does not.
inline json::value ended(const HearthServer& server, const std::string& id, seconds bound = seconds(20)) {
  json::value last;
  const bool has = eventually(
      [&] {
        last = show(server, id);
        const auto& state = last.at("state").as_string();
        return state != "pending" && state != "running";
      },
      bound);
  EXPECT_TRUE(has) << json::serialize(last);
  return last;
}

inline std::size_t count(const HearthServer& server, const std::string& filter) {
  std::size_t found = 0;
  std::string before;
  for (;;) {
    const Reply reply = server.get("/executions?limit=1000&" + filter + before);
    EXPECT_EQ(reply.status, 200) << reply.body;
    if (reply.status != 200) {
      return found;
    }
    const auto page = reply.json();
    found += page.at("executions").as_array().size();
    if (!page.as_object().contains("before")) {
      return found;
    }
    before = "&before=" + std::string(page.at("before").as_string());
  }
}

}  // namespace hearth::test
