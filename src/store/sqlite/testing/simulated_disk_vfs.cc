#include "store/sqlite/testing/simulated_disk_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace hearth::store::sqlite {
namespace {

constexpr int kSectorBytes = 4'096;  // as SQLite's own layer says
constexpr int kLongestPath = 512;

struct Mount {
  SimulatedDisk* disk = nullptr;
  std::optional<int> synchronous;
};

// By folder: "/simulated-7/".
std::map<std::string, Mount, std::less<>>& mounts() {
  static std::map<std::string, Mount, std::less<>> all;
  return all;
}

std::string next_folder() {
  static int last = 0;
  return "/simulated-" + std::to_string(++last) + "/";
}

struct Place {
  Mount* mount = nullptr;
  std::string name;
};

Place place_of(const char* path) {
  const std::string_view whole(path);
  const std::size_t end = whole.rfind('/') + 1;
  const auto found = mounts().find(whole.substr(0, end));
  return {found == mounts().end() ? nullptr : &found->second, std::string(whole.substr(end))};
}

struct Open {
  SimulatedFilePtr file;
  Mount* mount = nullptr;
  std::string name;
  bool syncs_folder = false;
  std::vector<std::unique_ptr<char[]>> log_index;
};

// SQLite makes room for it and knows its first member.
struct Handle {
  sqlite3_file base;
  Open* open;
};

Open& opened(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file)->open; }

void happens(const Open& open, DiskEvent event) {
  if (open.mount != nullptr) {
    open.mount->disk->happens(event, open.name);
  }
}

int close_file(sqlite3_file* file) {
  delete reinterpret_cast<Handle*>(file)->open;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
  const std::string& bytes = opened(file).file->bytes();
  const auto wanted = static_cast<std::size_t>(count);
  const std::size_t from = std::min(static_cast<std::size_t>(offset), bytes.size());
  const std::size_t got = std::min(wanted, bytes.size() - from);
  std::memcpy(to, bytes.data() + from, got);
  std::memset(static_cast<char*>(to) + got, 0, wanted - got);
  return got == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
  happens(opened(file), DiskEvent::kWrite);
  opened(file).file->write({static_cast<const char*>(from), static_cast<std::size_t>(count)},
                           static_cast<std::size_t>(offset));
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  happens(opened(file), DiskEvent::kTruncate);
  opened(file).file->truncate(static_cast<std::size_t>(size));
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  Open& open = opened(file);
  happens(open, DiskEvent::kSync);
  open.file->sync();
  if (std::exchange(open.syncs_folder, false)) {
    open.mount->disk->sync_folder();
  }
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(opened(file).file->bytes().size());
  return SQLITE_OK;
}

int no_lock(sqlite3_file*, int) { return SQLITE_OK; }

int check_lock(sqlite3_file*, int* locked) {
  *locked = 0;
  return SQLITE_OK;
}

// PRAGMA synchronous goes on with another level: SQLite reads the value after this.
int control_file(sqlite3_file* file, int operation, void* argument) {
  const Open& open = opened(file);
  if (operation == SQLITE_FCNTL_PRAGMA && open.mount != nullptr && open.mount->synchronous) {
    char** const words = static_cast<char**>(argument);
    if (std::string_view(words[1]) == "synchronous" && words[2] != nullptr && words[2][0] != '\0') {
      words[2][0] = static_cast<char>('0' + *open.mount->synchronous);
      words[2][1] = '\0';
    }
  }
  return SQLITE_NOTFOUND;
}

int sector_size(sqlite3_file*) { return kSectorBytes; }
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int map_index(sqlite3_file* file, int page, int bytes, int extend, void volatile** mapped) {
  auto& pages = opened(file).log_index;
  while (extend != 0 && pages.size() <= static_cast<std::size_t>(page)) {
    pages.push_back(std::make_unique<char[]>(static_cast<std::size_t>(bytes)));
  }
  const bool there = static_cast<std::size_t>(page) < pages.size();
  *mapped = there ? pages[static_cast<std::size_t>(page)].get() : nullptr;
  return SQLITE_OK;
}

int lock_index(sqlite3_file*, int, int, int) { return SQLITE_OK; }
void index_barrier(sqlite3_file*) {}

int unmap_index(sqlite3_file* file, int) {
  opened(file).log_index.clear();
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {
    2,           &close_file,    &read_file,   &write_file,   &truncate_file, &sync_file,       &file_size,
    &no_lock,    &no_lock,       &check_lock,  &control_file, &sector_size,   &characteristics, &map_index,
    &lock_index, &index_barrier, &unmap_index, nullptr,       nullptr};

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  auto open = std::make_unique<Open>();
  if (path == nullptr) {  // of SQLite's own, gone when it is closed
    open->file = std::make_shared<SimulatedFile>();
  } else {
    const Place place = place_of(path);
    if (place.mount == nullptr) {
      return SQLITE_CANTOPEN;
    }
    open->mount = place.mount;
    open->name = place.name;
    open->file = place.mount->disk->find(place.name);
    if (!open->file) {
      if ((flags & SQLITE_OPEN_CREATE) == 0) {
        return SQLITE_CANTOPEN;
      }
      open->file = place.mount->disk->create(place.name);
      open->syncs_folder =
          (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL)) != 0;
    }
  }
  if (out_flags != nullptr) {
    *out_flags = flags;
  }
  reinterpret_cast<Handle*>(file)->open = open.release();
  file->pMethods = &kMethods;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int syncs_folder) {
  const Place place = place_of(path);
  if (place.mount == nullptr || !place.mount->disk->remove(place.name)) {
    return SQLITE_IOERR_DELETE_NOENT;
  }
  if (syncs_folder != 0) {
    place.mount->disk->sync_folder();
  }
  return SQLITE_OK;
}

// An empty file does not exist, as SQLite's own layer has it: of a journal it is what a cut left.
int access_file(sqlite3_vfs*, const char* path, int flags, int* result) {
  const Place place = place_of(path);
  const SimulatedFilePtr file = place.mount == nullptr ? nullptr : place.mount->disk->find(place.name);
  *result = file && (flags != SQLITE_ACCESS_EXISTS || !file->bytes().empty()) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int room, char* out) {
  sqlite3_snprintf(room, out, "%s", path);
  return SQLITE_OK;
}

void install() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs ours = *sqlite3_vfs_find(nullptr);  // its clock and its randomness
    ours.zName = "simulated";
    ours.szOsFile = sizeof(Handle);
    ours.mxPathname = kLongestPath;
    ours.xOpen = &open_file;
    ours.xDelete = &delete_file;
    ours.xAccess = &access_file;
    ours.xFullPathname = &full_path;
    return ours;
  }();
  static const int installed = sqlite3_vfs_register(&vfs, 1);
  (void)installed;
}

}  // namespace

MountedDisk::MountedDisk(SimulatedDisk& disk, std::optional<int> synchronous) : folder_(next_folder()) {
  install();
  mounts()[folder_] = {&disk, synchronous};
}

MountedDisk::~MountedDisk() { mounts().erase(folder_); }

std::unique_ptr<SimulatedDisk> new_disk() {
  auto disk = std::make_unique<SimulatedDisk>();
  disk->create("hearth.db");
  disk->sync_folder();
  return disk;
}

std::unique_ptr<SimulatedDisk> new_disk_of_small_pages() {
  auto disk = new_disk();
  const MountedDisk mounted(*disk);
  sqlite3* database = nullptr;
  const bool made =
      sqlite3_open(mounted.database_path().c_str(), &database) == SQLITE_OK &&
      sqlite3_exec(database, "PRAGMA page_size = 512; VACUUM;", nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(database);
  if (!made) {
    throw std::runtime_error("cannot make a database of small pages");
  }
  return disk;
}

}  // namespace hearth::store::sqlite
