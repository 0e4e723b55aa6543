// Composition only: the commands there are. `serve` is wired in serve.cc, `bench` is src/bench's, the
// others are src/cli's.
#include <memory>

#include "apps/hearth/serve.h"
#include "bench/run/bench_command.h"
#include "cli/cli.h"

namespace {

hearth::cli::Command serve_command() {
  hearth::cli::Command command;
  command.name = "serve";
  command.summary = "Run the platform: API, worker and launcher in one process (as root)";
  command.details =
      "SIGTERM or Ctrl-C stops it: running invocations finish first, for at most --drain-timeout.\n"
      "Only the launcher stays root once the server listens.\n"
      "\n"
      "Examples:\n"
      "  hearth serve\n"
      "  hearth serve --listen 0.0.0.0:8080 --data-dir /var/lib/hearth --api-key-file /etc/hearth/key\n";
  const auto options = std::make_shared<hearth::ServeOptions>();
  command.add_options = [options](CLI::App& app) { hearth::add_serve_flags(app, *options); };
  command.run = [options](hearth::cli::Context&) { return hearth::serve(*options); };
  command.speaks_to_server = false;
  return command;
}

}  // namespace

int main(int argc, char** argv) {
  return hearth::cli::run(argc, argv, {serve_command(), hearth::bench::bench_command()});
}
