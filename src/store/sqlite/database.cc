#include "store/sqlite/database.h"

#include "store/sqlite/migrations.h"

namespace hearth::store::sqlite {

base::Result<std::unique_ptr<Database>> Database::open(const std::string& path, OnFatal on_fatal) {
  auto connection = Connection::open(path);
  if (!connection) {
    return connection.error();
  }
  if (auto migrated = migrate(**connection, migrations()); !migrated) {
    return base::Error{migrated.error().code, path + ": " + migrated.error().message};
  }
  return std::unique_ptr<Database>(new Database(std::move(*connection), std::move(on_fatal)));
}

base::Result<void> Database::usable() const {
  if (failed()) {
    return base::Error{
        base::ErrorCode::kIo,
        "the database could not write to its disk and takes no more work; check the disk and restart"};
  }
  return {};
}

base::Result<std::uint64_t> Database::unused_bytes() {
  Session session(*this);
  if (auto can = usable(); !can) {
    return can.error();
  }
  auto statement = session.connection().prepare(
      "SELECT f.freelist_count * p.page_size FROM pragma_freelist_count f, pragma_page_size p");
  if (!statement) {
    return statement.error();
  }
  Query query(session.connection(), *statement);
  auto row = query.next("look for unused pages");
  if (!row) {
    return row.error();
  }
  return static_cast<std::uint64_t>(query.number(0));
}

void Database::note_failure(const base::Error& error) {
  if (connection_->write_failed() && !failed_.exchange(true) && on_fatal_) {
    on_fatal_(error);
  }
}

Session::Session(Database& database) : lock_(database.mutex_), connection_(*database.connection_) {}

Transaction::Transaction(Database& database)
    : lock_(database.mutex_), database_(database), connection_(*database.connection_) {}

base::Result<void> Transaction::begin() {
  if (auto usable = database_.usable(); !usable) {
    return usable;
  }
  return connection_.run("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (connection_.in_transaction()) {
    (void)connection_.run("ROLLBACK");  // reported already: by the operation that did not commit
  }
  // A write may also fail before the commit, when a large change spills into the log.
  database_.note_failure({base::ErrorCode::kIo, "a database write failed"});
}

base::Result<void> Transaction::commit() {
  if (auto done = connection_.run("COMMIT"); !done) {
    database_.note_failure(done.error());
    return done;
  }
  // What is committed stays committed when the checkpoint fails; it is in the synced log.
  if (auto moved = connection_.checkpoint_when_due(); !moved) {
    database_.note_failure(moved.error());
  }
  return {};
}

}  // namespace hearth::store::sqlite
