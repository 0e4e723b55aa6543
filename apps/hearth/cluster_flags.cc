// Flags of a platform on several hosts.
#include <fmt/format.h>

#include "apps/hearth/flag_kinds.h"
#include "apps/hearth/role_flags.h"
#include "http/endpoint.h"
#include "messaging/redis/redis_url.h"

namespace hearth {
namespace {

bool is_any_address(const std::string& host) { return host == "0.0.0.0" || host == "::" || host == "*"; }

// Empty, or what is wrong with it.
std::string check_advertise(const std::string& uri, bool tls) {
  const auto endpoint = http::parse_link_endpoint(uri);
  if (!endpoint) {
    return fmt::format("--advertise {}: {}", uri, endpoint.error().message);
  }
  if (!endpoint->prefix.empty() || is_any_address(endpoint->address.host)) {
    return fmt::format("--advertise {}: it is what others reach this worker by, http://HOST:PORT", uri);
  }
  if (endpoint->tls != tls) {
    return fmt::format("--advertise {}: {}", uri,
                       tls ? "with --link-tls it is https://HOST:PORT"
                           : "https is for --link-tls; without that it is http://HOST:PORT");
  }
  return {};
}

std::string_view link_tls_help(const Roles& roles) {
  if (!roles.worker) {
    return "Workers without TLS are not used (those with TLS are in any case)";
  }
  return roles.gateway ? "Gateways reach its worker over TLS alone, and workers without TLS are not used"
                       : "Gateways reach it over TLS alone";
}

std::string check_messaging(const ServeOptions& options) {
  for (const std::string& url : options.messaging) {
    if (const auto parsed = messaging::parse_redis_url(url); !parsed) {
      return fmt::format("--messaging: {}", parsed.error().message);
    }
  }
  if (!options.messaging.empty() && options.store.empty()) {
    return "--messaging is for several processes, which share a store: give --store postgres://… too";
  }
  if (!options.messaging.empty() && options.threads > 1) {
    return "--threads is 1 with --messaging: start more processes instead";
  }
  if (options.messaging.empty() && options.roles.command != "serve") {
    return "give --messaging redis://HOST:PORT, by which gateways and workers find each other";
  }
  if (options.messaging.empty() && options.link_tls) {
    return "--link-tls is for connections between hosts, which --messaging makes";
  }
  return {};
}

std::string check_key(const ServeOptions& options) {
  const bool given = !options.cluster_key.empty() || !options.cluster_key_file.empty();
  if (!options.cluster_key.empty() && !options.cluster_key_file.empty()) {
    return "--cluster-key and --cluster-key-file exclude one another";
  }
  const std::string listen = worker_listen(options);
  if (!listen.empty() && !is_loopback(listen) && !given && !options.insecure_no_auth) {
    return fmt::format(
        "the worker's API at {} is reachable from other machines: give a --cluster-key (or "
        "--cluster-key-file), or say --insecure-no-auth",
        listen);
  }
  return {};
}

}  // namespace

void add_cluster_flags(CLI::App& command, ServeOptions& options) {
  auto* const group = command.add_option_group("Several hosts");
  group
      ->add_option("--messaging", options.messaging,
                   "Redis by which gateways and workers find each other, redis://HOST:PORT; several share "
                   "the load, and every process is given all of them")
      ->envname("HEARTH_MESSAGING")
      ->delimiter(',')
      ->type_name("URL");
  group
      ->add_option("--cluster-key", options.cluster_key,
                   "Gateways and workers prove to one another that they know it")
      ->envname("HEARTH_CLUSTER_KEY")
      ->type_name("KEY");
  group->add_option("--cluster-key-file", options.cluster_key_file, "The same, read from a file's first line")
      ->type_name("FILE");
  if (options.roles.worker) {
    group
        ->add_option("--advertise", options.advertise,
                     "What gateways on other hosts reach this worker by, http://HOST:PORT; https with "
                     "--link-tls")
        ->type_name("URI");
  }
  if (options.roles.worker && options.roles.gateway) {
    group
        ->add_option("--worker-listen", options.worker_listen,
                     "Address of the worker's API, with --messaging (default: that of --advertise)")
        ->type_name("HOST:PORT");
  }
  if (options.roles.gateway || options.roles.worker) {
    group->add_flag("--link-tls", options.link_tls, std::string(link_tls_help(options.roles)))
        ->envname("HEARTH_LINK_TLS");
  }
  add_milliseconds(*group, "--worker-timeout", options.worker_timeout,
                   "A worker that says nothing for so long is forgotten");
}

std::string check_cluster(const ServeOptions& options) {
  if (std::string wrong = check_messaging(options); !wrong.empty()) {
    return wrong;
  }
  if (options.messaging.empty() && !options.advertise.empty()) {
    return "--advertise is for gateways on other hosts, which find this worker by --messaging";
  }
  if (options.roles.worker && !options.messaging.empty()) {
    if (options.advertise.empty()) {
      return fmt::format(
          "give --advertise {}://HOST:PORT, by which gateways on other hosts reach this worker",
          options.link_tls ? "https" : "http");
    }
    if (std::string wrong = check_advertise(options.advertise, options.link_tls); !wrong.empty()) {
      return wrong;
    }
  }
  return check_key(options);
}

std::string worker_listen(const ServeOptions& options) {
  if (!options.roles.worker || options.messaging.empty()) {
    return {};
  }
  if (!options.roles.gateway) {
    return options.listen;
  }
  if (!options.worker_listen.empty()) {
    return options.worker_listen;
  }
  const auto endpoint = http::parse_link_endpoint(options.advertise);
  return endpoint ? endpoint->authority : std::string();
}

}  // namespace hearth
