#include "apps/hearth/worker_provisions.h"

#include <memory>

namespace hearth {

void WorkerProvisions::changed(const model::Function& function) {
  worker_.provide({std::make_shared<const model::Version>(function.current), function.label(),
                   part_.of(function.concurrency.provisioned, function.id)});
}

gateway::ProvisionCount WorkerProvisions::in_all() const {
  const worker::WorkerSnapshot snapshot = worker_.snapshot();
  return {snapshot.provisioned_wanted, snapshot.provisioned_ready};
}

}  // namespace hearth
