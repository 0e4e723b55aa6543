// Where a run's result goes: files as the options say, a table on stdout; and where a cut one comes from.
// One thread; blocks.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/result.h"
#include "bench/run/options.h"

namespace hearth::bench {

// Every file that is wanted; the first that cannot be written is the error, after the others were tried.
base::Result<void> write_outputs(const RunResult& result, const OutputOptions& options);
// A page and charts of several runs laid over one another.
base::Result<void> write_report(const std::vector<RunResult>& results, const std::string& path);
base::Result<void> write_charts(const std::vector<RunResult>& results, const std::string& folder);

base::Result<RunResult> read_result(const std::string& path);

// Whether every file that is wanted can be made: told before a run of hours rather than after it.
base::Result<void> check_outputs(const OutputOptions& options);

// Takes over what an earlier run found, but for the sample that Ctrl-C cut. kInvalidArgument when it was
// another test, or of other settings; the message names the first that differs.
base::Result<void> resume_from(const RunResult& earlier, RunResult& result);

}  // namespace hearth::bench
