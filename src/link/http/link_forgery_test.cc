// Somebody between a gateway and a worker, who lets their session begin and then changes what they say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/raw_server_test_support.h"
#include "link/http/testing/link_fixture.h"

namespace hearth::link {
namespace {

using Change = std::pair<std::string, std::string>;  // what stands there, and what then stands there

class LinkForgery : public LinkTest {
 protected:
  LinkForgery() { start_worker(); }

  // A call on a new connection that goes through the one between.
  void call(const std::string& instance) {
    model::Allocation there = allocation(instance);
    there.worker_uri = "http://127.0.0.1:" + std::to_string(between_.port());
    observer_ = execute(there);
    ASSERT_TRUE(run_until([&] { return (to_link_ = between_.accept()) != nullptr; }));
    to_worker_ = http::test::RawConnection::to(port_);
  }
  static std::string changed(std::string text, const Change& change) {
    const std::size_t at = change.first.empty() ? std::string::npos : text.find(change.first);
    return at == std::string::npos ? text : text.replace(at, change.first.size(), change.second);
  }
  void pass_on() {
    to_worker_->send_some(changed(to_link_->received(), in_request_));
    to_link_->forget();
    to_link_->send_some(changed(to_worker_->received(), in_answer_));
    to_worker_->forget();
  }
  bool pass_on_until(const std::function<bool()>& condition) {
    return run_until([&] {
      pass_on();
      return condition();
    });
  }
  // The next call is executed, and the link knows.
  void admit(const std::string& instance) {
    const std::size_t before = executor_.asked.size();
    call(instance);
    ASSERT_TRUE(pass_on_until([&] { return executor_.asked.size() > before; }));
    const auto until =
        base::Clock::now() + milliseconds(100);  // an admission alone is held back for a moment
    ASSERT_TRUE(pass_on_until([&] { return base::Clock::now() > until; }));
  }
  bool passed_on_to_its_end() {
    return pass_on_until([this] { return observer_->ends > 0; });
  }

  http::test::RawServer between_;
  std::unique_ptr<http::test::RawConnection> to_link_;
  std::unique_ptr<http::test::RawConnection> to_worker_;
  Change in_request_;
  Change in_answer_;
  ObserverPtr observer_;
};

TEST_F(LinkForgery, WhatIsPassedOnAsItIsGoesThrough) {
  admit("i");
  executor_.asked[0].finish();
  ASSERT_TRUE(passed_on_to_its_end());
  EXPECT_TRUE(observer_->lease);
}

TEST_F(LinkForgery, AnAnswerThatIsChangedIsNotBelieved) {
  for (const Change& change : std::vector<Change>{{"\"good\"", "\"evil\""},
                                                  {"Hearth-Meta: returned", "Hearth-Meta: threw"},
                                                  {"Hearth-Meta", "Other-Meta"},
                                                  {"Hearth-Mac", "Other-Mac"},
                                                  {" 200 OK", " 503 OK"}}) {
    in_answer_ = {};
    admit("i");
    in_answer_ = change;
    executor_.asked.back().finish("\"good\"");
    ASSERT_TRUE(passed_on_to_its_end());
    EXPECT_EQ(observer_->ends, 1);
    EXPECT_TRUE(observer_->execution && observer_->lost()) << change.second << ": it has been executed";
    EXPECT_TRUE(to_link_->ended());
  }
}

TEST_F(LinkForgery, APacketOfOutcomesThatIsChangedIsNotBelieved) {
  admit("i");
  executor_.asked[0].finish();
  ASSERT_TRUE(passed_on_to_its_end());
  in_answer_ = {"\"good\"", "\"evil\""};
  std::vector<ObserverPtr> together;
  for (const std::string instance : {"j", "k", "l"}) {
    model::Allocation there = allocation(instance);
    there.worker_uri = "http://127.0.0.1:" + std::to_string(between_.port());
    together.push_back(execute(there));
  }
  ASSERT_TRUE(pass_on_until([this] { return executor_.asked.size() == 4; }));
  EXPECT_EQ(host_->requests.back(), "/calls");
  executor_.asked[1].finish("\"as it is\"");
  ASSERT_TRUE(pass_on_until([&] { return together[0]->ends > 0; }));
  EXPECT_EQ(together[0]->execution->outcome.output, "\"as it is\"");
  executor_.asked[2].finish("\"good\"");
  ASSERT_TRUE(pass_on_until([&] { return together[1]->ends > 0; }));
  EXPECT_TRUE(together[1]->lost()) << "it has been executed";
  EXPECT_TRUE(together[2]->lost()) << "nothing is believed any more";
  EXPECT_TRUE(to_link_->ended());
}

TEST_F(LinkForgery, ARefusalThatTheWorkerHasNotSentIsNotBelieved) {
  admit("i");
  to_link_->send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nHearth-Meta: busy\r\n\r\n");
  ASSERT_TRUE(ended(observer_));
  EXPECT_TRUE(observer_->lost());
}

TEST_F(LinkForgery, WhatIsNoAnswerAtAllIsALoss) {
  admit("i");
  to_link_->send("nonsense\r\n\r\n");
  ASSERT_TRUE(ended(observer_));
  EXPECT_TRUE(observer_->lost());
}

TEST_F(LinkForgery, ARequestThatIsChangedIsNotExecuted) {
  for (const Change& change : std::vector<Change>{{"/execute/i/", "/execute/j/"},
                                                  {"\r\n\r\n{}", "\r\n\r\n[]"},
                                                  {"Hearth-Mac", "Other-Mac"},
                                                  {"Hearth-Digest", "Other-Digest"},
                                                  {"PUT /versions/v", "PUT /versions/w"}}) {
    in_request_ = change;
    link_ = make_link();  // nothing else is on its way
    call("i");
    ASSERT_TRUE(passed_on_to_its_end()) << change.second;
    EXPECT_EQ(observer_->ends, 1);
    EXPECT_TRUE(executor_.asked.empty()) << change.second;
  }
}

}  // namespace
}  // namespace hearth::link
