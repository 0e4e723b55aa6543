// A gateway's connection to a WorkerApi without any socket: the messages as the handler gets them. Tests
// only.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/manual_event_loop.h"
#include "cluster/auth.h"
#include "cluster/wire.h"
#include "worker/api/testing/recording_executor.h"
#include "worker/api/worker_api.h"

namespace hearth::worker {

// Takes the one answer to a request.
class PlayedTarget final : public http::Responder::Target {
 public:
  void send(http::Response&& answer) override {
    EXPECT_FALSE(response) << "answered twice";
    response = std::move(answer);
  }
  void on_gone(std::function<void()> /*callback*/) override {}
  bool gone() const override { return !there; }
  bool send_processing() override {
    ++processing;
    return listens;
  }
  void begin(http::Response&& head) override {
    EXPECT_FALSE(response) << "answered twice";
    response = std::move(head);
  }
  void write(std::string_view piece, bool last) override {
    EXPECT_TRUE(response && !ended);
    pieces.emplace_back(piece);
    ended = last;
  }
  // The connection's end calls nobody.
  void dropped() override { was_dropped = true; }

  int status() const { return response ? response->status : 0; }
  std::string header(std::string_view name) const {
    for (const http::ResponseHeader& each : response ? response->headers : Headers()) {
      if (each.name.text() == name) {
        return each.value;
      }
    }
    return {};
  }
  std::string meta() const { return header(cluster::kMetaHeader); }
  std::string body() const {
    return response ? response->body[0] + response->body[1] + response->body[2] : std::string();
  }

  bool there = true;    // the loop has not been told otherwise
  bool listens = true;  // what the socket says
  int processing = 0;
  std::vector<std::string> pieces;  // of an answer that comes in some
  bool ended = false;               // with the last of them
  bool was_dropped = false;
  std::optional<http::Response> response;

 private:
  using Headers = http::ResponseHeaders;
};

using Answer = std::shared_ptr<PlayedTarget>;

class PlayedGateway {
 public:
  static constexpr char kNonce[] = "000102030405060708090a0b0c0d0e0f";

  explicit PlayedGateway(WorkerApi& api) : api_(api) {}
  PlayedGateway(WorkerApi& api, const std::string& holder, const cluster::Key& key) : api_(api) {
    begin(holder, key);
  }

  // Proves nothing yet: the first sealed message does.
  Answer begin(const std::string& holder, const cluster::Key& key) {
    http::RequestHead head = plain_head(cluster::kSessionTarget);
    head.headers = {{cluster::kHolderHeader, holder}, {cluster::kNonceHeader, kNonce}};
    const Answer answer = send(std::move(head), "");
    const std::string theirs = answer->header(cluster::kNonceHeader);
    session_ = cluster::session_key(key, {kNonce, theirs, channel});
    requests_.emplace(session_, cluster::Direction::kRequest);
    answers_.emplace(session_, cluster::Direction::kAnswer);
    return answer;
  }

  http::RequestHead plain_head(std::string_view target, http::Method method = http::Method::kPost) const {
    http::RequestHead head;
    head.method = method;
    head.target = target;
    head.connection = this;
    head.channel_binding = channel;
    return head;
  }
  // The next message's.
  http::RequestHead sealed_head(std::string_view target, const std::string& body = {},
                                http::Method method = http::Method::kPost) {
    http::RequestHead head = plain_head(target, method);
    const std::string digest = cluster::body_digest(session_, {body});
    head.headers.push_back({cluster::kMacHeader, requests_->next({to_string(method), target, digest})});
    if (!digest.empty()) {
      head.headers.push_back({cluster::kDigestHeader, digest});
    }
    return head;
  }
  // As the server does with a request: planned first, then handed over.
  Answer send(http::RequestHead head, const std::string& body,
              const Answer& target = std::make_shared<PlayedTarget>()) {
    http::BodyPlan plan = api_.plan(head);
    if (auto* refused = std::get_if<http::Refuse>(&plan)) {
      target->send(std::move(refused->response));
      return target;
    }
    EXPECT_LE(body.size(), std::get<http::Buffer>(plan).limit_bytes);
    api_.handle({std::move(head), body, nullptr, false}, http::Responder(target));
    return target;
  }
  Answer ask(std::string_view target, const std::string& body = {},
             http::Method method = http::Method::kPost) {
    return send(sealed_head(target, body, method), body);
  }
  Answer tell(const model::Version& version, const std::string& name = "f") {
    return ask(std::string(cluster::kVersionsTarget) + version.id, cluster::to_body(version, name),
               http::Method::kPut);
  }
  // Whether this is the next answer as the worker has sent it. Asked of each, in their order.
  bool is_next(PlayedTarget& answer) {
    return answers_->is_next(
        answer.header(cluster::kMacHeader),
        {std::to_string(answer.status()), answer.meta(), cluster::body_digest(session_, {answer.body()})});
  }
  cluster::Seal& answers() { return *answers_; }
  void close() { api_.connection_closed(this); }

  std::string channel;  // as TLS has it at this end

 private:
  WorkerApi& api_;
  cluster::Key session_{};
  std::optional<cluster::Seal> requests_;
  std::optional<cluster::Seal> answers_;
};

class WorkerApiTest : public testing::Test {
 protected:
  static model::Version version(const std::string& id) {
    model::Version made;
    made.id = id;
    made.memory_mb = 256;
    made.environment = {{"A", "b"}};
    return made;
  }
  // An execution that has begun on INSTANCE/0/1.
  Answer execute(PlayedGateway& gateway, const std::string& instance, std::uint64_t epoch = 1) {
    EXPECT_EQ(gateway.tell(version("v"))->status(), 200);
    return gateway.ask("/execute/" + instance + "/0/" + std::to_string(epoch) + "/v/r", "{}");
  }
  model::Allocation here(const std::string& instance, std::uint64_t epoch, std::uint32_t slot = 0) const {
    return {options_.uri, instance, slot, epoch, 0};
  }

  const cluster::Key key_ = cluster::cluster_key("secret");
  const WorkerApiOptions options_{"http://10.0.0.1:8081", key_, 1'000};
  base::ManualEventLoop loop_;
  base::SeededRandom random_{1};
  RecordingExecutor executor_;
  int drains_ = 0;
  std::vector<cluster::ToldProvision> provisions_;  // as told last
  std::unique_ptr<WorkerApi> api_ = std::make_unique<WorkerApi>(
      options_, executor_, loop_, random_,
      WorkerApiActions{[this] { ++drains_; }, [] { return std::string(R"({"well":true})"); },
                       [this](const std::vector<cluster::ToldProvision>& told) {
                         provisions_ = told;
                         return cluster::ReadyCounts{{told.front().told.version->function_id, 2}};
                       }});
};

}  // namespace hearth::worker
