// Code as files named by their SHA-256: code/ab/abcdef…, written in tmp/ first.
//
// Thread-safe. A blob is linked into place only when its bytes are on the disk, under a name that
// says what they are; nothing is ever written to a file that has such a name.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/unique_fd.h"
#include "store/code_store.h"
#include "store/sqlite/data_directory.h"

namespace hearth::store::sqlite {

class FileCodeStore final : public CodeStore {
 public:
  // `directory` outlives the store, and the store its writers.
  explicit FileCodeStore(const DataDirectory& directory)
      : code_(directory.code_fd()), tmp_(directory.tmp_fd()) {}
  FileCodeStore(const FileCodeStore&) = delete;
  FileCodeStore& operator=(const FileCodeStore&) = delete;

  base::Result<std::unique_ptr<CodeWriter>> begin(std::uint64_t limit_bytes) override;
  base::Result<base::UniqueFd> open(std::string_view digest) override;
  base::Result<void> remove(std::string_view digest) override;
  std::string uri(std::string_view digest) const override;

 private:
  class Writer;

  // Gives the finished file `temporary` its name, unless good bytes have it already.
  base::Result<void> publish(const std::string& temporary, const std::string& digest);
  // Whether the name is new.
  base::Result<bool> link_or_replace(int folder, const std::string& temporary, const std::string& digest);

  const int code_;
  const int tmp_;
  std::atomic<std::uint64_t> uploads_ = 0;  // names temporary files
  std::mutex names_mutex_;                  // held while a name in code/ comes or goes
};

}  // namespace hearth::store::sqlite
