#include "archive/entry_tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "archive/entry_names.h"

namespace hearth::archive {
namespace {

using base::Error;
using base::ErrorCode;
using base::Result;

enum class Kind { kImpliedFolder, kFolder, kFile, kSymlink };

bool is_folder(Kind kind) { return kind == Kind::kFolder || kind == Kind::kImpliedFolder; }

Error bad_entry(std::string_view name, std::string_view why) {
  return Error{ErrorCode::kInvalidArgument, fmt::format("the entry {} {}", quoted(name), why)};
}

// The Unix mode decides where there is one, whatever system the zip says it comes from: that byte
// is as forgeable as the mode, and readers differ about it. Without a type, a trailing '/' does.
Result<Kind> kind_of(const ZipRecord& record) {
  const bool named_as_folder = record.name.ends_with('/');
  const unsigned type = record.unix_mode & S_IFMT;
  if (record.is_hard_link) {
    return bad_entry(record.name, "is a hard link");
  }
  if (type != 0 && type != S_IFREG && type != S_IFDIR && type != S_IFLNK) {
    return bad_entry(record.name,
                     "is a device, socket or pipe: only files, folders and symlinks are accepted");
  }
  if (type != 0 && (type == S_IFDIR) != named_as_folder) {
    return bad_entry(record.name, "is named as one kind of entry and marked as another");
  }
  if (named_as_folder) {
    return record.size == 0 ? Result<Kind>(Kind::kFolder)
                            : bad_entry(record.name, "is a folder with content");
  }
  if ((record.unix_mode & (S_ISUID | S_ISGID)) != 0) {
    return bad_entry(record.name, "has its setuid or setgid bit set: clear it with chmod u-s,g-s");
  }
  return type == S_IFLNK ? Kind::kSymlink : Kind::kFile;
}

class TreeBuilder {
 public:
  explicit TreeBuilder(const Limits& limits) : limits_(limits) {}

  Result<void> add(const ZipRecord& record, std::uint64_t index) {
    const auto kind = kind_of(record);
    if (!kind) {
      return kind.error();
    }
    const std::string path(record.name, 0, record.name.size() - (record.name.ends_with('/') ? 1U : 0U));
    if (auto checked = check_path(path, limits_); !checked) {
      return checked;
    }
    if (auto placed = place(path, *kind); !placed) {
      return placed;
    }
    return list(record, index, *kind, path);
  }

  Result<EntryTree> finish() && {
    if (tree_.files.empty()) {
      return Error{ErrorCode::kInvalidArgument,
                   "the zip has no file in it: zip the folder's content, with the handler"};
    }
    for (const auto& [path, kind] : nodes_) {
      if (is_folder(kind)) {
        tree_.folders.push_back(path);
      }
    }
    std::ranges::sort(tree_.folders);
    return std::move(tree_);
  }

 private:
  Result<void> place(const std::string& path, Kind kind) {
    const auto [node, fresh] = nodes_.try_emplace(path, kind);
    if (!fresh && is_folder(node->second) != is_folder(kind)) {
      return bad_entry(path, "is a folder and something else at once");
    }
    if (!fresh && node->second != Kind::kImpliedFolder) {
      return bad_entry(path, "occurs twice in the zip");
    }
    node->second = kind;
    return fresh ? place_parents(path) : Result<void>();
  }

  // From the nearest folder upwards, until one is known: then the ones above it are too.
  Result<void> place_parents(std::string_view path) {
    if (nodes_.size() > limits_.entries) {
      return Error{ErrorCode::kTooLarge,
                   fmt::format("the zip makes more than {} files and folders", limits_.entries)};
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) {
      return {};
    }
    const std::string_view parent = path.substr(0, slash);
    const auto [node, fresh] = nodes_.try_emplace(std::string(parent), Kind::kImpliedFolder);
    if (fresh) {
      return place_parents(parent);
    }
    if (!is_folder(node->second)) {
      return bad_entry(path, "lies below an entry that is no folder");
    }
    return {};
  }

  Result<void> list(const ZipRecord& record, std::uint64_t index, Kind kind, const std::string& path) {
    if (kind == Kind::kFolder) {
      return {};
    }
    if (kind == Kind::kSymlink) {
      if (record.size > limits_.path_bytes) {
        return bad_entry(path, "is a symlink with too long a target");
      }
      tree_.links.push_back({index, path});
    } else {
      tree_.files.push_back({index, path, (record.unix_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0});
    }
    if (record.size > limits_.unzipped_bytes - tree_.unzipped_bytes) {
      return Error{ErrorCode::kTooLarge,
                   fmt::format("the zip unpacks to more than {} bytes", limits_.unzipped_bytes)};
    }
    tree_.unzipped_bytes += record.size;
    return {};
  }

  const Limits& limits_;
  EntryTree tree_;
  std::unordered_map<std::string, Kind> nodes_;  // by path
};

}  // namespace

Result<EntryTree> build_tree(const std::vector<ZipRecord>& records, const Limits& limits) {
  TreeBuilder builder(limits);
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (auto added = builder.add(records[i], i); !added) {
      return added.error();
    }
  }
  return std::move(builder).finish();
}

}  // namespace hearth::archive
