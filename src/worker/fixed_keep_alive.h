// The paper's keep-alive: so long after the last execution, whatever was called when. Pure; loop thread only.
#pragma once

#include "worker/keep_alive.h"

namespace hearth::worker {

class FixedKeepAlive final : public KeepAlivePolicy {
 public:
  explicit FixedKeepAlive(const KeepAliveOptions& options) : time_(options.time) {}

  base::Duration least() const override { return time_; }
  bool learns() const override { return false; }
  void called(const model::FunctionId& /*function*/, base::TimePoint /*now*/) override {}
  KeepAlivePlan plan(const model::FunctionId& /*function*/, base::TimePoint idle_since) const override {
    return {idle_since + time_, std::nullopt};
  }

 private:
  const base::Duration time_;
};

}  // namespace hearth::worker
