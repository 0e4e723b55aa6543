#include "sandbox/linux/cgroup_tree.h"

#include <chrono>
#include <set>
#include <thread>

namespace hearth::sandbox {
namespace {

// Another server that ends may remove the shared parent between our mkdir of it and of the tag.
constexpr int kOpenAttempts = 5;
constexpr auto kSweepPause = std::chrono::milliseconds(1);

base::Result<void> enable(const CgroupFolder& folder, std::string_view controllers) {
  return controllers.empty() ? base::Result<void>() : folder.write("cgroup.subtree_control", controllers);
}

// True when everything below `hierarchy` is gone.
bool sweep_once(const CgroupFolder& hierarchy, std::set<std::string>& seen) {
  bool clean = true;
  for (const auto& name : hierarchy.children()) {
    seen.insert(name);
    auto leftover = hierarchy.child(name);
    if (leftover.ok()) {
      leftover->kill_all();
      clean = leftover->remove() && clean;
    }
  }
  return clean;
}

}  // namespace

base::Result<TagFolder> TagFolder::open(const std::string& mount, const std::string& parent,
                                        const std::string& tag, std::string_view controllers) {
  auto root = CgroupFolder::mount_root(mount);
  if (!root) {
    return root.error();
  }
  if (auto enabled = enable(*root, controllers); !enabled) {
    return enabled.error();
  }
  for (int attempt = 1;; ++attempt) {
    auto top = root->child(parent);
    auto own = top.ok() ? top->child(tag) : base::Result<CgroupFolder>(top.error());
    if (own.ok()) {
      TagFolder opened(std::move(*root), std::move(*top), std::move(*own));
      for (const auto* folder : {&opened.parent_, &opened.tag_}) {
        if (auto enabled = enable(*folder, controllers); !enabled) {
          return enabled.error();
        }
      }
      return opened;
    }
    if (attempt == kOpenAttempts) {
      return own.error();
    }
  }
}

TagFolder::~TagFolder() {
  if (tag_.remove()) {
    parent_.remove();
  }
}

base::Result<std::uint32_t> sweep_folders(std::span<const TagFolder> hierarchies) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kSweepTimeoutMs);
  std::set<std::string> seen;
  for (;;) {
    bool clean = true;
    for (const auto& hierarchy : hierarchies) {
      clean = sweep_once(hierarchy.folder(), seen) && clean;
    }
    if (clean) {
      return static_cast<std::uint32_t>(seen.size());
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return base::Error{base::ErrorCode::kBusy,
                         "cgroups of a killed predecessor are still in use after 5 s; is another server "
                         "running with the same identity?"};
    }
    std::this_thread::sleep_for(kSweepPause);
  }
}

base::Result<std::unique_ptr<CgroupTree>> open_cgroup_tree(const CgroupLayout& layout,
                                                           const std::string& parent,
                                                           const std::string& tag) {
  return layout.controllers_on_v2 ? open_cgroup_tree_v2(layout, parent, tag)
                                  : open_cgroup_tree_v1(layout, parent, tag);
}

}  // namespace hearth::sandbox
