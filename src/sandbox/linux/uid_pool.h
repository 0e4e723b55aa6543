// Which uids are in use: one for each living sandbox, handed out in turn, so that one that was given
// back rests for as long as possible. One thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace hearth::sandbox {

class UidPool {
 public:
  UidPool(uid_t base, std::uint32_t count) : base_(base), used_(count, false) {}

  // Nothing when all are in use.
  std::optional<uid_t> take() {
    for (std::size_t tried = 0; tried < used_.size(); ++tried) {
      const auto index = next_;
      next_ = (next_ + 1) % used_.size();
      if (!used_[index]) {
        used_[index] = true;
        return base_ + static_cast<uid_t>(index);
      }
    }
    return std::nullopt;
  }
  void give_back(uid_t uid) { used_[uid - base_] = false; }

 private:
  uid_t base_;
  std::vector<bool> used_;
  std::size_t next_ = 0;
};

}  // namespace hearth::sandbox
