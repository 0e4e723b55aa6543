// Versions that calls have named and that are not current: read from the store once, so that the second call
// of one is as quick as any. Bounded; what is dropped is told, as its instances have no use any more.
//
// Loop thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <utility>
#include <vector>

#include "gateway/function_changes.h"
#include "model/function.h"

namespace hearth::gateway {

// At once, of all functions.
inline constexpr std::size_t kPastVersionsKept = 1'000;

class PastVersions {
 public:
  using Found = std::function<void(ApiResult<model::VersionPtr>)>;
  // Reads one from the store; calls what it is handed on the loop.
  using Read = std::function<void(const model::FunctionId&, std::uint32_t number, Found)>;
  // Of a version that is dropped: because its function is gone, or for want of room.
  using Dropped = std::function<void(const model::VersionId&, bool deleted)>;

  PastVersions(Read read, Dropped dropped, std::size_t most = kPastVersionsKept)
      : read_(std::move(read)), dropped_(std::move(dropped)), most_(most) {}
  PastVersions(const PastVersions&) = delete;
  PastVersions& operator=(const PastVersions&) = delete;

  // `done` is called inside the call when it is known. Calls for one that is being read wait for the same
  // read. A failure is not remembered.
  void find(const model::FunctionId& function, std::uint32_t number, Found done);

  // One that was current until now, and will be asked for: it need not be read.
  void keep(model::VersionPtr version);

  // The function is gone: its versions are dropped, and one that is being read is not kept.
  void forget(const model::FunctionId& function);

 private:
  using Key = std::pair<model::FunctionId, std::uint32_t>;
  struct Entry {
    model::VersionPtr version;  // null: it is being read
    std::vector<Found> waiting;
    std::list<Key>::iterator use;  // in uses_, once it is there
    bool forgotten = false;
  };

  void was_read(const Key& key, const ApiResult<model::VersionPtr>& result);
  void make_room();

  const Read read_;
  const Dropped dropped_;
  const std::size_t most_;
  std::map<Key, Entry> entries_;
  std::list<Key> uses_;  // least recently used first
};

}  // namespace hearth::gateway
