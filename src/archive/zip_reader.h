// A zip opened for reading: every check that needs no decompression is done, content comes through
// libzip, counted and against its CRC.
//
// What inspect() and unpack() share. One thread at a time; blocks.
#pragma once

#include <zip.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "archive/archive.h"
#include "archive/entry_tree.h"
#include "archive/zip_directory.h"
#include "base/result.h"

namespace hearth::archive {

class ZipReader {
 public:
  // Gets the content piece by piece; an error of its own ends the reading.
  using Sink = std::function<base::Result<void>(std::string_view piece)>;

  // Moves the file offset that `zip_fd` shares with its duplicates.
  static base::Result<ZipReader> open(int zip_fd, const Limits& limits);

  const EntryTree& tree() const { return tree_; }

  // All of a file's bytes. Stops at the first piece past the size that the entry states.
  base::Result<void> read(const TreeFile& file, const Sink& sink);

  // The checked target of a symlink.
  base::Result<std::string> read_target(const TreeLink& link, const Limits& limits);

  Contents contents() const;

 private:
  struct Discard {
    void operator()(zip_t* zip) const { zip_discard(zip); }
  };
  static constexpr std::size_t kPieceBytes = 64 * 1024;

  ZipReader() = default;
  base::Result<void> open_with_libzip(int zip_fd);
  base::Result<void> read_entry(std::uint64_t index, const Sink& sink);
  base::Result<void> pump(zip_file_t* file, const ZipRecord& record, const Sink& sink);

  std::vector<ZipRecord> records_;
  EntryTree tree_;
  std::unique_ptr<zip_t, Discard> zip_;
  std::vector<char> piece_;
};

}  // namespace hearth::archive
