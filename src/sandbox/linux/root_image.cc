#include "sandbox/linux/root_image.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "sandbox/linux/library_closure.h"
#include "sandbox/linux/root_namespace.h"
#include "sandbox/linux/root_writer.h"
#include "sandbox/sandbox.h"

namespace hearth::sandbox {
namespace {

// Libraries that a compiled extension in a function's code expects of any host: it is loaded by a
// program that need not use them itself.
constexpr std::array kExtensionLibraries = {"libstdc++.so.6",  "libgcc_s.so.1", "libm.so.6",
                                            "libpthread.so.0", "libdl.so.2",    "librt.so.1",
                                            "libutil.so.1"};

// Data that programs look for wherever they run. Shown when the host has it.
constexpr std::array kSharedData = {"/usr/share/zoneinfo", "/etc/ssl/certs", "/usr/share/ca-certificates"};

// Debian builds Node's own JavaScript into files here, when node is linked with libnode.
constexpr const char* kDebianNodeModules = "/usr/share/nodejs";

class UmaskGuard {
 public:
  explicit UmaskGuard(mode_t mask) : old_(::umask(mask)) {}
  UmaskGuard(const UmaskGuard&) = delete;
  UmaskGuard& operator=(const UmaskGuard&) = delete;
  ~UmaskGuard() { ::umask(old_); }

 private:
  mode_t old_;
};

// Runs writers in order until one fails.
class Steps {
 public:
  template <typename Step>
  Steps& then(Step&& step) {
    if (done_) {
      done_ = step();
    }
    return *this;
  }
  base::Result<void> done() { return std::move(done_); }

 private:
  base::Result<void> done_;
};

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

base::Result<void> add_devices(RootWriter& root) {
  struct Device {
    const char* path;
    unsigned minor;
  };
  Steps steps;
  steps.then([&] { return root.folder("/dev"); }).then([&] {
    return root.tmpfs("/dev", "mode=0755,size=64k");
  });
  // Documentation/admin-guide/devices.txt: 1 is "memory devices".
  for (const auto& device : {Device{"/dev/null", 3}, Device{"/dev/zero", 5}, Device{"/dev/full", 7},
                             Device{"/dev/random", 8}, Device{"/dev/urandom", 9}}) {
    steps.then([&] { return root.device(device.path, 1, device.minor); });
  }
  return steps.then([&] { return root.link("/dev/fd", "/proc/self/fd"); })
      .then([&] { return root.link("/dev/stdin", "/proc/self/fd/0"); })
      .then([&] { return root.link("/dev/stdout", "/proc/self/fd/1"); })
      .then([&] { return root.link("/dev/stderr", "/proc/self/fd/2"); })
      .then([&] { return root.link("/dev/shm", "/tmp"); })
      .then([&] { return root.seal("/dev", Devices::kAllowed); })
      .done();
}

// A line for every uid that a sandbox may get: programs ask for their own name and home folder.
struct Accounts {
  std::string passwd = "root:x:0:0:root:/:/sbin/nologin\n";
  std::string group = "root:x:0:\n";
};

Accounts list_accounts(const LinuxOptions& options) {
  Accounts accounts;
  for (std::uint32_t i = 0; i < options.uid_count; ++i) {
    const auto id = std::to_string(options.uid_base + i);
    accounts.passwd.append("function:x:").append(id).append(":").append(id).append("::/tmp:/sbin/nologin\n");
    accounts.group.append("function:x:").append(id).append(":\n");
  }
  return accounts;
}

std::string list_resolvers(const LinuxOptions& options) {
  std::string text;
  for (const auto& resolver :
       options.network == NetworkMode::kNat ? options.nat.resolvers : std::vector<std::string>()) {
    text += "nameserver " + resolver + "\n";
  }
  return text;
}

base::Result<void> add_etc(RootWriter& root, const LinuxOptions& options) {
  const auto accounts = list_accounts(options);
  return Steps()
      .then([&] { return root.file("/etc/passwd", accounts.passwd); })
      .then([&] { return root.file("/etc/group", accounts.group); })
      .then([&] { return root.file("/etc/hosts", "127.0.0.1 localhost hearth\n::1 localhost hearth\n"); })
      .then([&] { return root.file("/etc/resolv.conf", list_resolvers(options)); })
      .then(
          [&] { return root.file("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"); })
      .done();
}

base::Result<void> add_program(RootWriter& root, const std::string& program) {
  auto libraries = library_closure(program);
  if (!libraries) {
    return libraries.error();
  }
  Steps steps;
  steps.then([&] { return root.bind(program, program); });
  for (const auto& library : *libraries) {
    steps.then([&] { return root.bind(library, library); });
    if (library.find("/libc.so.") != std::string::npos) {
      for (const auto* name : kExtensionLibraries) {
        const auto path = folder_of(library) + "/" + name;
        if (exists(path)) {
          steps.then([&] { return root.bind(path, path); });
        }
      }
    }
    if (library.find("/libnode.so.") != std::string::npos && exists(kDebianNodeModules)) {
      steps.then([&] { return root.bind(kDebianNodeModules, kDebianNodeModules); });
    }
  }
  return steps.done();
}

base::Result<void> add_extensions(RootWriter& root, const Extensions& extensions) {
  auto libraries = extension_closure(extensions.program, extensions.folder);
  if (!libraries) {
    return libraries.error();
  }
  Steps steps;
  for (const auto& library : *libraries) {
    steps.then([&] { return root.bind(library, library); });
  }
  return steps.done();
}

base::Result<void> fill(RootWriter& root, const LinuxOptions& options) {
  Steps steps;
  steps.then([&] { return root.tmpfs("", "mode=0755,size=16m,nr_inodes=8192"); });
  for (const auto* folder : {"/proc", "/tmp", kCodePath}) {
    steps.then([&] { return root.folder(folder); });
  }
  steps.then([&] { return add_etc(root, options); }).then([&] { return add_devices(root); });
  for (const auto& program : options.programs) {
    steps.then([&] { return add_program(root, program); });
  }
  for (const auto& extensions : options.extensions) {
    steps.then([&] { return add_extensions(root, extensions); });
  }
  for (const auto* data : kSharedData) {
    if (exists(data)) {
      steps.then([&] { return root.bind(data, data); });
    }
  }
  for (const auto& visible : options.paths) {
    steps.then([&] { return root.bind(visible.host, visible.inside); });
  }
  return steps.then([&] { return root.seal("", Devices::kNone); }).done();
}

}  // namespace

base::Result<std::unique_ptr<RootImage>> RootImage::compose(const LinuxOptions& options) {
  const UmaskGuard umask(022);
  const auto path = options.run_folder + "/" + options.tag;
  std::error_code failed;
  std::filesystem::create_directories(path, failed);
  if (failed || ::chmod(path.c_str(), 0700) != 0) {
    return base::io_error("cannot make " + path, failed ? failed.value() : errno);
  }
  std::unique_ptr<RootImage> image(new RootImage(path));
  RootWriter root(path);
  if (auto filled = fill(root, options); !filled) {
    return filled.error();
  }
  auto mounts = namespace_rooted_at(path);
  if (!mounts) {
    return mounts.error();
  }
  image->mounts_ = std::move(*mounts);
  ::umount2(path.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  return image;
}

RootImage::~RootImage() {
  ::umount2(path_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);  // when it was not composed to the end
  ::rmdir(path_.c_str());
  ::rmdir(folder_of(path_).c_str());  // when no other server uses it
}

}  // namespace hearth::sandbox
