#include "apps/hearth/serve_options.h"

#include <fmt/format.h>

#include "base/text_units.h"
#include "store/postgres/connection.h"

namespace hearth {
namespace {

void add_duration(CLI::App& command, const std::string& flag, std::chrono::microseconds& value,
                  const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            auto parsed = base::parse_duration(text);
            if (!parsed) {
              throw CLI::ValidationError(flag, parsed.error().message);
            }
            value = *parsed;
          },
          help)
      ->type_name("DURATION")
      ->default_str(base::format_duration(value));
}

void add_milliseconds(CLI::App& command, const std::string& flag, std::chrono::milliseconds& value,
                      const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            auto parsed = base::parse_duration(text);
            if (!parsed || *parsed < std::chrono::milliseconds(1)) {
              throw CLI::ValidationError(flag, parsed ? "it is at least 1ms" : parsed.error().message);
            }
            value = std::chrono::ceil<std::chrono::milliseconds>(*parsed);
          },
          help)
      ->type_name("DURATION")
      ->default_str(base::format_duration(value));
}

void add_bytes(CLI::App& command, const std::string& flag, std::uint64_t& value, const std::string& shown,
               const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            auto parsed = base::parse_bytes(text);
            if (!parsed) {
              throw CLI::ValidationError(flag, parsed.error().message);
            }
            value = *parsed;
          },
          help)
      ->type_name("SIZE")
      ->default_str(shown);
}

void add_server_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Server");
  group->add_option("--listen", options.listen, "Address of the API; anything but loopback needs an API key")
      ->type_name("HOST:PORT")
      ->capture_default_str();
  group
      ->add_option("--data-dir", options.data_dir, "Folder for functions, code and caches; made when missing")
      ->type_name("DIR")
      ->capture_default_str();
  group->add_option("--api-key", options.api_key, "Callers must send it as \"Authorization: Bearer KEY\"")
      ->envname("HEARTH_API_KEY")
      ->type_name("KEY");
  group->add_option("--api-key-file", options.api_key_file, "The same, read from a file's first line")
      ->type_name("FILE");
  group->add_flag("--insecure-no-auth", options.insecure_no_auth,
                  "Listen beyond loopback without an API key: anybody who reaches the port can run code");
  group
      ->add_option("--user", options.user,
                   "Unprivileged user that the server runs as once it listens (default: hearth, else nobody)")
      ->type_name("NAME");
  group->add_option("--log-level", options.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  group
      ->add_option("--threads", options.threads,
                   "Event loops, each with its own thread, connections, instances and part of --memory; more "
                   "than one is experimental")
      ->check(CLI::Range(1U, 64U))
      ->capture_default_str();
  add_duration(
      *group, "--spin", options.spin,
      "Longest time that the server looks again before it sleeps, while calls come one by one; 0: never");
  add_duration(*group, "--drain-timeout", options.drain_timeout,
               "How long SIGTERM lets running invocations finish");
}

void add_store_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Store");
  group
      ->add_option(
          "--store", options.store,
          "PostgreSQL that several servers share, postgres://USER@HOST/DATABASE (default: the embedded "
          "store in --data-dir)")
      ->envname("HEARTH_STORE")
      ->type_name("URL");
  group
      ->add_option("--store-connections", options.store_connections,
                   "Most connections to it at once, beside the one that follows its changes")
      ->check(CLI::Range(1U, 100U))
      ->capture_default_str();
  add_milliseconds(*group, "--store-timeout", options.store_timeout,
                   "Longest wait for it, for a connection or for one answer");
}

void add_worker_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Worker");
  group
      ->add_option("--memory", options.memory_mb,
                   "Memory for instances, in MB (default: 80 % of the machine's)")
      ->type_name("MB");
  group->add_option("--memory-max", options.function.memory_max_mb, "Largest memorySize of a function, in MB")
      ->type_name("MB")
      ->check(CLI::Range(128U, 1U << 20U))
      ->capture_default_str();
  add_duration(*group, "--keep-alive", options.keep_alive, "An idle instance is removed after it");
  group
      ->add_option(
          "--evict", options.evict,
          "idle: an idle instance gives way when another function's call finds no memory; never: 503")
      ->check(CLI::IsMember({"idle", "never"}))
      ->capture_default_str();
  add_duration(
      *group, "--hot-wait", options.hot_wait,
      "Longest wait for a busy instance that is about to be free, before a cold start; 0: no wait, neither "
      "for starts under way nor behind another call");
  add_duration(*group, "--queue-timeout", options.queue_timeout,
               "Wait of a call when there is no capacity; 0: 503 at once");
  group->add_option("--queue-depth", options.queue_depth, "Calls that may wait for capacity")
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
  group->add_option("--cgroup-parent", options.cgroup_parent, "Cgroup below which instances get theirs")
      ->type_name("PATH")
      ->capture_default_str();
  group->add_option("--uid-base", options.uid_base, "First of the 10,000 user ids that instances run as")
      ->check(CLI::Range(1'000U, 4'000'000'000U))
      ->capture_default_str();
  add_duration(*group, "--room-timeout", options.room_timeout,
               "Wait of a call while an idle instance is removed to make room for it");
  group
      ->add_option("--instance-processes", options.instance.processes,
                   "Processes and threads of one instance")
      ->check(CLI::Range(16U, 4'096U))
      ->capture_default_str();
  group
      ->add_option("--instance-open-files", options.instance.open_files,
                   "Open files of one process in an instance")
      ->check(CLI::Range(64U, 65'536U))
      ->capture_default_str();
  add_bytes(*group, "--instance-tmp-bytes", options.instance.max_tmp_bytes, "512MiB",
            "Size of an instance's /tmp, which is never more than half of its memory");
  add_bytes(*group, "--code-cache-bytes", options.code_cache_bytes, "2GiB",
            "Unpacked code that is kept on disk");
}

void add_http_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("HTTP");
  group
      ->add_option("--max-header-bytes", options.http.header_bytes,
                   "Largest request line and headers together")
      ->check(CLI::Range(1'024U, 1U << 20U))
      ->capture_default_str();
  group->add_option("--max-target-bytes", options.http.target_bytes, "Largest request target")
      ->check(CLI::Range(256U, 1U << 20U))
      ->capture_default_str();
  group->add_option("--max-headers", options.http.header_count, "Most headers of a request")
      ->check(CLI::Range(8U, 10'000U))
      ->capture_default_str();
  group
      ->add_option("--max-connections", options.http.connections,
                   "Most connections at once; one more gets 503")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  add_milliseconds(*group, "--header-timeout", options.http.header_timeout,
                   "From a request's first byte to its blank line");
  add_milliseconds(*group, "--body-timeout", options.http.body_timeout, "Between two pieces of a body");
  add_milliseconds(*group, "--idle-timeout", options.http.idle_timeout,
                   "Between two requests of a connection");
  add_milliseconds(*group, "--write-timeout", options.http.write_timeout,
                   "Of a peer that does not read its answer");
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

void add_limit_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Limits");
  add_bytes(*group, "--max-zip-bytes", options.upload.zip_bytes, "50MiB", "Largest zip");
  add_bytes(*group, "--max-unzipped-bytes", options.upload.unzipped_bytes, "250MiB",
            "Largest zip when unpacked");
  group->add_option("--max-zip-entries", options.upload.zip_entries, "Most files and folders in a zip")
      ->capture_default_str();
  add_bytes(*group, "--max-body-bytes", options.invocation.body_bytes, "6MiB",
            "Largest body of an invocation");
  add_bytes(*group, "--max-response-bytes", options.invocation.response_bytes, "6MiB",
            "Largest output of an invocation");
  add_bytes(*group, "--max-log-bytes", options.invocation.log_bytes, "256KiB",
            "Most that one call may log; the rest is cut");
  group->add_option("--timeout-max", options.function.timeout_max_ms, "Largest timeout of a function, in ms")
      ->type_name("MS")
      ->capture_default_str();
  group
      ->add_option("--concurrency-max", options.function.concurrency_max,
                   "Largest concurrency of a function: calls that one instance takes at once")
      ->check(CLI::Range(1U, 1'000U))
      ->capture_default_str();
  group
      ->add_option("--log-entries", options.logs.entries_per_function,
                   "Calls of a function whose logs are kept, in memory")
      ->capture_default_str();
  add_bytes(*group, "--log-bytes", options.logs.bytes, "64MiB", "Memory for logs of all functions");
}

// Empty, or what is wrong with it.
std::string check_store(const std::string& url) {
  if (url.empty()) {
    return {};
  }
  if (!url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
    return "it is a URL like postgres://USER@HOST:5432/DATABASE";
  }
  return store::postgres::check_url(url);
}

}  // namespace

void add_serve_flags(CLI::App& command, ServeOptions& options) {
  add_server_flags(command, options);
  add_store_flags(command, options);
  add_worker_flags(command, options);
  add_network_flags(command, options);
  add_limit_flags(command, options);
  add_http_flags(command, options);
}

bool is_loopback(const std::string& listen) {
  const std::string host = listen.substr(0, listen.rfind(':'));
  return host.starts_with("127.") || host == "localhost" || host == "[::1]";
}

std::string check_memory(const ServeOptions& options, std::uint32_t memory_mb) {
  const std::uint32_t part_mb = memory_mb / options.threads;
  if (part_mb >= options.function.memory_max_mb) {
    return {};
  }
  if (options.threads == 1) {
    return fmt::format("less than the largest function's {} MB: raise it, or lower --memory-max",
                       options.function.memory_max_mb);
  }
  return fmt::format(
      "the part of each of {} --threads, {} MB, is less than the largest function's {} MB: raise it, or "
      "lower "
      "--threads or --memory-max",
      options.threads, part_mb, options.function.memory_max_mb);
}

std::string check(const ServeOptions& options) {
  if (!is_loopback(options.listen) && options.api_key.empty() && options.api_key_file.empty() &&
      !options.insecure_no_auth) {
    return fmt::format(
        "--listen {} is reachable from other machines: give an --api-key (or --api-key-file), or say "
        "--insecure-no-auth",
        options.listen);
  }
  if (!options.api_key.empty() && !options.api_key_file.empty()) {
    return "--api-key and --api-key-file exclude one another";
  }
  if (const std::string wrong = check_store(options.store); !wrong.empty()) {
    return fmt::format("--store: {}", wrong);
  }
  if (options.memory_mb != 0) {
    if (const std::string wrong = check_memory(options, options.memory_mb); !wrong.empty()) {
      return fmt::format("--memory {}: {}", options.memory_mb, wrong);
    }
  }
  if (options.network == "none" && !options.dns.empty()) {
    return "--dns is for --network nat: without a network there is nothing to ask";
  }
  if (options.keep_alive < std::chrono::milliseconds(1)) {
    return "--keep-alive is at least 1ms";
  }
  return {};
}

}  // namespace hearth
