// What the workers of several hosts are to keep started: each function's number is divided over those that
// serve. Every gateway tells all of them, at each look at the members and after each change, and says the
// same as the others: so it goes on whoever ends, and who begins anew is told.
//
// Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/event_loop.h"
#include "dispatch/function_cache.h"
#include "gateway/provisions.h"
#include "model/member.h"

namespace hearth::gateway {

// One worker's part of a function's.
struct WorkerProvision {
  model::FunctionPtr function;
  std::uint32_t count = 0;
};

struct FleetProvisionsParts {
  using Ready = std::map<model::FunctionId, std::uint32_t>;

  base::EventLoop& loop;
  const dispatch::FunctionCache& functions;
  // Whether nobody can have acknowledged newer code than is known here. Who may be behind tells nothing.
  std::function<bool()> knows_newest;
  // Tells the worker there; `answered` with what is ready, if it answers. Not inside the call.
  std::function<void(const std::string& uri, std::vector<WorkerProvision> provisions,
                     std::function<void(Ready)> answered)>
      tell;
};

class FleetProvisions final : public Provisions {
 public:
  explicit FleetProvisions(FleetProvisionsParts parts) : parts_(std::move(parts)) {}

  void changed(const model::Function& function) override;
  // As the workers have answered last.
  std::uint32_t ready(const model::FunctionId& function) const override;
  ProvisionCount in_all() const override;

  // Who there is.
  void looked(const std::vector<model::Member>& members);

 private:
  struct Known {
    model::VersionId version;
    bool wanted = true;  // no: it is told once more, that none is
  };

  void tell_soon();
  void tell_all();
  std::vector<model::FunctionPtr> to_tell();
  void answered(const std::string& uri, const FleetProvisionsParts::Ready& ready);

  const FleetProvisionsParts parts_;
  std::map<model::FunctionId, Known> known_;                    // that are kept, or were
  std::map<std::string, FleetProvisionsParts::Ready> workers_;  // by URI: so that all gateways count alike
  bool telling_soon_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::gateway
