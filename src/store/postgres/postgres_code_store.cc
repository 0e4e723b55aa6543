#include "store/postgres/postgres_code_store.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/sha256.h"
#include "base/units.h"
#include "store/postgres/transaction.h"

namespace hearth::store::postgres {
namespace {

constexpr std::size_t kPieceBytes = 256 * base::kKiB;

// Tells whether it is new: a row that was there keeps its bytes.
constexpr Statement kName{
    "code_name",
    "INSERT INTO code (digest, bytes, stored_at) VALUES ($1, $2, clock_timestamp()) "
    "ON CONFLICT (digest) DO UPDATE SET stored_at = clock_timestamp() RETURNING (xmax = 0)::int"};
constexpr Statement kIsWhole{
    "code_is_whole",
    "SELECT (encode(sha256(COALESCE(string_agg(bytes, ''::bytea ORDER BY number), ''::bytea)), "
    "'hex') = $1)::int FROM code_pieces WHERE digest = $1"};
constexpr Statement kForget{"code_forget", "DELETE FROM code_pieces WHERE digest = $1"};
constexpr Statement kAdd{"code_add", "INSERT INTO code_pieces (digest, number, bytes) VALUES ($1, $2, $3)"};
constexpr Statement kFind{"code_find", "SELECT bytes FROM code WHERE digest = $1"};
constexpr Statement kRead{"code_read", "SELECT bytes FROM code_pieces WHERE digest = $1 AND number = $2"};
#define HEARTH_UNREFERENCED                                                                      \
  "stored_at <= clock_timestamp() - make_interval(secs => $1::double precision) AND NOT EXISTS " \
  "(SELECT 1 FROM versions WHERE code_digest = code.digest)"
constexpr Statement kRemove{"code_remove", "DELETE FROM code WHERE digest = $2 AND " HEARTH_UNREFERENCED};
constexpr Statement kSweep{"code_sweep", "DELETE FROM code WHERE " HEARTH_UNREFERENCED};
#undef HEARTH_UNREFERENCED

base::Error no_such_code(std::string_view digest) {
  return {base::ErrorCode::kNotFound,
          "there is no code with the digest " + std::string(digest.substr(0, 64))};
}

base::Result<void> add_pieces(Transaction& transaction, const std::string& digest, int file) {
  std::string piece(kPieceBytes, '\0');
  std::int64_t number = 0;
  std::size_t size = 0;
  for (;;) {
    const ssize_t got = ::read(file, piece.data() + size, piece.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return base::io_error("read the upload", errno);
    }
    size += static_cast<std::size_t>(got);
    if (size == piece.size() || (got == 0 && size > 0)) {
      auto added = transaction.run(kAdd, {Parameter::text(digest), Parameter::number(number++),
                                          Parameter::bytes(std::string_view(piece).substr(0, size))});
      if (!added) {
        return added.error();
      }
      size = 0;
    }
    if (got == 0) {
      return {};
    }
  }
}

}  // namespace

class PostgresCodeStore::Writer final : public CodeWriter {
 public:
  Writer(PostgresCodeStore& store, std::unique_ptr<CodeWriter> file)
      : store_(store), file_(std::move(file)) {}

  base::Result<void> append(std::string_view bytes) override {
    auto appended = file_->append(bytes);
    if (appended) {
      hash_.add(bytes);
      bytes_ += bytes.size();
    } else {
      broken_ = broken_ || appended.error().code != base::ErrorCode::kTooLarge;
    }
    return appended;
  }

  base::Result<base::UniqueFd> reopen() override { return file_->reopen(); }

  base::Result<StoredCode> commit() override {
    if (std::exchange(broken_, true)) {
      return base::Error{base::ErrorCode::kInternal, "commit of an upload that failed or was committed"};
    }
    const auto file = file_->reopen();
    if (!file) {
      return file.error();
    }
    StoredCode stored{hash_.finish(), bytes_};
    if (auto published = store_.publish(stored, file->get()); !published) {
      return published.error();
    }
    return stored;
  }

 private:
  PostgresCodeStore& store_;
  const std::unique_ptr<CodeWriter> file_;
  base::Sha256 hash_;
  std::uint64_t bytes_ = 0;
  bool broken_ = false;  // or committed
};

base::Result<std::unique_ptr<CodeWriter>> PostgresCodeStore::begin(std::uint64_t limit_bytes) {
  auto file = spool_.begin(limit_bytes);
  if (!file) {
    return file.error();
  }
  return std::unique_ptr<CodeWriter>(new Writer(*this, std::move(*file)));
}

base::Result<void> PostgresCodeStore::publish(const StoredCode& code, int file) {
  auto transaction = Transaction::begin(pool_);
  if (!transaction) {
    return transaction.error();
  }
  const Parameter digest = Parameter::text(code.digest);
  const auto named =
      transaction->run(kName, {digest, Parameter::number(static_cast<std::int64_t>(code.bytes))});
  if (!named) {
    return named.error();
  }
  if (named->number(0, 0) == 0) {
    const auto whole = transaction->run(kIsWhole, {digest});
    if (!whole) {
      return whole.error();
    }
    if (whole->number(0, 0) != 0) {
      return transaction->commit();
    }
    // The bytes there are damaged: deploying the same code again is how a user mends it.
    if (auto forgotten = transaction->run(kForget, {digest}); !forgotten) {
      return forgotten.error();
    }
  }
  if (auto added = add_pieces(*transaction, code.digest, file); !added) {
    return added;
  }
  return transaction->commit();
}

base::Result<base::UniqueFd> PostgresCodeStore::open(std::string_view digest) {
  if (!base::is_sha256(digest)) {
    return no_such_code(digest);
  }
  std::uint64_t bytes = 0;
  {
    auto connection = pool_.borrow();
    if (!connection) {
      return connection.error();
    }
    const auto found = (*connection)->run(kFind, {Parameter::text(digest)});
    if (!found) {
      return found.error();
    }
    if (found->count() == 0) {
      return no_such_code(digest);
    }
    bytes = static_cast<std::uint64_t>(found->number(0, 0));
  }
  auto file = spool_.begin(bytes);
  if (!file) {
    return file.error();
  }
  if (auto fetched = fetch(digest, **file, bytes); !fetched) {
    return fetched.error();
  }
  return (*file)->reopen();
}

// Fills the file, and checks what came.
base::Result<void> PostgresCodeStore::fetch(std::string_view digest, CodeWriter& into, std::uint64_t bytes) {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  base::Sha256 hash;
  std::uint64_t got = 0;
  for (std::int64_t number = 0; got < bytes; ++number) {
    const auto rows = (*connection)->run(kRead, {Parameter::text(digest), Parameter::number(number)});
    if (!rows) {
      return rows.error();
    }
    const std::string piece = rows->count() == 0 ? std::string() : rows->bytes(0, 0);
    if (piece.empty() || piece.size() > bytes - got) {
      break;
    }
    hash.add(piece);
    got += piece.size();
    if (auto appended = into.append(piece); !appended) {
      return appended;
    }
  }
  const std::string found = hash.finish();
  if (found != digest) {
    return base::Error{base::ErrorCode::kCorrupt, "the stored code " + std::string(digest) +
                                                      " is damaged (its bytes have the digest " + found +
                                                      "); deploy the function again"};
  }
  return {};
}

base::Result<void> PostgresCodeStore::remove(std::string_view digest) {
  if (!base::is_sha256(digest)) {
    return {};
  }
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  auto removed =
      (*connection)->run(kRemove, {Parameter::number(spared_for_.count()), Parameter::text(digest)});
  return removed ? base::Result<void>() : removed.error();
}

base::Result<void> PostgresCodeStore::sweep() {
  auto connection = pool_.borrow();
  if (!connection) {
    return connection.error();
  }
  auto removed = (*connection)->run(kSweep, {Parameter::number(spared_for_.count())});
  return removed ? base::Result<void>() : removed.error();
}

std::string PostgresCodeStore::uri(std::string_view digest) const {
  return "blob:sha256:" + std::string(digest);
}

}  // namespace hearth::store::postgres
