#include "apps/hearth/serve_options.h"

#include <fmt/format.h>

#include <fstream>

#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/role_flags.h"
#include "base/text_units.h"
#include "store/postgres/connection.h"

namespace hearth {
namespace {

// More is not worth what its transport into each new instance costs.
constexpr std::uint64_t kMostCompileCacheBytes = 64ULL << 20U;

void add_key_flags(CLI::App& command, ServeOptions& options) {
  command.add_option("--api-key", options.api_key, "Callers must send it as \"Authorization: Bearer KEY\"")
      ->envname("HEARTH_API_KEY")
      ->type_name("KEY");
  command.add_option("--api-key-file", options.api_key_file, "The same, read from a file's first line")
      ->type_name("FILE");
}

std::string_view listen_help(const Roles& roles) {
  if (roles.gateway) {
    return "Address of the API; anything but loopback needs an API key";
  }
  return roles.monitor ? "Address of /health and /metrics; anything but loopback needs an API key"
                       : "Address that gateways reach; anything but loopback needs a cluster key";
}

void add_server_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Server");
  group->add_option("--listen", options.listen, std::string(listen_help(options.roles)))
      ->type_name("HOST:PORT")
      ->capture_default_str();
  group
      ->add_option("--data-dir", options.data_dir, "Folder for functions, code and caches; made when missing")
      ->type_name("DIR")
      ->capture_default_str();
  if (options.roles.gateway || options.roles.monitor) {
    add_key_flags(*group, options);
  }
  group->add_flag("--insecure-no-auth", options.insecure_no_auth,
                  "Listen beyond loopback without a key: anybody who reaches the port can run code");
  group
      ->add_option("--user", options.user,
                   "Unprivileged user that the server runs as once it listens (default: hearth, else nobody)")
      ->type_name("NAME");
  group->add_option("--log-level", options.log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  if (options.roles.gateway && options.roles.worker) {
    group
        ->add_option(
            "--threads", options.threads,
            "Event loops, each with its own thread, connections, instances and part of --memory; more "
            "than one is experimental")
        ->check(CLI::Range(1U, 64U))
        ->capture_default_str();
  }
  if (options.roles.gateway) {
    add_duration(
        *group, "--spin", options.spin,
        "Longest time that the server looks again before it sleeps, while calls come one by one; 0: never");
  }
  add_duration(*group, "--drain-timeout", options.drain_timeout,
               "How long SIGTERM lets running invocations finish");
  if (options.roles.gateway || options.roles.monitor) {
    add_duration(
        *group, "--drain-grace", options.drain_grace,
        "How long after SIGTERM idle connections are kept for one more request, which is answered with "
        "\"Connection: close\"");
  }
}

void add_store_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Store");
  group
      ->add_option(
          "--store", options.store,
          options.roles.gateway && options.roles.worker
              ? "PostgreSQL that several servers share, postgres://USER@HOST/DATABASE (default: the embedded "
                "store in --data-dir)"
              : "PostgreSQL that all processes share, postgres://USER@HOST/DATABASE")
      ->envname("HEARTH_STORE")
      ->type_name("URL");
  group
      ->add_option("--store-connections", options.store_connections,
                   "Most connections to it at once, beside the one that follows its changes")
      ->check(CLI::Range(1U, 100U))
      ->capture_default_str();
  add_milliseconds(*group, "--store-timeout", options.store_timeout,
                   "Longest wait for it, for a connection or for one answer");
  if (options.roles.gateway) {
    group
        ->add_option(
            "--without-store", options.without_store,
            "Whether calls go on when a newer version may have been acknowledged elsewhere: auto: only "
            "while the database's own address refuses everybody; refuse: never (where a database may "
            "move to another address); serve: always")
        ->check(CLI::IsMember({"auto", "refuse", "serve"}))
        ->capture_default_str();
  }
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

void add_limit_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Limits");
  group->add_option("--memory-max", options.function.memory_max_mb, "Largest memorySize of a function, in MB")
      ->type_name("MB")
      ->check(CLI::Range(128U, 1U << 20U))
      ->capture_default_str();
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
  add_cluster_flags(command, options);
  add_capacity_flags(command, options);
  if (options.roles.worker) {
    add_worker_flags(command, options);
    add_network_flags(command, options);
  }
  if (options.roles.gateway) {
    add_dispatch_flags(command, options);
    add_execution_flags(command, options);
    add_schedule_flags(command, options);
  }
  if (options.roles.monitor) {
    add_monitor_flags(command, options);
  } else {
    add_limit_flags(command, options);
  }
  add_http_flags(command, options);
}

base::Result<std::string> read_key(const std::string& key, const std::string& file, const std::string& flag) {
  if (file.empty()) {
    return key;
  }
  std::ifstream lines(file);
  std::string line;
  if (!std::getline(lines, line) || line.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       fmt::format("{} {}: no key in its first line", flag, file)};
  }
  return line;
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
  const bool keyed = options.roles.gateway || options.roles.monitor;
  if (keyed && !is_loopback(options.listen) && options.api_key.empty() && options.api_key_file.empty() &&
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
  if (options.store.empty() && options.roles.command != "serve") {
    return "give --store postgres://USER@HOST/DATABASE, which all processes of the platform share";
  }
  if (std::string wrong = check_cluster(options); !wrong.empty()) {
    return wrong;
  }
  if (std::string wrong = check_capacity(options); !wrong.empty()) {
    return wrong;
  }
  if (std::string wrong = check_executions(options); !wrong.empty()) {
    return wrong;
  }
  if (options.memory_mb != 0) {
    if (const std::string wrong = check_memory(options, options.memory_mb); !wrong.empty()) {
      return fmt::format("--memory {}: {}", options.memory_mb, wrong);
    }
  }
  if (options.network == "none" && !options.dns.empty()) {
    return "--dns is for --network nat: without a network there is nothing to ask";
  }
  if (options.compile_cache_bytes > kMostCompileCacheBytes) {
    return "--compile-cache-bytes is at most 64MiB";
  }
  if (options.keep_alive < std::chrono::milliseconds(1)) {
    return "--keep-alive is at least 1ms";
  }
  if (options.overcommit > 1 && options.pause_after.count() == 0) {
    return "--overcommit counts on idle instances that stand still: not with --pause-after 0";
  }
  if (options.keep_alive_policy == "adaptive" && options.keep_alive_longest < options.keep_alive) {
    return fmt::format("--keep-alive-longest {} is shorter than --keep-alive {}",
                       base::format_duration(options.keep_alive_longest),
                       base::format_duration(options.keep_alive));
  }
  return {};
}

}  // namespace hearth
