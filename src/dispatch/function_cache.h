// Which functions exist, as this process knows it: a mirror of the store by id and by name, so that
// no invocation reads the store. Filled at start, changed after each durable change of the store.
//
// Loop thread only. Entries are immutable and shared with the calls that use them.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/function.h"

namespace hearth::dispatch {

class FunctionCache {
 public:
  // By id, else by unique name; null when there is none.
  model::FunctionPtr find(std::string_view id_or_name) const;

  // Adds it, or replaces an older state of it: of an older version, or of the same one and an older revision.
  // Nothing if it knows this state or a newer one, or if the
  // function is one of the last that were removed: changes may be told twice, and late. Returns what was
  // replaced, or null.
  model::FunctionPtr put(model::FunctionPtr function);

  // Returns what was removed, or null. It is remembered either way: an id is never given again.
  model::FunctionPtr remove(const model::FunctionId& id);

  // In the order of creation.
  std::vector<model::FunctionPtr> list() const;

  std::size_t size() const { return by_id_.size(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Index = std::unordered_map<std::string, model::FunctionPtr, Hash, std::equal_to<>>;

  model::FunctionPtr take_out(const model::FunctionId& id);

  static constexpr std::size_t kRemovedRemembered = 1'024;

  Index by_id_;
  Index by_name_;
  std::deque<model::FunctionId> removed_;  // oldest first
};

}  // namespace hearth::dispatch
