// Composition only: the commands there are. `serve` and the roles are wired in serve.cc, `simulate` in
// simulate.cc, `bench` is src/bench's, the others are src/cli's.
#include <memory>
#include <utility>

#include "apps/hearth/serve.h"
#include "apps/hearth/simulate.h"
#include "bench/run/bench_command.h"
#include "cli/cli.h"

namespace {

// The command of these roles; `about` has its summary and details.
hearth::cli::Command role_command(hearth::cli::Command about, hearth::ServeOptions defaults) {
  defaults.roles.command = about.name;
  const auto options = std::make_shared<hearth::ServeOptions>(std::move(defaults));
  about.add_options = [options](CLI::App& app) { hearth::add_serve_flags(app, *options); };
  about.run = [options](hearth::cli::Context&) { return hearth::serve(*options); };
  about.speaks_to_server = false;
  return about;
}

hearth::cli::Command serve_command() {
  hearth::cli::Command about;
  about.name = "serve";
  about.summary = "Run the platform: API, worker and launcher in one process (as root)";
  about.details =
      "SIGTERM or Ctrl-C stops it: running invocations finish first, for at most --drain-timeout.\n"
      "Only the launcher stays root once the server listens.\n"
      "\n"
      "Examples:\n"
      "  hearth serve\n"
      "  hearth serve --listen 0.0.0.0:8080 --data-dir /var/lib/hearth --api-key-file /etc/hearth/key\n";
  return role_command(std::move(about), {});
}

hearth::cli::Command gateway_command() {
  hearth::cli::Command about;
  about.name = "gateway";
  about.summary = "Run the API alone: its calls are executed by workers on any host";
  about.details =
      "Any number of gateways and workers share one --store and the same --messaging servers.\n"
      "\n"
      "Example:\n"
      "  hearth gateway --listen 0.0.0.0:8080 --api-key-file /etc/hearth/key \\\n"
      "    --store postgres://hearth@db/hearth --messaging redis://queue:6379 \\\n"
      "    --cluster-key-file /etc/hearth/cluster-key\n";
  hearth::ServeOptions defaults;
  defaults.roles.worker = false;
  return role_command(std::move(about), std::move(defaults));
}

hearth::cli::Command worker_command() {
  hearth::cli::Command about;
  about.name = "worker";
  about.summary = "Run instances for the gateways of a platform (as root)";
  about.details =
      "SIGTERM or Ctrl-C stops it: it takes no more calls, and running ones finish first, for at most\n"
      "--drain-timeout. Only its launcher stays root once it listens.\n"
      "\n"
      "Example:\n"
      "  hearth worker --listen 10.0.0.2:8081 --advertise http://10.0.0.2:8081 \\\n"
      "    --store postgres://hearth@db/hearth --messaging redis://queue:6379 \\\n"
      "    --cluster-key-file /etc/hearth/cluster-key\n";
  hearth::ServeOptions defaults;
  defaults.roles.gateway = false;
  defaults.listen = "127.0.0.1:8081";
  return role_command(std::move(about), std::move(defaults));
}

hearth::cli::Command monitor_command() {
  hearth::cli::Command about;
  about.name = "monitor";
  about.summary = "Watch a platform's members, and clean up after them";
  about.details =
      "It logs who comes, leaves and is lost, takes away what a lost worker had announced, and removes\n"
      "code of no function from the store. Any number may run; it needs no root. GET /health is open,\n"
      "GET /metrics is for who has the API key.\n"
      "\n"
      "Example:\n"
      "  hearth monitor --store postgres://hearth@db/hearth --messaging redis://queue:6379\n";
  hearth::ServeOptions defaults;
  defaults.roles.gateway = false;
  defaults.roles.worker = false;
  defaults.roles.monitor = true;
  defaults.listen = "127.0.0.1:8082";
  return role_command(std::move(about), std::move(defaults));
}

}  // namespace

int main(int argc, char** argv) {
  return hearth::cli::run(argc, argv,
                          {serve_command(), gateway_command(), worker_command(), monitor_command(),
                           hearth::bench::bench_command(), hearth::simulate_command()});
}
