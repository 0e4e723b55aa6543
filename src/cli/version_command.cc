// hearth version: of this client and of the server.
#include <fmt/format.h>

#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/format.h"

namespace hearth::cli {
namespace {

// A server that is away, or is none, does not make the client's own version less known.
int run_version(Context& context) {
  const auto answer = context.api.send({http::Method::kGet, "/health", ""});
  std::string server;
  if (answer && answer->status == 200) {
    const auto health = parse_health(answer->body);
    server = health ? printable(health->version) : "";
  }
  auto& out = context.terminal.out;
  if (context.json) {
    out << fmt::format(R"({{"client":"{}","server":{}}})", HEARTH_VERSION,
                       server.empty() ? "null" : '"' + server + '"')
        << '\n';
    return kOk;
  }
  out << "client  " << HEARTH_VERSION << "\nserver  "
      << (server.empty() ? "no answer at " + context.endpoint : server) << '\n';
  return kOk;
}

}  // namespace

Command version_command() {
  Command command;
  command.name = "version";
  command.summary = "Show this client's version and the server's";
  command.answer_timeout = std::chrono::seconds(5);
  command.run = run_version;
  return command;
}

}  // namespace hearth::cli
