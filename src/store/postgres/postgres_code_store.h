// Code in PostgreSQL, in pieces, for any number of servers. What is written or read passes through a file of
// a local store's, which leaves nothing behind.
//
// Thread-safe. A blob that no version refers to is spared for a while after it was stored: another server may
// be about to refer to it.
#pragma once

#include <chrono>

#include "store/code_store.h"
#include "store/postgres/pool.h"

namespace hearth::store::postgres {

class PostgresCodeStore final : public CodeStore {
 public:
  // `pool`, whose database has been migrated, and `spool` outlive the store, and the store its writers.
  // `spared_for`: how old an unreferenced blob is, at least, before remove() and sweep() take it.
  PostgresCodeStore(Pool& pool, CodeStore& spool, std::chrono::seconds spared_for = std::chrono::hours(1))
      : pool_(pool), spool_(spool), spared_for_(spared_for) {}
  PostgresCodeStore(const PostgresCodeStore&) = delete;
  PostgresCodeStore& operator=(const PostgresCodeStore&) = delete;

  base::Result<std::unique_ptr<CodeWriter>> begin(std::uint64_t limit_bytes) override;
  base::Result<base::UniqueFd> open(std::string_view digest) override;
  // What a version refers to, or was stored only now, stays; sweep() takes it later.
  base::Result<void> remove(std::string_view digest) override;
  std::string uri(std::string_view digest) const override;

  // Removes every blob that no version refers to and that is old enough.
  base::Result<void> sweep();

 private:
  class Writer;

  base::Result<void> publish(const StoredCode& code, int file);
  base::Result<void> fetch(std::string_view digest, CodeWriter& into, std::uint64_t bytes);

  Pool& pool_;
  CodeStore& spool_;
  const std::chrono::seconds spared_for_;
};

}  // namespace hearth::store::postgres
