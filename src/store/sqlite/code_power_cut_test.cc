// A power cut at every call that stores code: what was acknowledged is there whole, and no name in code/ has
// other bytes than it says. The program's calls of the file system come here first (linked with --wrap).
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <cstdarg>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>

#include "store/sqlite/store_under_test.h"
#include "store/sqlite/testing/simulated_disk.h"

namespace hearth::store::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr int kChanges = 80;

// A file or a folder, as the kernel has it and as it is on the disk for sure.
struct Node {
  bool is_folder = false;
  SimulatedFile file;
  std::map<std::string, std::shared_ptr<Node>> names;
  std::map<std::string, std::shared_ptr<Node>> synced_names;
};
using NodePtr = std::shared_ptr<Node>;

struct Watch {
  std::map<ino_t, NodePtr> nodes;  // whose inode they are now
  std::function<void()> before_a_call;
};
Watch* watched = nullptr;  // null: calls are nobody's business

NodePtr node_of(int fd) {
  struct stat status {};
  if (watched == nullptr || ::fstat(fd, &status) != 0) {
    return nullptr;
  }
  const auto found = watched->nodes.find(status.st_ino);
  return found == watched->nodes.end() ? nullptr : found->second;
}

void happens() {
  if (watched != nullptr) {
    Watch* const watch = std::exchange(watched, nullptr);
    watch->before_a_call();
    watched = watch;
  }
}

NodePtr named(int folder, const std::string& name) {
  const NodePtr parent = node_of(folder);
  const auto found = parent ? parent->names.find(name) : decltype(parent->names.end()){};
  return parent && found != parent->names.end() ? found->second : nullptr;
}

void made(int folder, const std::string& name, bool is_folder) {
  struct stat status {};
  const NodePtr parent = node_of(folder);
  if (parent && ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    const auto node = std::make_shared<Node>();
    node->is_folder = is_folder;
    parent->names[name] = watched->nodes[status.st_ino] = node;
  }
}

}  // namespace
}  // namespace hearth::store::sqlite

// NOLINTBEGIN(bugprone-reserved-identifier): the linker's names
namespace here = hearth::store::sqlite;
extern "C" {
int __real_openat(int folder, const char* name, int flags, ...);
int __real_mkdirat(int folder, const char* name, mode_t mode);
ssize_t __real_write(int fd, const void* bytes, size_t count);
int __real_fsync(int fd);
int __real_linkat(int from, const char* name, int to, const char* new_name, int flags);
int __real_unlinkat(int folder, const char* name, int flags);

int __wrap_openat(int folder, const char* name, int flags, ...);
int __wrap_mkdirat(int folder, const char* name, mode_t mode);
ssize_t __wrap_write(int fd, const void* bytes, size_t count);
int __wrap_fsync(int fd);
int __wrap_linkat(int from, const char* name, int to, const char* new_name, int flags);
int __wrap_unlinkat(int folder, const char* name, int flags);

int __wrap_openat(int folder, const char* name, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  const int fd = __real_openat(folder, name, flags, mode);
  if (fd >= 0 && (flags & O_CREAT) != 0) {
    here::made(folder, name, false);
  }
  return fd;
}

int __wrap_mkdirat(int folder, const char* name, mode_t mode) {
  here::happens();
  const int result = __real_mkdirat(folder, name, mode);
  if (result == 0) {
    here::made(folder, name, true);
  }
  return result;
}

ssize_t __wrap_write(int fd, const void* bytes, size_t count) {
  const here::NodePtr node = here::node_of(fd);
  if (node) {
    here::happens();
    node->file.write({static_cast<const char*>(bytes), count}, node->file.bytes().size());
  }
  return __real_write(fd, bytes, count);
}

int __wrap_fsync(int fd) {
  here::happens();
  if (const here::NodePtr node = here::node_of(fd)) {
    node->file.sync();
    node->synced_names = node->names;
  }
  return __real_fsync(fd);
}

int __wrap_linkat(int from, const char* name, int to, const char* new_name, int flags) {
  here::happens();
  const int result = __real_linkat(from, name, to, new_name, flags);
  if (const here::NodePtr node = here::named(from, name); node && result == 0) {
    here::node_of(to)->names[new_name] = node;
  }
  return result;
}

int __wrap_unlinkat(int folder, const char* name, int flags) {
  here::happens();
  const int result = __real_unlinkat(folder, name, flags);
  if (const here::NodePtr node = here::node_of(folder); node && result == 0) {
    const std::string path(name);  // "ab/abcdef…" too
    const std::size_t slash = path.find('/');
    const here::NodePtr parent = slash == std::string::npos ? node : node->names[path.substr(0, slash)];
    parent->names.erase(path.substr(slash == std::string::npos ? 0 : slash + 1));
  }
  return result;
}
}
// NOLINTEND(bugprone-reserved-identifier)

namespace hearth::store::sqlite {
namespace {

class CodePowerCut : public testing::Test {
 protected:
  CodePowerCut() {
    for (const int fd : {store_.directory->code_fd(), store_.directory->tmp_fd()}) {
      struct stat status {};
      ::fstat(fd, &status);
      watch_.nodes[status.st_ino] = std::make_shared<Node>();
    }
    watched = &watch_;
    code_ = node_of(store_.directory->code_fd());
    tmp_ = node_of(store_.directory->tmp_fd());
    watch_.before_a_call = [this] { cut(); };
    std::printf("seed %u\n", seed_);
  }
  ~CodePowerCut() override { watched = nullptr; }

  std::size_t roll(std::size_t sides) { return dice_() % sides; }

  void lay_out(const Node& folder, const std::string& path, Kept kept) {
    fs::create_directories(path);
    auto left = kept == Kept::kEverything ? folder.names : folder.synced_names;
    if (kept == Kept::kSome) {
      for (const auto& [name, node] : folder.names) {
        if (roll(2) == 0) {
          left[name] = node;
        }
      }
      std::erase_if(left,
                    [&](const auto& each) { return !folder.names.contains(each.first) && roll(2) == 0; });
    }
    for (const auto& [name, node] : left) {
      if (node->is_folder) {
        lay_out(*node, path + "/" + name, kept);
      } else {
        std::ofstream(path + "/" + name, std::ios::binary) << node->file.after_cut(kept, dice_);
      }
    }
  }

  void cut() {
    ++cuts_;
    const Kept kept = std::array{Kept::kNothing, Kept::kEverything, Kept::kSome}.at(roll(3));
    const TestFolder folder;
    const std::string path = folder.path() + "/data";
    lay_out(*code_, path + "/code", kept);
    lay_out(*tmp_, path + "/tmp", kept);
    check(path);
  }

  void check(const std::string& path) {
    SCOPED_TRACE("seed " + std::to_string(seed_) + ", cut " + std::to_string(cuts_));
    const auto directory = DataDirectory::open(path);
    ASSERT_TRUE(directory.ok()) << directory.error().message;
    EXPECT_TRUE(fs::is_empty(path + "/tmp"));
    FileCodeStore code(**directory);
    for (const auto& [digest, bytes] : acknowledged_) {
      const auto file = code.open(digest);
      ASSERT_TRUE(file.ok()) << "lost: " << digest << ": " << file.error().message;
      EXPECT_EQ(read_to_end(file->get()), bytes);
    }
    for (const auto& entry : fs::recursive_directory_iterator(path + "/code")) {
      EXPECT_TRUE(entry.is_directory() || code.open(entry.path().filename().string()).ok())
          << "torn: " << entry.path().filename();
    }
  }

  void upload() {
    const std::string bytes(1 + roll(3'000), static_cast<char>('a' + roll(26)));
    const auto writer = store_.code.begin(bytes.size());
    ASSERT_TRUE(writer.ok());
    const std::size_t half = roll(bytes.size());
    ASSERT_TRUE((*writer)->append(bytes.substr(0, half)).ok());
    ASSERT_TRUE((*writer)->append(bytes.substr(half)).ok());
    if (roll(8) != 0) {  // the others are given up
      const auto stored = (*writer)->commit();
      ASSERT_TRUE(stored.ok());
      acknowledged_[stored->digest] = bytes;
    }
    cut();
  }

  void remove() {
    if (!acknowledged_.empty()) {
      const auto first = std::next(acknowledged_.begin(), static_cast<long>(roll(acknowledged_.size())));
      const std::string digest = first->first;
      acknowledged_.erase(first);
      ASSERT_TRUE(store_.code.remove(digest).ok());
    }
  }

  const unsigned seed_ = std::random_device{}();
  std::mt19937 dice_{seed_};
  TestFolder folder_;
  OpenStore store_{folder_.path() + "/data"};
  Watch watch_;
  NodePtr code_;
  NodePtr tmp_;
  std::map<std::string, std::string> acknowledged_;  // bytes by digest
  std::size_t cuts_ = 0;
};

TEST_F(CodePowerCut, CodeThatWasAcknowledgedIsThereWhole) {
  for (int i = 0; i < kChanges && !HasFailure(); ++i) {
    roll(4) == 0 || acknowledged_.size() > 8 ? remove() : upload();
  }
  std::printf("%zu cuts\n", cuts_);
  EXPECT_GT(cuts_, static_cast<std::size_t>(kChanges));
}

}  // namespace
}  // namespace hearth::store::sqlite
