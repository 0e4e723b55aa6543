// What the v1 and the v2 cgroup tree share: the folder <mount>/<parent>/<tag> of one hierarchy, and
// the sweep over several of them. One thread.
#pragma once

#include <span>
#include <string>

#include "sandbox/linux/cgroup.h"
#include "sandbox/linux/cgroup_folder.h"

namespace hearth::sandbox {

// What a new cgroup has, where 0 stands for the kernel's own: no Limits ask for 0 but for the cap, which is
// none then.
inline constexpr Limits kUnlimited = {.memory_bytes = 0, .cpu_weight = 0, .cpu_millicores = 0};

class TagFolder {
 public:
  // With `controllers` ("+memory +cpu +pids") they are enabled on the whole way down (v2 only).
  static base::Result<TagFolder> open(const std::string& mount, const std::string& parent,
                                      const std::string& tag, std::string_view controllers);
  TagFolder(TagFolder&&) noexcept = default;
  TagFolder& operator=(TagFolder&&) noexcept = default;
  // Removes the tag's folder, and the parent's when no other server uses it.
  ~TagFolder();

  const CgroupFolder& folder() const { return tag_; }

 private:
  TagFolder(CgroupFolder root, CgroupFolder parent, CgroupFolder tag)
      : root_(std::move(root)), parent_(std::move(parent)), tag_(std::move(tag)) {}

  CgroupFolder root_;
  CgroupFolder parent_;
  CgroupFolder tag_;
};

// See CgroupTree::sweep().
base::Result<std::uint32_t> sweep_folders(std::span<const TagFolder> hierarchies);

base::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree_v1(const CgroupLayout& layout,
                                                              const std::string& parent,
                                                              const std::string& tag);
base::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree_v2(const CgroupLayout& layout,
                                                              const std::string& parent,
                                                              const std::string& tag);

}  // namespace hearth::sandbox
