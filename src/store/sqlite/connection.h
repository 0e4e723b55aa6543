// SQLite behind values that own: a connection, a prepared statement, one use of it. Everything here
// is called by the one thread that holds the Database's mutex.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace hearth::store::sqlite {

struct FinalizeStatement {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};
using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

class Connection {
 public:
  // Makes the file when it is missing; WAL, synchronous=FULL, foreign keys on. kIo, kCorrupt,
  // kUnsupported (a file system without what WAL needs).
  static base::Result<std::unique_ptr<Connection>> open(const std::string& path);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  // One or more statements that return no rows.
  base::Result<void> run(const char* sql);
  // Kept by the caller for the connection's life.
  base::Result<Statement> prepare(const char* sql);
  // All of them, or the first error.
  base::Result<void> prepare(std::span<const std::pair<Statement*, const char*>> wanted);
  // Rows that the last statement changed.
  std::int64_t changed_rows() const { return sqlite3_changes64(handle_); }
  // The number of the row that was inserted last.
  std::int64_t inserted_row() const { return sqlite3_last_insert_rowid(handle_); }
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  // The last failure was a second row with a unique value; `on_primary_key` tells which kind.
  bool hit_unique(bool on_primary_key) const;

  // Moves committed pages from the log into the database once the log holds many. Only this call
  // does: SQLite's own checkpoint after a commit hides its failures.
  base::Result<void> checkpoint_when_due();

  // A write or an fsync has failed: what the disk holds is unknown from here on.
  bool write_failed() const { return write_failed_; }
  // The last failure as an Error. Notes whether it was a failed write.
  base::Error error(std::string_view what);

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}
  base::Result<void> configure();

  sqlite3* const handle_;
  int log_pages_ = 0;  // in the write-ahead log after the last commit
  bool write_failed_ = false;
};

// One use of a statement: bind each parameter in order, step, read the row. Its end makes the
// statement ready for the next use. Bound text and bytes must live as long as the Query.
class Query {
 public:
  Query(Connection& connection, const Statement& statement)
      : connection_(connection), statement_(statement.get()) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  Query& bind(std::string_view text);
  Query& bind(std::int64_t number);
  Query& bind_bytes(std::string_view bytes);
  Query& bind_null();

  // True: a row is there to be read. False: done.
  base::Result<bool> next(std::string_view what);
  // next() for a statement without rows.
  base::Result<void> finish(std::string_view what);

  // Of a column of text or of bytes.
  std::string text(int column) const;
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

 private:
  void note(int code) { bind_failed_ = code != SQLITE_OK; }

  Connection& connection_;
  sqlite3_stmt* const statement_;
  int bound_ = 0;
  bool bind_failed_ = false;  // next() reports it; nothing is bound after it
};

}  // namespace hearth::store::sqlite
