#include "sandbox/linux/forwarding.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>

namespace hearth::sandbox {
namespace {

constexpr const char* kWholeHost = "/proc/sys/net/ipv4/ip_forward";

std::string setting_of(const std::string& interface) {
  return "/proc/sys/net/ipv4/conf/" + interface + "/forwarding";
}

bool is_on(const std::string& setting) {
  std::ifstream file(setting);
  int value = 0;
  return file >> value && value == 1;
}

int set(const std::string& interface, const char* value) {
  const base::UniqueFd file(::open(setting_of(interface).c_str(), O_WRONLY | O_CLOEXEC));
  return file.valid() && ::write(file.get(), value, 1) == 1 ? 0 : errno;
}

std::vector<std::string> read_names(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> names;
  for (std::string name; file >> name;) {
    names.push_back(name);
  }
  return names;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The last holder removes the file before it lets go of its lock.
bool still_named(int file, const std::string& path) {
  struct stat mine {};
  struct stat named {};
  return ::fstat(file, &mine) == 0 && ::stat(path.c_str(), &named) == 0 && mine.st_ino == named.st_ino;
}

}  // namespace

base::Result<Forwarding> Forwarding::enable(const std::string& run_folder,
                                            const std::vector<std::string>& interfaces) {
  Forwarding made;
  made.path_ = run_folder + "/nat-forwarding";
  do {
    made.file_.reset(::open(made.path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!made.file_.valid() || ::flock(made.file_.get(), LOCK_SH) != 0) {
      return base::io_error("cannot lock " + made.path_, errno);
    }
  } while (!still_named(made.file_.get(), made.path_));
  made.switched_on_ = read_names(made.path_);
  for (const auto& interface : interfaces) {
    if (is_on(setting_of(interface))) {
      continue;
    }
    // Noted first: a server killed in between leaves a note too many, not a setting.
    const auto line = interface + "\n";
    if (!contains(made.switched_on_, interface)) {
      if (::write(made.file_.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        return base::io_error("cannot write " + made.path_, errno);
      }
      made.switched_on_.push_back(interface);
    }
    if (const int error = set(interface, "1"); error != 0) {
      return base::io_error("cannot write " + setting_of(interface), error);
    }
  }
  return made;
}

Forwarding::~Forwarding() {
  if (!file_.valid() || ::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    return;  // another server needs it still
  }
  if (!is_on(kWholeHost)) {
    for (const auto& interface : read_names(path_)) {
      set(interface, "0");  // unless the interface has gone
    }
  }
  ::unlink(path_.c_str());
}

}  // namespace hearth::sandbox
