#include "store/sqlite/connection.h"

#include <cerrno>

namespace hearth::store::sqlite {
namespace {

constexpr int kCheckpointPages = 4'000;  // 16 MB of log
constexpr int kBusyTimeoutMs = 5'000;    // a backup tool may hold the file for a moment

bool is_failed_write(int code) {
  return code == SQLITE_IOERR_WRITE || code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ||
         code == SQLITE_IOERR_TRUNCATE;
}

base::ErrorCode code_for(int sqlite_code) {
  switch (sqlite_code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return base::ErrorCode::kCorrupt;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return base::ErrorCode::kIo;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return base::ErrorCode::kBusy;
    case SQLITE_NOMEM:
      return base::ErrorCode::kExhausted;
    case SQLITE_TOOBIG:
      return base::ErrorCode::kTooLarge;
    case SQLITE_CONSTRAINT:
      return base::ErrorCode::kAlreadyExists;
    default:
      return base::ErrorCode::kInternal;
  }
}

int note_log_pages(void* log_pages, sqlite3*, const char*, int pages) {
  *static_cast<int*>(log_pages) = pages;
  return SQLITE_OK;
}

}  // namespace

base::Result<std::unique_ptr<Connection>> Connection::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (opened != SQLITE_OK) {
    return connection->error("open the database " + path);
  }
  if (auto configured = connection->configure(); !configured) {
    return base::Error{configured.error().code, path + ": " + configured.error().message};
  }
  return connection;
}

Connection::~Connection() {
  if (write_failed_) {  // closing would checkpoint, and so repeat the fsync that failed
    sqlite3_db_config(handle_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  }
  sqlite3_close_v2(handle_);
}

base::Result<void> Connection::configure() {
  sqlite3_busy_timeout(handle_, kBusyTimeoutMs);
  {
    auto statement = prepare("PRAGMA journal_mode=WAL");
    if (!statement) {
      return statement.error();
    }
    Query query(*this, *statement);
    auto row = query.next("switch to write-ahead logging");
    if (!row) {
      return row.error();
    }
    if (query.text(0) != "wal") {
      return base::Error{
          base::ErrorCode::kUnsupported,
          "this file system cannot hold a database in WAL mode; choose a --data-dir on a local disk"};
    }
  }
  sqlite3_wal_hook(handle_, &note_log_pages, &log_pages_);  // also turns SQLite's own checkpoints off
  return run("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;");
}

base::Result<void> Connection::run(const char* sql) {
  if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return error("run a database statement");
  }
  return {};
}

base::Result<Statement> Connection::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
    return error("prepare a database statement");
  }
  return Statement(statement);
}

base::Result<void> Connection::prepare(std::span<const std::pair<Statement*, const char*>> wanted) {
  for (const auto& [statement, sql] : wanted) {
    auto prepared = prepare(sql);
    if (!prepared) {
      return prepared.error();
    }
    *statement = std::move(*prepared);
  }
  return {};
}

bool Connection::hit_unique(bool on_primary_key) const {
  return sqlite3_extended_errcode(handle_) ==
         (on_primary_key ? SQLITE_CONSTRAINT_PRIMARYKEY : SQLITE_CONSTRAINT_UNIQUE);
}

base::Result<void> Connection::checkpoint_when_due() {
  if (log_pages_ < kCheckpointPages) {
    return {};
  }
  const int code = sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (code != SQLITE_OK &&
      code != SQLITE_BUSY) {  // busy: a reader holds it back; the next commit tries again
    return error("checkpoint the database");
  }
  return {};
}

base::Error Connection::error(std::string_view what) {
  if (handle_ == nullptr) {
    return {base::ErrorCode::kExhausted, std::string(what) + ": out of memory"};
  }
  const int code = sqlite3_extended_errcode(handle_);
  const int system = sqlite3_system_errno(handle_);
  write_failed_ = write_failed_ || is_failed_write(code);
  std::string message = std::string(what) + ": ";
  const bool io = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
  if ((code & 0xff) == SQLITE_FULL || (io && (system == ENOSPC || system == EDQUOT))) {
    message += "the disk is full; free some space and try again";
  } else if (code_for(code) == base::ErrorCode::kCorrupt) {
    message +=
        "the database is damaged (" + std::string(sqlite3_errmsg(handle_)) + "); restore it from a backup";
  } else {
    message += sqlite3_errmsg(handle_);
    message += io && system != 0 ? base::io_error("", system).message : "";
  }
  return {code_for(code), std::move(message)};
}

Query::~Query() {
  sqlite3_reset(statement_);  // repeats the last step's error, which next() has reported
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(std::string_view text) {
  // A view of nothing may hold a null pointer, which SQLite would store as NULL.
  const char* bytes = text.data() == nullptr ? "" : text.data();
  if (!bind_failed_) {
    note(sqlite3_bind_text64(statement_, ++bound_, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  }
  return *this;
}

Query& Query::bind(std::int64_t number) {
  if (!bind_failed_) {
    note(sqlite3_bind_int64(statement_, ++bound_, number));
  }
  return *this;
}

Query& Query::bind_bytes(std::string_view bytes) {
  if (!bind_failed_) {
    note(sqlite3_bind_blob64(statement_, ++bound_, bytes.empty() ? "" : bytes.data(), bytes.size(),
                             SQLITE_STATIC));
  }
  return *this;
}

Query& Query::bind_null() {
  if (!bind_failed_) {
    note(sqlite3_bind_null(statement_, ++bound_));
  }
  return *this;
}

base::Result<bool> Query::next(std::string_view what) {
  if (!bind_failed_) {
    const int code = sqlite3_step(statement_);
    if (code == SQLITE_ROW || code == SQLITE_DONE) {
      return code == SQLITE_ROW;
    }
  }
  return connection_.error(what);
}

base::Result<void> Query::finish(std::string_view what) {
  auto row = next(what);
  return row ? base::Result<void>() : base::Result<void>(row.error());
}

std::string Query::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, size);
}

}  // namespace hearth::store::sqlite
