// The versions that gateways have told this worker of, so that a call names its version alone: the last used
// of them, a bounded number. Pure; loop thread only.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "cluster/wire.h"

namespace hearth::worker {

class KnownVersions {
 public:
  // More are forgotten, the longest unused first, and told again when they are needed.
  static constexpr std::size_t kMost = 16'384;

  explicit KnownVersions(std::size_t most = kMost) : most_(most) {}

  void add(cluster::ToldVersion told);
  // Null when it is not known. Valid until the next add().
  const cluster::ToldVersion* find(std::string_view id);

 private:
  using Order = std::list<cluster::ToldVersion>;  // the last used first

  const std::size_t most_;
  Order order_;
  std::unordered_map<std::string_view, Order::iterator> places_;  // by the version's id
};

}  // namespace hearth::worker
