// A code store for tests: zips by digest in a temporary folder.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "archive/archive.h"
#include "base/unique_fd.h"
#include "store/code_store.h"

namespace hearth::worker {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "hearth-test-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Zips by digest in memory, counted; open() can be held back.
class FakeCodeStore final : public store::CodeStore {
 public:
  // A zip of index.js with `text`.
  void put(const std::string& code, const std::string& text) {
    const TemporaryFolder folder;
    std::ofstream(folder.path() / "index.js") << text;
    const std::filesystem::path zip = zips_.path() / code;
    ASSERT_TRUE(archive::pack_folder(folder.path(), zip, {}).ok());
  }
  void put_bytes(const std::string& code, const std::string& bytes) {
    std::ofstream(zips_.path() / code) << bytes;
  }

  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    released_.notify_all();
  }
  int opens(const std::string& code) {
    const std::lock_guard lock(mutex_);
    return opens_[code];
  }

  base::Result<std::unique_ptr<store::CodeWriter>> begin(std::uint64_t /*limit_bytes*/) override {
    return base::Error{base::ErrorCode::kUnsupported, "read only"};
  }
  base::Result<base::UniqueFd> open(std::string_view code) override {
    std::unique_lock lock(mutex_);
    opens_[std::string(code)] += 1;
    released_.wait(lock, [this] { return !held_; });
    base::UniqueFd zip(::open((zips_.path() / code).c_str(), O_RDONLY | O_CLOEXEC));
    if (!zip.valid()) {
      return base::Error{base::ErrorCode::kNotFound, "no such code"};
    }
    return zip;
  }
  base::Result<void> remove(std::string_view code) override {
    std::filesystem::remove(zips_.path() / code);
    return {};
  }
  std::string uri(std::string_view code) const override { return std::string(code); }

 private:
  const TemporaryFolder zips_;
  std::mutex mutex_;
  std::condition_variable released_;
  bool held_ = false;                 // guarded by mutex_
  std::map<std::string, int> opens_;  // guarded by mutex_
};

}  // namespace hearth::worker
