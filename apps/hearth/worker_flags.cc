// Flags of who has instances, and of who finds them.
#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/role_flags.h"

namespace hearth {
namespace {

void add_keep_alive_flags(CLI::App& group, ServeOptions& options) {
  add_duration(group, "--keep-alive", options.keep_alive, "An idle instance is removed after it");
  group
      .add_option(
          "--keep-alive-policy", options.keep_alive_policy,
          "fixed: --keep-alive for all; adaptive: a function that is called at regular times has its "
          "instance removed soon after each call and started again before the next, any other that is "
          "called again keeps one for --keep-alive-longest")
      ->check(CLI::IsMember({"fixed", "adaptive"}))
      ->capture_default_str();
  add_duration(group, "--keep-alive-longest", options.keep_alive_longest,
               "Longest time that the adaptive policy keeps an idle instance");
}

void add_instance_flags(CLI::App& group, ServeOptions& options) {
  group
      .add_option("--instance-processes", options.instance.processes, "Processes and threads of one instance")
      ->check(CLI::Range(16U, 4'096U))
      ->capture_default_str();
  group
      .add_option("--instance-open-files", options.instance.open_files,
                  "Open files of one process in an instance")
      ->check(CLI::Range(64U, 65'536U))
      ->capture_default_str();
  add_bytes(group, "--instance-tmp-bytes", options.instance.max_tmp_bytes, "512MiB",
            "Size of an instance's /tmp, which is never more than half of its memory");
  add_bytes(group, "--code-cache-bytes", options.code_cache_bytes, "2GiB",
            "Unpacked code that is kept on disk, with what runtimes have compiled of it");
  add_bytes(group, "--compile-cache-bytes", options.compile_cache_bytes, "8MiB",
            "Kept of what the runtime of a version has compiled, for instances that start later; 0: nothing");
  add_bytes(group, "--compile-cache-memory", options.compile_cache_memory, "16MiB",
            "Of that, what starts used last and is held in memory; 0: it is read at every start");
}

}  // namespace

void add_worker_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Worker");
  group
      ->add_option("--memory", options.memory_mb,
                   "Memory for instances, in MB (default: 80 % of the machine's)")
      ->type_name("MB");
  add_keep_alive_flags(*group, options);
  group
      ->add_option(
          "--evict", options.evict,
          "idle: an idle instance gives way when another function's call finds no memory; never: 503")
      ->check(CLI::IsMember({"idle", "never"}))
      ->capture_default_str();
  group
      ->add_option(
          "--overcommit", options.overcommit,
          "How many times --memory may be promised: an idle instance is charged what it uses while it "
          "stands still, a running one all of its memorySize; 1: never more than there is")
      ->check(CLI::Range(1.0, 64.0))
      ->capture_default_str();
  add_duration(*group, "--pause-after", options.pause_after,
               "An instance that has been idle for so long stands still until its next call; 0: never");
  group
      ->add_option(
          "--prestart", options.prestart,
          "Most booted runtimes that wait for a function; they follow the busiest second of the last "
          "minute, and are the first to give way when memory is short; 0: none")
      ->check(CLI::Range(0U, 1'000U))
      ->capture_default_str();
  group
      ->add_option("--prestart-ready", options.prestart_ready,
                   "Of these, how many of each runtime wait though nothing is called")
      ->check(CLI::Range(0U, 100U))
      ->capture_default_str();
  add_duration(*group, "--start-timeout", options.start_timeout,
               "Longest boot of an instance, up to its runtime's first word");
  add_duration(*group, "--init-timeout", options.init_timeout, "Longest load of a function's code");
  group->add_option("--instance-cpus", options.instance_cpus, "Hard cap of one instance's CPU, in cores")
      ->check(CLI::Range(0.01, 1024.0))
      ->capture_default_str();
  group
      ->add_option("--node", options.node,
                   "Node.js program, 18 or newer (default: the first \"node\" in PATH)")
      ->type_name("PATH");
  group
      ->add_option(
          "--python", options.python,
          "Python program, 3.11 or newer (default: /usr/bin/python3, or the first in PATH; where there "
          "is none, functions in Python are refused)")
      ->type_name("PATH");
  group
      ->add_option(
          "--zygote", options.zygote,
          "on: an instance in Python for which none waits is forked from a booted interpreter; off: "
          "each boots by itself, and none shares addresses, guards or the key of its hashes with another")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  group->add_option("--cgroup-parent", options.cgroup_parent, "Cgroup below which instances get theirs")
      ->type_name("PATH")
      ->capture_default_str();
  group->add_option("--uid-base", options.uid_base, "First of the 10,000 user ids that instances run as")
      ->check(CLI::Range(1'000U, 4'000'000'000U))
      ->capture_default_str();
  add_instance_flags(*group, options);
}

void add_network_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Network of instances");
  group
      ->add_option("--network", options.network,
                   "none: their own loopback only; nat: outbound to public addresses, the host and private "
                   "ranges closed")
      ->check(CLI::IsMember({"none", "nat"}))
      ->capture_default_str();
  group
      ->add_option(
          "--dns", options.dns,
          "Resolver that instances use with nat; up to three (default: the host's that are not on loopback)")
      ->type_name("ADDRESS");
  group
      ->add_option("--nat-range", options.nat_range,
                   "65,536 addresses for instances that nobody else here uses")
      ->type_name("A.B.0.0/16")
      ->capture_default_str();
}

void add_dispatch_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Calls");
  add_duration(
      *group, "--hot-wait", options.hot_wait,
      "Longest wait for a busy instance that is about to be free, before a cold start; 0: no wait, neither "
      "for starts under way nor behind another call");
  add_duration(*group, "--queue-timeout", options.queue_timeout,
               "Wait of a call when there is no capacity; 0: 503 at once");
  group->add_option("--queue-depth", options.queue_depth, "Calls that may wait for capacity")
      ->capture_default_str();
  add_duration(*group, "--room-timeout", options.room_timeout,
               "Wait of a call while an idle instance is removed to make room for it");
}

}  // namespace hearth
