#include "store/sqlite/testing/power_cut.h"

#include <array>

namespace hearth::store::sqlite {
namespace {

constexpr unsigned kCutAtOneWriteIn = 24;
constexpr std::array kEvents = {"a write to ", "a truncation of ", "a sync of ",
                                "making ",     "removing ",        "a sync of "};

}  // namespace

PowerCutter::PowerCutter(SimulatedDisk& disk, std::mt19937& dice, PowerCutCounts& counts, unsigned one_in)
    : disk_(disk), dice_(dice), counts_(counts), one_in_(one_in) {
  disk_.watch([this](DiskEvent event, const std::string& name) { happens(event, name); });
}

void PowerCutter::happens(DiskEvent event, const std::string& name) {
  const std::string before = std::string("before ") + kEvents.at(static_cast<std::size_t>(event)) + name;
  if (event == DiskEvent::kWrite) {
    if (dice_() % kCutAtOneWriteIn == 0) {
      cut(Kept::kSome, before);
    }
    return;
  }
  const bool sync = event == DiskEvent::kSync || event == DiskEvent::kSyncFolder;
  counts_.sync_points += sync && one_in_ == 1 ? 1 : 0;
  counts_.checkpoints += event == DiskEvent::kSync && name == "hearth.db" && one_in_ == 1 ? 1 : 0;
  for (const Kept kept : {Kept::kNothing, Kept::kEverything, Kept::kSome}) {
    cut(kept, before);
  }
}

void PowerCutter::acknowledged() {
  acknowledged_ = true;
  for (const Kept kept : {Kept::kNothing, Kept::kSome}) {
    cut(kept, "after the acknowledgement");
  }
}

void PowerCutter::cut(Kept kept, const std::string& moment) {
  const char* const much = kept == Kept::kNothing      ? ", nothing kept"
                           : kept == Kept::kEverything ? ", everything kept"
                                                       : ", some of it kept";
  if (dice_() % one_in_ != 0) {
    return;
  }
  cuts_.push_back({disk_.after_cut(kept, dice_), acknowledged_, moment + much});
}

}  // namespace hearth::store::sqlite
