#include <fmt/format.h>

#include "bench/report/headlines.h"
#include "bench/report/html_tables.h"
#include "bench/report/report.h"
#include "bench/report/svg.h"
#include "bench/report/words.h"

namespace hearth::bench {
namespace {

constexpr std::string_view kStyle = R"(
body { font: 15px/1.5 "DejaVu Sans", system-ui, sans-serif; color: #1f2328; background: #fff;
       max-width: 1000px; margin: 32px auto; padding: 0 20px; }
h1 { font-size: 26px; margin-bottom: 4px; } h2 { font-size: 19px; margin-top: 36px; }
h3 { font-size: 15px; margin-bottom: 4px; overflow-wrap: anywhere; }
.below { color: #57606a; overflow-wrap: anywhere; }
.headlines { background: #f3f6f9; border-left: 4px solid #0072B2; padding: 12px 16px 12px 34px; }
.headlines li { margin: 4px 0; overflow-wrap: anywhere; }
figure { margin: 18px 0; border: 1px solid #d8dee4; }
figure > svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 12.5px; }
th, td { padding: 4px 10px; border-bottom: 1px solid #e5e9ed; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; } th:empty { display: none; }
th { background: #f3f6f9; } .number { text-align: right; white-space: nowrap; }
.bad td { background: #fff1e5; } summary { cursor: pointer; margin: 12px 0; }
@media print { details { display: none; } }
)";

std::string heading(const std::vector<RunResult>& runs) {
  std::string tests;
  for (const RunResult& run : runs) {
    const std::string name = run.test.empty() ? "run" : run.test;
    if (tests.find(name) == std::string::npos) {
      tests += (tests.empty() ? "" : ", ") + name;
    }
  }
  return tests.empty() ? "Hearth benchmark" : "Hearth benchmark: " + tests;
}

std::string run_heading(const std::vector<RunResult>& runs, std::size_t index) {
  if (runs.size() == 1) {
    return {};
  }
  return fmt::format("<h3>Run {}: {} <span class=\"below\">{}</span></h3>\n", index + 1,
                     escaped(runs[index].command), escaped(runs[index].started_at));
}

// A section with a piece for each run; no section where no run has one.
std::string section(const std::vector<RunResult>& runs, const std::string& title, const std::string& below,
                    std::string (*piece)(const RunResult&)) {
  std::string pieces;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::string made = piece(runs[i]);
    pieces += made.empty() ? "" : run_heading(runs, i) + made;
  }
  const std::string note = below.empty() ? "" : fmt::format("<p class=\"below\">{}</p>\n", below);
  return pieces.empty() ? "" : fmt::format("<h2>{}</h2>\n{}{}", title, note, pieces);
}

std::string headline_section(const std::vector<RunResult>& runs) {
  std::string html = "<ul class=\"headlines\">\n";
  for (const std::string& line : headlines(runs)) {
    html += fmt::format("<li>{}</li>\n", escaped(line));
  }
  return html + "</ul>\n";
}

// Runs of other tests than the first get charts of their own.
std::string chart_section(const std::vector<RunResult>& runs) {
  std::string html;
  std::vector<RunResult> left = runs;
  while (!left.empty()) {
    const std::string test = left.front().test;
    for (const Chart& chart : charts(left)) {
      html += fmt::format("<figure id=\"{}\">\n{}</figure>\n", escaped(chart.name), chart.svg);
    }
    std::erase_if(left, [&](const RunResult& run) { return run.test == test; });
  }
  return html.empty() ? "" : "<h2>Charts</h2>\n" + html;
}

std::string folded_samples(const RunResult& run) {
  std::string calls;
  if (!run.calls.empty() || run.calls_left_out > 0) {
    calls = fmt::format(
        "<p class=\"below\">{} single calls are on record beside this report, {} more were left "
        "out.</p>\n",
        count_text(run.calls.size()), count_text(run.calls_left_out));
  }
  return fmt::format("<details><summary>All {} samples</summary>\n{}</details>\n{}", run.samples.size(),
                     samples_table(run), calls);
}

}  // namespace

std::string html(const std::vector<RunResult>& runs) {
  const std::string title = escaped(heading(runs));
  std::string body = fmt::format("<h1>{}</h1>\n", title);
  if (!runs.empty()) {
    body += fmt::format("<p class=\"below\">{} &#183; {}</p>\n", escaped(runs.front().started_at),
                        escaped(runs.front().command));
  }
  body += headline_section(runs);
  body += section(runs, "Machine and settings", "", run_table);
  body += chart_section(runs);
  body += section(
      runs, "Figures",
      "Medians over the repeats; max is the largest, errors and cold starts are sums. Marked rows had "
      "errors, or the client may have been their limit.",
      figures_table);
  body += section(runs, "Errors by reason", "", errors_table);
  body += section(runs, "The client's own limit",
                  "Where the client is busy for a whole core, its figures are a lower bound.", client_table);
  body += section(runs, "Samples", "", folded_samples);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
      title, kStyle, body);
}

}  // namespace hearth::bench
