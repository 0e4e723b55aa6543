// The store that a server was told to use: the embedded one in its data directory, or PostgreSQL, which
// several share. Opened by the thread that starts the server; what it holds is for any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "apps/hearth/serve_options.h"
#include "base/random.h"
#include "base/result.h"
#include "store/change_feed.h"
#include "store/code_store.h"
#include "store/execution_store.h"
#include "store/function_store.h"
#include "store/schedule_store.h"
#include "store/sqlite/data_directory.h"

namespace hearth {

class Stores {
 public:
  virtual ~Stores() = default;
  virtual store::FunctionStore& functions() = 0;
  virtual store::CodeStore& code() = 0;
  virtual store::ExecutionStore& executions() = 0;
  virtual store::ScheduleStore& schedules() = 0;
  // Null where nobody else changes what is in it.
  virtual store::ChangeFeed* feed() = 0;
  // Bytes that more can be written into: the disk's, and what is unused inside the store. Nothing: it is on
  // other hosts, or cannot be told now. Blocks.
  virtual std::optional<std::uint64_t> room_bytes() = 0;
  // Removes code that no function refers to and that is old enough. Blocks.
  virtual base::Result<void> sweep_code() = 0;
};

// `directory` outlives it. `random` names this server among those that share its store. kUnavailable:
// PostgreSQL does not answer.
base::Result<std::unique_ptr<Stores>> open_stores(const ServeOptions& options,
                                                  store::sqlite::DataDirectory& directory,
                                                  base::Random& random);

}  // namespace hearth
