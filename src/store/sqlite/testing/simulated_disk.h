// A disk in memory that knows what was synced: a power cut leaves that, and of the rest what chance wants.
// Tests only, one thread.
//
// What is modelled: of the writes to a file since its last sync any part may be on the disk, in sectors of
// 512 bytes, in any order, whole or not at all; so may each change of the file's size, and where a file grew
// without its bytes there are zeros or garbage. That a name was made or removed is certain once the folder
// was synced. What is not: a sector that is half written, a disk that forgets or damages what it said it had
// synced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hearth::store::sqlite {

// Of what was not synced.
enum class Kept { kNothing, kEverything, kSome };

enum class DiskEvent { kWrite, kTruncate, kSync, kCreate, kRemove, kSyncFolder };

class SimulatedFile {
 public:
  SimulatedFile() = default;
  // As it is found after a power cut: all of it is on the disk.
  explicit SimulatedFile(std::string bytes) : bytes_(std::move(bytes)) {}

  const std::string& bytes() const { return bytes_; }  // what a read sees
  void write(std::string_view bytes, std::size_t offset);
  void truncate(std::size_t size);
  void sync() { changes_.clear(); }
  std::string after_cut(Kept kept, std::mt19937& dice) const;

 private:
  struct Change {
    bool truncates = false;
    std::size_t offset = 0;  // or the new size
    std::string bytes;
    std::string overwritten;  // from the offset on
    std::size_t size_before = 0;
  };

  std::string synced() const;

  std::string bytes_;
  std::vector<Change> changes_;  // since the last sync
};
using SimulatedFilePtr = std::shared_ptr<SimulatedFile>;

// One folder of files. Neither copied nor moved: an open database knows it by its address.
class SimulatedDisk {
 public:
  // Called before it happens, with the file's name.
  using Watcher = std::function<void(DiskEvent, const std::string&)>;

  SimulatedDisk() = default;
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  void watch(Watcher watcher) { watcher_ = std::move(watcher); }
  void happens(DiskEvent event, const std::string& name) const {
    if (watcher_) {
      watcher_(event, name);
    }
  }

  SimulatedFilePtr find(const std::string& name) const;
  SimulatedFilePtr create(const std::string& name);
  bool remove(const std::string& name);
  void sync_folder();

  // What is found when the power is back.
  std::unique_ptr<SimulatedDisk> after_cut(Kept kept, std::mt19937& dice) const;

 private:
  using Names = std::map<std::string, SimulatedFilePtr>;

  Names names_;
  Names synced_names_;
  Watcher watcher_;
};

}  // namespace hearth::store::sqlite
