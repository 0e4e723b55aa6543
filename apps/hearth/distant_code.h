// The code cache, which is the first loop's, for the instances of another loop or of the same.
#pragma once

#include <memory>
#include <utility>

#include "base/bring_back.h"
#include "base/event_loop.h"
#include "worker/code_cache.h"

namespace hearth {

// Used on `home` alone; all that is handed in outlives it.
class DistantCode final : public worker::CodeSource {
 public:
  DistantCode(base::EventLoop& first_loop, worker::CodeCache& cache, base::EventLoop& home)
      : first_loop_(first_loop), cache_(cache), home_(home) {}

  void fetch(const worker::VersionKey& version, Done done) override {
    first_loop_.post([&cache = cache_, version, told = base::bring_back(home_, std::move(done))] {
      cache.fetch(version, told);
    });
  }
  void keep(const model::VersionId& version, worker::CompiledCode compiled) override {
    auto held = std::make_shared<worker::CompiledCode>(std::move(compiled));
    first_loop_.post([&cache = cache_, version, held] { cache.keep(version, std::move(*held)); });
  }
  void discard(const model::VersionId& version) override {
    first_loop_.post([&cache = cache_, version] { cache.discard(version); });
  }

 private:
  base::EventLoop& first_loop_;
  worker::CodeCache& cache_;
  base::EventLoop& home_;
};

}  // namespace hearth
