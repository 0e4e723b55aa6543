#include "gateway/rollback.h"

#include "base/words.h"
#include "gateway/body_fields.h"

namespace hearth::gateway {

base::Result<std::uint32_t> parse_rollback(std::string_view body) {
  if (base::is_blank(body)) {
    return 0U;
  }
  const auto fields = object_of(body, "{\"version\": NUMBER}");
  if (!fields) {
    return fields.error();
  }
  if (!fields->contains("version")) {
    return 0U;
  }
  const auto number = version_in(*fields);
  if (!number) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "\"version\" is the number of a past version, from 1"};
  }
  return *number;
}

}  // namespace hearth::gateway
