// What the conformance suite needs from a backend. Each backend's test program links the suite's
// sources and defines store_backends(), so a new one is held to the same promises. Tests only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "store/code_store.h"
#include "store/execution_store.h"
#include "store/function_store.h"
#include "store/schedule_store.h"

namespace hearth::store {

// An empty store of a test's own, gone with the object.
class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  virtual FunctionStore& functions() = 0;
  virtual CodeStore& code() = 0;
  virtual ExecutionStore& executions() = 0;
  virtual ScheduleStore& schedules() = 0;
  // Closes everything and opens it again, as a restart of the server does.
  virtual void reopen() = 0;
};

struct StoreBackend {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>()> make;
};

std::vector<StoreBackend> store_backends();

// A function with every field set, all derived from `number`.
model::Function sample_function(int number);
// The next version of `function`.
model::Version sample_version(const model::Function& function);
// Reads a descriptor to its end.
std::string read_to_end(int fd);
// Stores `bytes` in one piece.
base::Result<StoredCode> store_bytes(CodeStore& code, std::string_view bytes);

}  // namespace hearth::store
