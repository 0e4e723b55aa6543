// The store port for code: zips by their SHA-256. What is returned was checked against its digest.
//
// Called on threads that may block, from several at once: every implementation is thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::store {

struct StoredCode {
  std::string digest;  // SHA-256, 64 lower-case hex digits
  std::uint64_t bytes = 0;

  bool operator==(const StoredCode&) const = default;
};

// One upload on its way in: nothing is visible before commit(); its destructor without a commit
// leaves nothing behind. One thread at a time.
class CodeWriter {
 public:
  virtual ~CodeWriter() = default;
  // kIo (a full disk names itself), kTooLarge past the limit given to begin().
  virtual base::Result<void> append(std::string_view bytes) = 0;
  // The bytes written so far as a file open for reading from its start, for checks before commit().
  virtual base::Result<base::UniqueFd> reopen() = 0;
  // Durable when it returns: file fsynced, renamed into place, folder fsynced. Storing the same
  // bytes twice is one blob. After a failed fsync the error is kIo and nothing is kept.
  virtual base::Result<StoredCode> commit() = 0;
};

class CodeStore {
 public:
  virtual ~CodeStore() = default;
  virtual base::Result<std::unique_ptr<CodeWriter>> begin(std::uint64_t limit_bytes) = 0;
  // A file open for reading from its start, whose bytes have just been checked. kNotFound, kCorrupt.
  virtual base::Result<base::UniqueFd> open(std::string_view digest) = 0;
  // kNotFound is not an error here: what should be gone is gone.
  virtual base::Result<void> remove(std::string_view digest) = 0;
  // The URI shown as a function's blobUri: "blob:sha256:<digest>" and the like; never a host path.
  virtual std::string uri(std::string_view digest) const = 0;
};

}  // namespace hearth::store
