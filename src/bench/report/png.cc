#include "bench/report/report.h"

namespace hearth::bench {

base::Result<void> write_png(const Chart&, const std::string&) {
  return base::Error{base::ErrorCode::kUnsupported, "drawing is not there yet"};
}

}  // namespace hearth::bench
