// The folder behind --data-dir: its one lock, its layout, its owner.
//
//     lock         held by the server that runs; holds its process id
//     hearth.db    function metadata (SQLite, with -wal and -shm beside it)
//     code/        zips by their SHA-256
//     cache/       the worker's unpacked code
//     tmp/         uploads in progress; emptied when the folder is opened
//
// `main` opens it first, while it is still root; hands it to the user that the server will run as;
// then opens the database and the code store. Start-up thread only; the paths and descriptors are
// constant and may be read on any thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace hearth::store::sqlite {

class DataDirectory {
 public:
  // Makes what is missing and takes the lock. kBusy when another process holds it (the message
  // names the folder and the process), kInvalidArgument when `path` is no folder, kIo.
  static base::Result<std::unique_ptr<DataDirectory>> open(const std::string& path);

  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  // Gives the folder and all in it to `uid`:`gid`. What is open stays usable. Needs root.
  // kInvalidArgument when that user could not reach it through the folders above.
  base::Result<void> hand_over(uid_t uid, gid_t gid);

  const std::string& path() const { return path_; }  // absolute, without symlinks
  std::string database_path() const { return path_ + "/hearth.db"; }
  std::string cache_folder() const { return path_ + "/cache"; }

  // Owned by this object.
  int code_fd() const { return code_.get(); }
  int tmp_fd() const { return tmp_.get(); }

 private:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}

  base::Result<void> take_lock();
  base::Result<void> make_layout();
  base::Error busy() const;

  const std::string path_;
  base::UniqueFd folder_;
  base::UniqueFd lock_;  // the lock lasts as long as this descriptor
  base::UniqueFd code_;
  base::UniqueFd tmp_;
};

}  // namespace hearth::store::sqlite
