// hearth.db: one connection under one mutex, shared by every store that keeps tables in it.
//
// One connection is on purpose: SQLite before 3.51.3 can corrupt a write-ahead log when two write or
// checkpoint at once. A store holds a Session or a Transaction for the length of one operation; any
// thread that may block.
//
// After a failed write or fsync nobody can tell what the disk holds. The operation answers kIo, the
// database refuses all work from then on, and `on_fatal` is called once, so that the process can stop
// accepting, exit, and recover from the log at its next start. Nothing is tried a second time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/fair_mutex.h"
#include "base/result.h"
#include "store/sqlite/connection.h"

namespace hearth::store::sqlite {

class Database;

// Exclusive use of the connection, for reading.
class [[nodiscard]] Session {
 public:
  explicit Session(Database& database);

  Connection& connection() { return connection_; }

 private:
  std::unique_lock<base::FairMutex> lock_;
  Connection& connection_;
};

// Exclusive use of the connection, inside BEGIN IMMEDIATE. Rolled back unless commit() was called.
class [[nodiscard]] Transaction {
 public:
  explicit Transaction(Database& database);
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();

  // Opens it; nothing may be done before this has succeeded.
  base::Result<void> begin();
  // Durable when it returns without an error.
  base::Result<void> commit();

  Connection& connection() { return connection_; }

 private:
  std::unique_lock<base::FairMutex> lock_;
  Database& database_;
  Connection& connection_;
};

class Database {
 public:
  // Called on the thread whose operation failed, which holds the mutex: it may not use the database.
  using OnFatal = std::function<void(const base::Error&)>;

  // Opens or makes the file and migrates it. kIo, kCorrupt, kUnsupported (written by a newer Hearth).
  static base::Result<std::unique_ptr<Database>> open(const std::string& path, OnFatal on_fatal);
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // A write has failed; the process should exit. Any thread.
  bool failed() const { return failed_.load(); }
  // kIo once failed.
  base::Result<void> usable() const;
  // Of the file, that the next writes use before it grows.
  base::Result<std::uint64_t> unused_bytes();

 private:
  friend class Session;
  friend class Transaction;

  Database(std::unique_ptr<Connection> connection, OnFatal on_fatal)
      : connection_(std::move(connection)), on_fatal_(std::move(on_fatal)) {}
  void note_failure(const base::Error& error);

  base::FairMutex mutex_;
  const std::unique_ptr<Connection> connection_;  // used under mutex_
  const OnFatal on_fatal_;
  std::atomic<bool> failed_ = false;
};

}  // namespace hearth::store::sqlite
