// hearth bench overlay A.json B.json: written runs laid over one another. No server is called.
#include "bench/run/outputs.h"
#include "bench/run/subcommand.h"

namespace hearth::bench {
namespace {

constexpr const char* kDetails =
    R"(Reads what --json wrote and draws the runs, of one test, into one page or one set of charts.

Example:
  hearth bench overlay before.json after.json --report change.html
)";

base::Result<void> run(Session& session) {
  const Options& options = session.options();
  if (options.overlay_report.empty() && options.overlay_charts.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument, "say where to: --report FILE.html or --charts DIR"};
  }
  std::vector<RunResult> results;
  for (const std::string& path : options.files) {
    auto result = read_result(path);
    if (!result) {
      return result.error();
    }
    if (!results.empty() && results.front().test != result->test) {
      return base::Error{base::ErrorCode::kInvalidArgument, path + " is a run of '" + result->test +
                                                                "', and " + options.files.front() + " of '" +
                                                                results.front().test + "'"};
    }
    results.push_back(std::move(*result));
  }
  if (!options.overlay_report.empty()) {
    if (auto written = write_report(results, options.overlay_report); !written) {
      return written;
    }
  }
  return options.overlay_charts.empty() ? base::Result<void>()
                                        : write_charts(results, options.overlay_charts);
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("FILE", options.files, "Results of --json")
      ->type_name("FILE.json")
      ->expected(1, 20)
      ->required();
  app.add_option("--report", options.overlay_report, "A page that needs no other file")
      ->type_name("FILE.html");
  app.add_option("--charts", options.overlay_charts, "The charts as SVG and PNG")->type_name("DIR");
}

}  // namespace

Subcommand overlay_subcommand() {
  return {"overlay", "Draw written runs over one another", kDetails, "", "", add_options, run};
}

}  // namespace hearth::bench
