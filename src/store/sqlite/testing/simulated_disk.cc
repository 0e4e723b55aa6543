#include "store/sqlite/testing/simulated_disk.h"

#include <algorithm>
#include <array>
#include <set>

namespace hearth::store::sqlite {
namespace {

constexpr std::size_t kSectorBytes = 512;

// What one power cut does to the writes of one file.
class Tearing {
 public:
  Tearing(std::string synced, std::mt19937& dice)
      : left_(std::move(synced)),
        dice_(dice),
        percent_(std::array{10U, 50U, 90U}.at(dice() % 3)),
        garbage_(dice() % 2 == 0) {}

  bool chance() { return dice_() % 100 < percent_; }

  // Each sector that the write touches is there or not.
  void write(std::string_view bytes, std::size_t offset) {
    while (!bytes.empty()) {
      const std::size_t piece = std::min(bytes.size(), kSectorBytes - offset % kSectorBytes);
      if (chance()) {
        grow(offset + piece);
        std::ranges::copy(bytes.substr(0, piece), left_.begin() + static_cast<std::ptrdiff_t>(offset));
      }
      bytes.remove_prefix(piece);
      offset += piece;
    }
  }
  void resize(std::size_t size) {
    grow(size);
    left_.resize(size);
  }
  void grow(std::size_t size) {
    while (left_.size() < size) {
      left_.push_back(garbage_ ? static_cast<char>(dice_()) : '\0');
    }
  }
  std::string take() { return std::move(left_); }

 private:
  std::string left_;
  std::mt19937& dice_;
  const unsigned percent_;
  const bool garbage_;
};

void write_to(std::string& file, std::string_view bytes, std::size_t offset) {
  if (file.size() < offset + bytes.size()) {
    file.resize(offset + bytes.size());
  }
  std::ranges::copy(bytes, file.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

void SimulatedFile::write(std::string_view bytes, std::size_t offset) {
  const std::size_t known = std::min(offset, bytes_.size());
  changes_.push_back({false, offset, std::string(bytes), bytes_.substr(known, bytes.size()), bytes_.size()});
  write_to(bytes_, bytes, offset);
}

void SimulatedFile::truncate(std::size_t size) {
  const std::size_t known = std::min(size, bytes_.size());
  changes_.push_back({true, size, {}, bytes_.substr(known), bytes_.size()});
  bytes_.resize(size);
}

// What is there without the changes.
std::string SimulatedFile::synced() const {
  std::string file = bytes_;
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    file.resize(change->size_before);
    if (!change->overwritten.empty()) {
      write_to(file, change->overwritten, change->offset);
    }
  }
  return file;
}

std::string SimulatedFile::after_cut(Kept kept, std::mt19937& dice) const {
  if (kept != Kept::kSome || changes_.empty()) {
    return kept == Kept::kNothing ? synced() : bytes_;
  }
  Tearing tearing(synced(), dice);
  for (const Change& change : changes_) {
    if (!change.truncates) {
      tearing.write(change.bytes, change.offset);
    } else if (tearing.chance()) {
      tearing.resize(change.offset);
    }
  }
  if (tearing.chance()) {  // the file's new size is there, whatever of its bytes
    tearing.grow(bytes_.size());
  }
  return tearing.take();
}

SimulatedFilePtr SimulatedDisk::find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

SimulatedFilePtr SimulatedDisk::create(const std::string& name) {
  happens(DiskEvent::kCreate, name);
  return names_[name] = std::make_shared<SimulatedFile>();
}

bool SimulatedDisk::remove(const std::string& name) {
  happens(DiskEvent::kRemove, name);
  return names_.erase(name) == 1;
}

void SimulatedDisk::sync_folder() {
  happens(DiskEvent::kSyncFolder, "the folder");
  synced_names_ = names_;
}

std::unique_ptr<SimulatedDisk> SimulatedDisk::after_cut(Kept kept, std::mt19937& dice) const {
  Names left = kept == Kept::kEverything ? names_ : synced_names_;
  if (kept == Kept::kSome) {
    std::set<std::string> changed;
    for (const Names* names : {&names_, &synced_names_}) {
      for (const auto& [name, file] : *names) {
        changed.insert(name);
      }
    }
    for (const std::string& name : changed) {
      if (dice() % 2 == 0) {
        left[name] = find(name);
      }
    }
  }
  auto disk = std::make_unique<SimulatedDisk>();
  for (const auto& [name, file] : left) {
    if (file != nullptr) {
      disk->names_[name] = std::make_shared<SimulatedFile>(file->after_cut(kept, dice));
    }
  }
  disk->synced_names_ = disk->names_;
  return disk;
}

}  // namespace hearth::store::sqlite
