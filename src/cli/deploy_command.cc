// hearth deploy DIR|ZIP: creates a function, or replaces the code and settings of the one that has
// its name already.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <ostream>

#include "cli/api_model.h"
#include "cli/ask.h"
#include "cli/code_package.h"
#include "cli/command.h"
#include "cli/deploy_settings.h"
#include "cli/format.h"
#include "cli/upload_body.h"
#include "model/function.h"
#include "model/limits.h"

namespace hearth::cli {
namespace {

struct DeployOptions {
  std::string path;
  std::string name;
  std::string timeout;
  std::vector<std::string> variables;
  std::string variable_file;
  DeploySettings settings;  // memory, concurrency, handler, runtime as given
};

// One line on a terminal that is written over; nothing elsewhere.
class ProgressLine {
 public:
  explicit ProgressLine(Context& context)
      : out_(context.terminal.err), on_(context.terminal.err_is_terminal && !context.json) {}
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine() {
    if (on_ && !shown_.empty()) {
      out_ << "\r\033[K" << std::flush;
    }
  }
  void show(const std::string& text) {
    if (on_ && text != shown_) {
      out_ << "\r\033[K" << text << std::flush;
      shown_ = text;
    }
  }

 private:
  std::ostream& out_;
  bool on_;
  std::string shown_;
};

base::Result<DeploySettings> settings_of(const DeployOptions& options) {
  DeploySettings settings = options.settings;
  if (!options.timeout.empty()) {
    const auto timeout = parse_milliseconds(options.timeout);
    if (!timeout) {
      return base::Error{timeout.error().code, "--timeout: " + timeout.error().message};
    }
    settings.timeout_ms = timeout->count();
  }
  std::map<std::string, std::string> environment;
  if (!options.variable_file.empty()) {
    if (auto added = add_variable_file(options.variable_file, environment); !added) {
      return added.error();
    }
  }
  for (const auto& variable : options.variables) {
    if (auto added = add_variable(variable, environment); !added) {
      return base::Error{added.error().code, "--env: " + added.error().message};
    }
  }
  if (!options.variable_file.empty() || !options.variables.empty()) {
    settings.environment = std::move(environment);
  }
  return settings;
}

// The function of that name as it is now; an empty id when there is none. kOk or the exit code.
ExitCode find_existing(Context& context, const std::string& name, FunctionInfo& existing) {
  const auto answer = context.api.send({http::Method::kGet, function_path(name), ""});
  if (!answer) {
    return report_no_answer(context, answer.error());
  }
  if (answer->status == 404) {
    return kOk;
  }
  if (answer->status >= 400) {
    return report_refusal(context, *answer);
  }
  auto function = parse_function(answer->body);
  if (!function || function->id.empty()) {
    return report_unreadable(context, function
                                          ? base::Error{base::ErrorCode::kCorrupt, "the function has no id"}
                                          : function.error());
  }
  existing = std::move(*function);
  return kOk;
}

// The handler that will apply: the given one, else the function's present one, else the default.
base::Result<void> check(const DeploySettings& settings, const FunctionInfo& existing,
                         const CodePackage& code) {
  const model::Version defaults;
  const auto choose = [](const std::optional<std::string>& given, const std::string& present,
                         const std::string& fallback) {
    return given.value_or(present.empty() ? fallback : present);
  };
  const auto* const runtime =
      model::find_runtime(choose(settings.runtime, existing.runtime, defaults.runtime));
  if (runtime == nullptr) {
    return {};  // the server says which there are
  }
  return check_handler(*runtime, choose(settings.handler, existing.handler, defaults.handler), code.paths);
}

ExitCode upload(Context& context, const std::string& name, const FunctionInfo& existing,
                const DeploySettings& settings, const CodePackage& code, Reply& reply) {
  const bool is_new = existing.id.empty();
  UploadBody body(json_before_zip(settings, is_new ? std::optional(name) : std::nullopt), code.zip.get(),
                  code.zip_bytes);
  ProgressLine line(context);
  const std::uint64_t total = body.size();
  http::BodySource source;
  source.bytes = total;
  source.read = [&body](char* buffer, std::size_t size) { return body.read(buffer, size); };
  source.progress = [&line, total](std::uint64_t sent) {
    line.show(sent < total ? fmt::format("uploading  {} %", sent * 100 / total) : "waiting for the server");
  };
  return is_new ? ask_upload(context, http::Method::kPost, "/functions", source, reply)
                : ask_upload(context, http::Method::kPut, function_path(existing.id, "/code"), source, reply);
}

int print_deployed(Context& context, const std::string& name, bool is_new, const CodePackage& code,
                   const Reply& reply) {
  if (context.json) {
    print_json(context, reply.body);
    return kOk;
  }
  const auto function = parse_function(reply.body);
  if (!function) {
    return report_unreadable(context, function.error());
  }
  context.terminal.out << fmt::format(
      "{} {}: version {}, {} file{} in {}, {} MB of memory, time-out {}\nCall it: hearth invoke {}\n",
      is_new ? "created" : "updated", printable(name), function->version, code.paths.size(),
      code.paths.size() == 1 ? "" : "s", human_bytes(code.zip_bytes), function->memory_mb,
      human_setting(function->timeout_ms), printable(name));
  return kOk;
}

int run_deploy(Context& context, const DeployOptions& options) {
  const auto settings = settings_of(options);
  if (!settings) {
    return report_usage(context, settings.error().message);
  }
  base::Result<CodePackage> code = [&] {
    ProgressLine line(context);
    return open_code(options.path, model::UploadLimits{}.zip_bytes,
                     [&line](std::uint64_t files, std::uint64_t bytes) {
                       line.show(fmt::format("packing  {}, files: {}", human_bytes(bytes), files));
                     });
  }();
  if (!code) {
    return report_usage(context, code.error().message);
  }
  const std::string name = options.name.empty() ? name_of_code(options.path) : options.name;
  FunctionInfo existing;
  if (const auto failed = find_existing(context, name, existing)) {
    return failed;
  }
  if (auto handler = check(*settings, existing, *code); !handler) {
    return report_usage(context, options.path + ": " + handler.error().message);
  }
  Reply reply;
  if (const auto failed = upload(context, name, existing, *settings, *code, reply)) {
    return failed;
  }
  return print_deployed(context, name, existing.id.empty(), *code, reply);
}

void add_deploy_options(CLI::App& app, DeployOptions& options) {
  auto& settings = options.settings;
  app.add_option("PATH", options.path, "A folder, or a zip")->type_name("DIR|ZIP")->required();
  app.add_option("--name", options.name, "The function's name (default: the folder's)")->type_name("NAME");
  app.add_option("--memory", settings.memory_mb, "Memory of an instance, in MB (new functions: 128)")
      ->type_name("MB");
  app.add_option("--timeout", options.timeout, "How long a call may run: 500ms, 30s, 2m (new functions: 30s)")
      ->type_name("TIME");
  app.add_option("--handler", settings.handler, "FILE, or FILE.FUNCTION (new functions: index)")
      ->type_name("HANDLER");
  app.add_option("--runtime", settings.runtime, "node, or python (new functions: node)")
      ->type_name("RUNTIME");
  app.add_option("--env", options.variables, "A variable of its environment; may be repeated")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app.add_option("--env-file", options.variable_file, "Variables, one a line; --env wins")->type_name("FILE");
  app.add_option("--concurrency", settings.concurrency, "Calls an instance takes at once (new functions: 1)")
      ->type_name("N");
}

}  // namespace

Command deploy_command() {
  auto options = std::make_shared<DeployOptions>();
  Command command;
  command.name = "deploy";
  command.summary = "Upload a folder or a zip as a function, new or replaced";
  command.answer_timeout = std::chrono::minutes(2);
  command.details =
      R"(A function of that name is replaced without a failed call in between; settings that are not given
stay as they are, and --env or --env-file replace the whole environment. What .hearthignore lists
(as .gitignore does) is left out. Here --timeout is the function's; how long to wait for the server
stands before the command: hearth --timeout 5m deploy DIR.

Examples:
  hearth deploy ./hello
  hearth deploy ./hello --name greeter --memory 256 --timeout 10s --env LANG=en
  hearth deploy build/site.zip --handler server.handler
  hearth deploy ./report --runtime python --handler app.main
)";
  command.add_options = [options](CLI::App& app) { add_deploy_options(app, *options); };
  command.run = [options](Context& context) { return run_deploy(context, *options); };
  return command;
}

}  // namespace hearth::cli
