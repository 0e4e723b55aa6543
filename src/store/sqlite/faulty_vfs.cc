#include "store/sqlite/faulty_vfs.h"

#include <sqlite3.h>

#include <map>
#include <mutex>

namespace hearth::store::sqlite {
namespace {

// The real layer's method tables, each copied once with our xSync in it.
struct Methods {
  sqlite3_io_methods table;
  const sqlite3_io_methods* real;
};

struct Layer {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  FaultySync sync;
  std::mutex mutex;
  std::map<std::pair<const sqlite3_io_methods*, bool>, Methods> methods;
};

Layer& layer() {
  static Layer only;
  return only;
}

template <bool kLog>
int sync_file(sqlite3_file* file, int flags) {
  FaultySync& sync = layer().sync;
  ++sync.calls;
  if (kLog ? sync.log_fails : sync.database_fails) {
    return SQLITE_IOERR_FSYNC;
  }
  return reinterpret_cast<const Methods*>(file->pMethods)->real->xSync(file, flags);
}

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  Layer& self = layer();
  const int opened = self.real->xOpen(self.real, name, file, flags, out_flags);
  const bool log = (flags & SQLITE_OPEN_WAL) != 0;
  if (opened != SQLITE_OK || (!log && (flags & SQLITE_OPEN_MAIN_DB) == 0)) {
    return opened;
  }
  const std::lock_guard lock(self.mutex);
  auto [methods, is_new] =
      self.methods.try_emplace({file->pMethods, log}, Methods{*file->pMethods, file->pMethods});
  if (is_new) {
    methods->second.table.xSync = log ? &sync_file<true> : &sync_file<false>;
  }
  file->pMethods = &methods->second.table;
  return opened;
}

}  // namespace

FaultySync& faulty_sync() {
  static const bool installed = [] {
    Layer& self = layer();
    self.real = sqlite3_vfs_find(nullptr);
    self.vfs = *self.real;
    self.vfs.zName = "faulty";
    self.vfs.xOpen = &open_file;
    return sqlite3_vfs_register(&self.vfs, 1) == SQLITE_OK;
  }();
  (void)installed;
  return layer().sync;
}

}  // namespace hearth::store::sqlite
