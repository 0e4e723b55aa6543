#include "sandbox/testing/adapters.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sandbox/fake/fake_backend.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/private_mounts.h"
#include "sandbox/testing/driver.h"

namespace hearth::sandbox::testing {
namespace {

template <typename T>
BackendResult as_backend(base::Result<std::unique_ptr<T>> made) {
  if (!made) {
    return made.error();
  }
  return std::unique_ptr<Backend>(std::move(*made));
}

std::size_t count_lines(const std::string& path) {
  std::ifstream in(path);
  std::size_t lines = 0;
  for (std::string line; std::getline(in, line);) {
    ++lines;
  }
  return lines;
}

void add_folders(const std::filesystem::path& path, std::vector<std::string>& into) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(path, none)) {
    if (entry.is_directory()) {
      into.push_back(entry.path());
    }
  }
}

}  // namespace

std::string unique_tag() {
  static int made = 0;
  return "test-" + std::to_string(::getpid()) + "-" + std::to_string(++made);
}

ZygoteProgram probe_zygote() { return {HEARTH_SANDBOX_PROBE, {"zygote"}, {}, {}}; }

LinuxOptions linux_options(const std::string& tag) {
  static const bool entered = enter_private_mounts().ok();
  LinuxOptions options;
  options.tag = tag;
  options.programs = {HEARTH_SANDBOX_PROBE};
  options.run_folder = entered ? "/run/hearth-test" : "";
  return options;
}

std::vector<Adapter> adapters() {
  std::vector<Adapter> all = {
      {"fake", [](const std::string& tag) { return as_backend(FakeBackend::create(tag)); }}};
  if (::geteuid() == 0) {
    all.push_back({"linux", [](const std::string& tag) {
                     return as_backend(LinuxBackend::create(linux_options(tag)));
                   }});
  }
  return all;
}

Footprint footprint(const std::string& tag) {
  Footprint now;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++now.descriptors;
  }
  now.mounts = count_lines("/proc/self/mountinfo");
  const auto below = "hearth/" + tag;
  add_folders("/sys/fs/cgroup/" + below, now.cgroups);
  std::vector<std::string> hierarchies;
  add_folders("/sys/fs/cgroup", hierarchies);
  for (const auto& hierarchy : hierarchies) {
    add_folders(hierarchy + "/" + below, now.cgroups);
  }
  now.processes = count_processes("probe-" + std::to_string(::getpid()) + "-");
  return now;
}

std::ostream& operator<<(std::ostream& out, const Footprint& footprint) {
  out << footprint.descriptors << " descriptors, " << footprint.mounts << " mounts, " << footprint.processes
      << " processes, cgroups:";
  for (const auto& cgroup : footprint.cgroups) {
    out << ' ' << cgroup;
  }
  return out;
}

}  // namespace hearth::sandbox::testing
