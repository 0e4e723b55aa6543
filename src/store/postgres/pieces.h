// Many rows as few statements: no statement and no answer becomes larger than a server takes within its time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/units.h"

namespace hearth::store::postgres {

inline constexpr std::size_t kRowsOfAPiece = 500;
inline constexpr std::size_t kBytesOfAPiece = 4 * base::kMiB;  // unless one row has more

// What follows each other stays together.
template <typename Row, typename BytesOf>
std::vector<std::span<const Row>> in_pieces(std::span<const Row> rows, BytesOf bytes_of) {
  std::vector<std::span<const Row>> pieces;
  std::size_t first = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t added = bytes_of(rows[i]);
    if (i > first && (i - first == kRowsOfAPiece || bytes + added > kBytesOfAPiece)) {
      pieces.push_back(rows.subspan(first, i - first));
      first = i;
      bytes = 0;
    }
    bytes += added;
  }
  if (first < rows.size()) {
    pieces.push_back(rows.subspan(first));
  }
  return pieces;
}

}  // namespace hearth::store::postgres
