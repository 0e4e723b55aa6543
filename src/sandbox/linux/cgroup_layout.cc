#include "sandbox/linux/cgroup_layout.h"

#include <array>
#include <fstream>
#include <sstream>
#include <vector>

namespace hearth::sandbox {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in{std::string(text)};
  for (std::string part; std::getline(in, part, separator);) {
    parts.push_back(std::move(part));
  }
  return parts;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  for (const auto& each : words) {
    if (each == word) {
      return true;
    }
  }
  return false;
}

struct Mount {
  std::string point, type, options;
};

// "36 35 98:0 /root /point rw,noatime master:1 - type source options"
std::vector<Mount> parse_mountinfo(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for (const auto& line : split(mountinfo, '\n')) {
    const auto words = split(line, ' ');
    for (std::size_t i = 6; i + 3 < words.size(); ++i) {
      if (words[i] == "-") {
        mounts.push_back({words[4], words[i + 1], words[i + 3]});
        break;
      }
    }
  }
  return mounts;
}

std::string read_text(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string find_unified(std::string_view mountinfo) {
  for (const auto& mount : parse_mountinfo(mountinfo)) {
    if (mount.type == "cgroup2") {
      return mount.point;
    }
  }
  return {};
}

}  // namespace

base::Result<CgroupLayout> parse_cgroup_layout(std::string_view mountinfo, std::string_view v2_controllers) {
  CgroupLayout layout;
  layout.unified = find_unified(mountinfo);
  auto words = split(v2_controllers.substr(0, v2_controllers.find('\n')), ' ');
  if (contains(words, "memory") && contains(words, "cpu") && contains(words, "pids")) {
    layout.controllers_on_v2 = true;
    return layout;
  }
  for (const auto& mount : parse_mountinfo(mountinfo)) {
    if (mount.type != "cgroup") {
      continue;
    }
    const auto controllers = split(mount.options, ',');
    for (auto [name, point] : std::array<std::pair<const char*, std::string*>, 3>{
             {{"memory", &layout.memory}, {"cpu", &layout.cpu}, {"pids", &layout.pids}}}) {
      if (contains(controllers, name)) {
        *point = mount.point;
      }
    }
  }
  if (layout.memory.empty() || layout.cpu.empty() || layout.pids.empty()) {
    return base::Error{base::ErrorCode::kUnsupported,
                       "the cgroup controllers memory, cpu and pids are needed, on v2 or v1; mount them or "
                       "enable them on the kernel's command line (cgroup_enable=memory)"};
  }
  return layout;
}

base::Result<CgroupLayout> detect_cgroup_layout() {
  const auto mountinfo = read_text("/proc/self/mountinfo");
  const auto unified = find_unified(mountinfo);
  return parse_cgroup_layout(mountinfo,
                             unified.empty() ? std::string() : read_text(unified + "/cgroup.controllers"));
}

}  // namespace hearth::sandbox
