// Who is drawn: each target of each run, with a name that tells it from the others when several runs are
// laid over one another. Pure. Any thread.
#pragma once

#include <string>
#include <vector>

#include "bench/report/aggregate.h"
#include "bench/report/svg.h"

namespace hearth::bench {

struct Source {
  std::string name;  // "hearth"; "hearth (2026-01-31T12:00:00Z)" where runs share the target
  std::string target;
  std::size_t run = 0;
  Mark mark;
  std::vector<Point> points;  // by x

  bool operator==(const Source&) const = default;
};

std::vector<Source> sources_of(const std::vector<RunResult>& runs);

}  // namespace hearth::bench
