// A worker of the release before: its word on what it understands, and on where it sees a connection's ends,
// is left out. Tests only.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cluster/wire.h"
#include "http/server.h"

namespace hearth::link {

class OldWorker final : public http::Handler {
 public:
  explicit OldWorker(http::Handler& api) : api_(api) {}

  http::BodyPlan plan(const http::RequestHead& head) override { return api_.plan(head); }
  void handle(http::Request&& request, http::Responder responder) override {
    if (request.head.target == cluster::kSessionTarget) {
      responder = http::Responder(std::make_shared<OldAnswer>(std::move(responder)));
    }
    targets.push_back(request.head.target);
    api_.handle(std::move(request), std::move(responder));
  }
  http::Response refuse(int status, std::string_view reason, std::string_view message) override {
    return api_.refuse(status, reason, message);
  }
  void connection_closed(const void* connection) override { api_.connection_closed(connection); }

  std::vector<std::string> targets;

 private:
  class OldAnswer final : public http::Responder::Target {
   public:
    explicit OldAnswer(http::Responder responder) : responder_(std::move(responder)) {}
    void send(http::Response&& response) override {
      constexpr std::array<std::string_view, 3> kNew = {cluster::kProtocolHeader, cluster::kEndsHeader,
                                                        cluster::kEndsProofHeader};
      const auto gone = std::ranges::remove_if(response.headers, [&](const http::ResponseHeader& header) {
        return std::ranges::find(kNew, header.name.text()) != kNew.end();
      });
      response.headers.erase(gone.begin(), gone.end());
      responder_.send(std::move(response));
    }
    void on_gone(std::function<void()> callback) override { responder_.on_gone(std::move(callback)); }
    bool gone() const override { return responder_.gone(); }
    void begin(http::Response&& head) override { responder_.begin(std::move(head)); }
    void write(std::string_view piece, bool last) override { responder_.write(piece, last); }

   private:
    http::Responder responder_;
  };

  http::Handler& api_;
};

}  // namespace hearth::link
