#include "apps/hearth/serve.h"

#include <fmt/format.h>
#include <openssl/sha.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/hearth/host_runtimes.h"
#include "apps/hearth/host_setup.h"
#include "apps/hearth/platform.h"
#include "base/log.h"
#include "http/listener.h"
#include "launcher/spawn.h"
#include "model/runtime.h"
#include "sandbox/linux/bounding_set.h"
#include "sandbox/linux/linux_backend.h"
#include "sandbox/linux/private_mounts.h"

namespace hearth {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr std::uint32_t kUidCount = 10'000;

// Gateways and monitors need not be started as root.
bool is_root() { return ::geteuid() == 0; }

int fail(const ServeOptions& options, std::string_view what, const base::Error& error) {
  fmt::print(stderr, "hearth {}: {}: {}\n", options.roles.command, what, error.message);
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

// What is found out, or taken, before anything is started.
struct Host {
  User user;
  std::string api_key;
  std::string cluster_key;
  // Of a worker.
  HostRuntimes runtimes;
  std::uint32_t memory_mb = 0;
  std::vector<std::string> resolvers;  // for --network nat
};

base::Result<void> look_at_instances(const ServeOptions& options, Host& host) {
  auto runtimes = find_runtimes(options.node, options.python);
  if (!runtimes) {
    return runtimes.error();
  }
  host.runtimes = std::move(*runtimes);
  host.memory_mb = options.memory_mb == 0 ? default_memory_mb() : options.memory_mb;
  if (const std::string wrong = check_memory(options, host.memory_mb); !wrong.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("80 % of this machine's memory, {} MB: {}", host.memory_mb, wrong)};
  }
  host.resolvers = options.dns;
  if (options.network == "nat" && options.dns.empty()) {
    auto resolvers = find_resolvers();
    if (!resolvers) {
      return resolvers.error();
    }
    host.resolvers = std::move(*resolvers);
  }
  return {};
}

base::Result<Host> look_at_host(const ServeOptions& options) {
  Host host;
  auto user = is_root() ? find_user(options.user) : current_user(options.user);
  if (!user) {
    return user.error();
  }
  host.user = std::move(*user);
  auto api_key = read_key(options.api_key, options.api_key_file, "--api-key-file");
  if (!api_key) {
    return api_key.error();
  }
  host.api_key = std::move(*api_key);
  auto cluster_key = read_key(options.cluster_key, options.cluster_key_file, "--cluster-key-file");
  if (!cluster_key) {
    return cluster_key.error();
  }
  host.cluster_key = std::move(*cluster_key);
  if (options.roles.worker) {
    if (auto looked = look_at_instances(options, host); !looked) {
      return looked.error();
    }
  }
  return host;
}

// As an instance in Python is started.
sandbox::ZygoteProgram python_zygote(const Host& host) {
  worker::Prestart prestart;
  prestart.kind.runtime = model::kPython;
  auto spec = std::move(worker::prestart_spec(prestart, host.runtimes.inside, {})).value();
  return {std::move(spec.program), std::move(spec.arguments), std::move(spec.environment), {}};
}

sandbox::LinuxOptions sandbox_options(const ServeOptions& options, const Host& host,
                                      const std::string& data_dir) {
  sandbox::LinuxOptions made;
  made.tag = tag_of(data_dir);
  made.cgroup_parent = options.cgroup_parent;
  made.programs = host.runtimes.programs;
  made.extensions = host.runtimes.extensions;
  made.paths = host.runtimes.paths;
  if (options.zygote == "on" && host.runtimes.python_zygote) {
    made.zygotes.push_back(python_zygote(host));
  }
  made.uid_base = options.uid_base;
  made.uid_count = kUidCount;
  made.network = options.network == "nat" ? sandbox::NetworkMode::kNat : sandbox::NetworkMode::kNone;
  made.nat = {options.nat_range, host.resolvers};
  return made;
}

launcher::SpawnOptions launcher_options(const ServeOptions& options, const Host& host) {
  launcher::SpawnOptions made;
  made.server.policy.programs = host.runtimes.programs;
  made.server.policy.maxima.memory_bytes = std::uint64_t{options.function.memory_max_mb} << 20U;
  return made;
}

base::Result<launcher::Launched> start_launcher(const ServeOptions& options, const Host& host,
                                                const std::string& data_dir) {
  const sandbox::LinuxOptions sandbox = sandbox_options(options, host, data_dir);
  return launcher::spawn(
      [&sandbox]() -> base::Result<std::unique_ptr<sandbox::Backend>> {
        sandbox::narrow_bounding_set(!sandbox.zygotes.empty());
        auto backend = sandbox::LinuxBackend::create(sandbox);
        if (!backend) {
          return backend.error();
        }
        return std::unique_ptr<sandbox::Backend>(std::move(*backend));
      },
      launcher_options(options, host));
}

// Waits for the launcher, whose own bound ends it.
void reap(pid_t launcher) { ::waitpid(launcher, nullptr, 0); }

struct Listening {
  base::UniqueFd api;
  base::UniqueFd worker;
};

base::Result<Listening> open_listeners(const ServeOptions& options) {
  Listening listening;
  const auto open = [](const std::string& flag, const std::string& at,
                       base::UniqueFd& into) -> base::Result<void> {
    auto opened = http::open_listener(at);
    if (!opened) {
      return base::Error{opened.error().code, fmt::format("{} {}: {}", flag, at, opened.error().message)};
    }
    into = std::move(*opened);
    return {};
  };
  if (options.roles.gateway || options.roles.monitor) {
    if (auto opened = open("--listen", options.listen, listening.api); !opened) {
      return opened.error();
    }
  }
  if (const std::string at = worker_listen(options); !at.empty()) {
    if (auto opened = open(options.roles.gateway ? "--worker-listen" : "--listen", at, listening.worker);
        !opened) {
      return opened.error();
    }
  }
  return listening;
}

void say_hello(const ServeOptions& options, const Host& host, const Platform& platform,
               const std::string& data_dir) {
  const std::string host_part = options.listen.substr(0, options.listen.rfind(':'));
  if (options.roles.gateway) {
    spdlog::info("Hearth {} serves {} functions on http://{}:{}; data in {}, as user {}", HEARTH_VERSION,
                 platform.function_count(), host_part, platform.port(), data_dir, host.user.name);
  }
  if (options.roles.monitor) {
    spdlog::info("Hearth {} watches the platform; health and metrics on http://{}:{}", HEARTH_VERSION,
                 host_part, platform.port());
  }
  if (options.roles.worker) {
    spdlog::info("{} MB for instances{}", host.memory_mb,
                 options.advertise.empty() ? std::string()
                                           : fmt::format(", for gateways that reach {}", options.advertise));
    const worker::PythonProgram& python = host.runtimes.inside.python;
    if (python.python.empty()) {
      spdlog::info("no functions in Python: {}", python.reason);
    } else if (options.zygote == "on" && !host.runtimes.python_zygote) {
      spdlog::info(
          "no zygote of Python, each instance boots by itself: the installation is without its module");
    }
  }
  const std::string& key = options.roles.gateway ? host.api_key : host.cluster_key;
  if (options.insecure_no_auth && !options.roles.monitor && key.empty() && !is_loopback(options.listen)) {
    spdlog::warn("--insecure-no-auth: anybody who reaches {} can deploy and run code", options.listen);
  }
}

int run_unprivileged(const ServeOptions& options, const Host& host, Listening listening,
                     launcher::Launched launched, store::sqlite::DataDirectory& directory) {
  if (is_root()) {
    if (auto became = become(host.user); !became) {
      return fail(options, "giving up root", became.error());
    }
  }
  // A core would hold callers' payloads; and no process of the same user may look into this one.
  ::prctl(PR_SET_DUMPABLE, 0);
  Platform::block_signals();
  base::start_log(options.log_level, "hearth");
  Platform platform(options,
                    {.listening = std::move(listening.api),
                     .worker_listening = std::move(listening.worker),
                     .cluster_key = host.cluster_key,
                     .launcher_socket = std::move(launched.socket),
                     .programs = host.runtimes.inside,
                     .api_key = host.api_key,
                     .memory_mb = host.memory_mb},
                    directory);
  if (auto opened = platform.open(); !opened) {
    return fail(options,
                options.store.empty() ? "opening the data directory " + directory.path() : "starting",
                opened.error());
  }
  if (launched.swept > 0) {
    spdlog::info("removed {} leftovers of a server that was killed", launched.swept);
  }
  say_hello(options, host, platform, directory.path());
  const int status = platform.run();
  spdlog::info("stopped");
  return status;
}

int run_in(store::sqlite::DataDirectory& directory, const ServeOptions& options, const Host& host,
           Listening listening) {
  launcher::Launched launched;
  if (options.roles.worker) {
    auto started = start_launcher(options, host, directory.path());
    if (!started) {
      return fail(options, "starting the launcher", started.error());
    }
    launched = std::move(*started);
  }
  const pid_t launcher = launched.pid;
  auto handed = is_root() ? directory.hand_over(host.user.uid, host.user.gid) : base::Result<void>();
  const int status =
      handed ? run_unprivileged(options, host, std::move(listening), std::move(launched), directory)
             : fail(options, "--data-dir", handed.error());
  if (options.roles.worker) {
    reap(launcher);
  }
  return status;
}

}  // namespace

int serve(const ServeOptions& options) {
  if (const std::string wrong = check(options); !wrong.empty()) {
    fmt::print(stderr, "hearth {}: {}\n", options.roles.command, wrong);
    return kExitUsage;
  }
  if (options.roles.worker && !is_root()) {
    fmt::print(stderr,
               "hearth {}: start it as root (sudo): its launcher makes containers; all else gives root up\n",
               options.roles.command);
    return kExitFailed;
  }
  const auto host = look_at_host(options);
  if (!host) {
    return fail(options, "this machine", host.error());
  }
  auto listening = open_listeners(options);
  if (!listening) {
    return fail(options, "listening", listening.error());
  }
  make_room_for_descriptors();
  ::signal(SIGPIPE, SIG_IGN);  // a peer that has gone is an error of its write
  if (options.roles.worker) {
    if (auto mounts = sandbox::enter_private_mounts(); !mounts) {
      return fail(options, "a mount namespace of its own", mounts.error());
    }
  }
  auto directory = store::sqlite::DataDirectory::open(options.data_dir);
  if (!directory) {
    return fail(options, "--data-dir", directory.error());
  }
  const int status = run_in(**directory, options, *host, std::move(*listening));
  spdlog::shutdown();
  return status;
}

}  // namespace hearth
