// SQLite's file layer on simulated disks, made the default for the whole test program, so that the code under
// test needs no hook. It syncs what SQLite's own layer for Unix does: a new log's or journal's first sync
// syncs the folder too, a removal only where SQLite asks for it. Tests only, one thread.
//
// One connection a disk: locks are not kept, and the index of the write-ahead log is in that connection's
// memory. SQLite throws the index of a process that is gone away.
#pragma once

#include <optional>
#include <string>

#include "store/sqlite/testing/simulated_disk.h"

namespace hearth::store::sqlite {

// Gives a disk a path for as long as this lives. The disk outlives it.
class MountedDisk {
 public:
  // `synchronous`: the level that a connection gets instead of the one that it asks for: 0 OFF, 1 NORMAL, 2
  // FULL.
  explicit MountedDisk(SimulatedDisk& disk, std::optional<int> synchronous = std::nullopt);
  MountedDisk(const MountedDisk&) = delete;
  MountedDisk& operator=(const MountedDisk&) = delete;
  ~MountedDisk();

  // Of hearth.db in its folder.
  std::string database_path() const { return folder_ + "hearth.db"; }

 private:
  const std::string folder_;
};

// Empty, but for what DataDirectory has made and synced: hearth.db without a byte.
std::unique_ptr<SimulatedDisk> new_disk();
// With hearth.db in pages of 512 bytes, so that its log soon has as many as are moved into the database at
// once.
std::unique_ptr<SimulatedDisk> new_disk_of_small_pages();

}  // namespace hearth::store::sqlite
