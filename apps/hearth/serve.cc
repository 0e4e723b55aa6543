#include "apps/hearth/serve.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string_view>

#include "apps/hearth/host_setup.h"
#include "apps/hearth/platform.h"
#include "base/log.h"
#include "http/listener.h"
#include "launcher/spawn.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/private_mounts.h"

namespace hearth {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr const char* kShimFolderInside = "/opt/hearth/node";
constexpr std::uint32_t kUidCount = 10'000;

int fail(std::string_view what, const base::Error& error) {
  fmt::print(stderr, "hearth serve: {}: {}\n", what, error.message);
  return kExitFailed;
}

// The same for every start on one data directory, different for two servers: their cgroups carry it.
std::string tag_of(const std::string& data_dir) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(data_dir.data()), data_dir.size(), digest);
  std::string tag = "s";
  for (int i = 0; i < 8; ++i) {
    tag += fmt::format("{:02x}", digest[i]);
  }
  return tag;
}

base::Result<std::string> read_api_key(const ServeOptions& options) {
  if (options.api_key_file.empty()) {
    return options.api_key;
  }
  std::ifstream file(options.api_key_file);
  std::string key;
  if (!std::getline(file, key) || key.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("--api-key-file {}: no key in its first line", options.api_key_file)};
  }
  return key;
}

// What is found out, or taken, before anything is started.
struct Host {
  std::string node;
  std::string shim_folder;
  User user;
  std::string api_key;
  std::uint32_t memory_mb = 0;
  std::vector<std::string> resolvers;  // for --network nat
};

base::Result<Host> look_at_host(const ServeOptions& options) {
  auto node = find_node(options.node);
  if (!node) {
    return node.error();
  }
  auto shim = find_node_shim();
  if (!shim) {
    return shim.error();
  }
  auto user = find_user(options.user);
  if (!user) {
    return user.error();
  }
  auto api_key = read_api_key(options);
  if (!api_key) {
    return api_key.error();
  }
  const std::uint32_t memory_mb = options.memory_mb == 0 ? default_memory_mb() : options.memory_mb;
  if (const std::string wrong = check_memory(options, memory_mb); !wrong.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("80 % of this machine's memory, {} MB: {}", memory_mb, wrong)};
  }
  Host host{*node, *shim, *user, *api_key, memory_mb, options.dns};
  if (options.network == "nat" && options.dns.empty()) {
    auto resolvers = find_resolvers();
    if (!resolvers) {
      return resolvers.error();
    }
    host.resolvers = std::move(*resolvers);
  }
  return host;
}

sandbox::LinuxOptions sandbox_options(const ServeOptions& options, const Host& host,
                                      const std::string& data_dir) {
  sandbox::LinuxOptions made;
  made.tag = tag_of(data_dir);
  made.cgroup_parent = options.cgroup_parent;
  made.programs = {host.node};
  made.paths = {{host.shim_folder, kShimFolderInside}};
  made.uid_base = options.uid_base;
  made.uid_count = kUidCount;
  made.network = options.network == "nat" ? sandbox::NetworkMode::kNat : sandbox::NetworkMode::kNone;
  made.nat = {options.nat_range, host.resolvers};
  return made;
}

launcher::SpawnOptions launcher_options(const ServeOptions& options, const Host& host) {
  launcher::SpawnOptions made;
  made.server.policy.programs = {host.node};
  made.server.policy.maxima.memory_bytes = std::uint64_t{options.function.memory_max_mb} << 20U;
  return made;
}

// Waits for the launcher, whose own bound ends it.
void reap(pid_t launcher) { ::waitpid(launcher, nullptr, 0); }

int run_unprivileged(const ServeOptions& options, const Host& host, base::UniqueFd listening,
                     launcher::Launched launched, store::sqlite::DataDirectory& directory) {
  if (auto became = become(host.user); !became) {
    return fail("giving up root", became.error());
  }
  // A core would hold callers' payloads; and no process of the same user may look into this one.
  ::prctl(PR_SET_DUMPABLE, 0);
  Platform::block_signals();
  base::start_log(options.log_level, "hearth");
  Platform platform(options,
                    {std::move(listening), std::move(launched.socket), host.node,
                     std::string(kShimFolderInside) + "/shim.js", host.api_key, host.memory_mb},
                    directory);
  if (auto opened = platform.open(); !opened) {
    return fail(options.store.empty() ? "opening the data directory " + directory.path() : "starting",
                opened.error());
  }
  if (launched.swept > 0) {
    spdlog::info("removed {} leftovers of a server that was killed", launched.swept);
  }
  const std::string host_part = options.listen.substr(0, options.listen.rfind(':'));
  spdlog::info(
      "Hearth {} serves {} functions on http://{}:{} with {} MB for instances; data in {}, as user {}",
      HEARTH_VERSION, platform.function_count(), host_part, platform.port(), host.memory_mb, directory.path(),
      host.user.name);
  if (options.insecure_no_auth && host.api_key.empty() && !is_loopback(options.listen)) {
    spdlog::warn("--insecure-no-auth: anybody who reaches {} can deploy and run code", options.listen);
  }
  const int status = platform.run();
  spdlog::info("stopped");
  return status;
}

}  // namespace

int serve(ServeOptions options) {
  if (const std::string wrong = check(options); !wrong.empty()) {
    fmt::print(stderr, "hearth serve: {}\n", wrong);
    return kExitUsage;
  }
  if (::geteuid() != 0) {
    fmt::print(
        stderr,
        "hearth serve: start it as root (sudo): its launcher makes containers; all else gives root up\n");
    return kExitFailed;
  }
  const auto host = look_at_host(options);
  if (!host) {
    return fail("this machine", host.error());
  }
  auto listening = http::open_listener(options.listen);
  if (!listening) {
    return fail("--listen", listening.error());
  }
  raise_descriptor_limit();
  ::signal(SIGPIPE, SIG_IGN);  // a peer that has gone is an error of its write
  if (auto mounts = sandbox::enter_private_mounts(); !mounts) {
    return fail("a mount namespace of its own", mounts.error());
  }
  auto directory = store::sqlite::DataDirectory::open(options.data_dir);
  if (!directory) {
    return fail("--data-dir", directory.error());
  }
  const sandbox::LinuxOptions sandbox = sandbox_options(options, *host, (*directory)->path());
  auto launched = launcher::spawn(
      [&sandbox]() -> base::Result<std::unique_ptr<sandbox::Backend>> {
        auto backend = sandbox::LinuxBackend::create(sandbox);
        if (!backend) {
          return backend.error();
        }
        return std::unique_ptr<sandbox::Backend>(std::move(*backend));
      },
      launcher_options(options, *host));
  if (!launched) {
    return fail("starting the launcher", launched.error());
  }
  const pid_t launcher = launched->pid;
  auto handed = (*directory)->hand_over(host->user.uid, host->user.gid);
  const int status =
      handed ? run_unprivileged(options, *host, std::move(*listening), std::move(*launched), **directory)
             : fail("--data-dir", handed.error());
  reap(launcher);
  spdlog::shutdown();
  return status;
}

}  // namespace hearth
