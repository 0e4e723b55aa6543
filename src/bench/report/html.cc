#include "bench/report/report.h"

namespace hearth::bench {

std::string html(const std::vector<RunResult>&) { return {}; }

}  // namespace hearth::bench
