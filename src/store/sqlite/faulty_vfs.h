// SQLite's own file layer with an fsync that fails on demand, made the default for the whole test
// program, so that the code under test needs no hook. Tests only.
#pragma once

#include <atomic>

namespace hearth::store::sqlite {

struct FaultySync {
  std::atomic<bool> log_fails = false;       // fsync of hearth.db-wal
  std::atomic<bool> database_fails = false;  // fsync of hearth.db
  std::atomic<int> calls = 0;                // of either, failed ones too
};

// Installs the layer at its first call.
FaultySync& faulty_sync();

}  // namespace hearth::store::sqlite
