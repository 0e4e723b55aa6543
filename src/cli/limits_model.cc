// Limits as the API tells of them: a part of the API's model.
#include <boost/json.hpp>

#include "cli/api_model.h"
#include "cli/json_fields.h"

namespace hearth::cli {

base::Result<LimitsInfo> parse_limits(std::string_view body) {
  const boost::json::value value = parse(body);
  const auto* const object = value.if_object();
  if (object == nullptr || !object->contains("maxConcurrency")) {
    return unreadable("limits");
  }
  LimitsInfo limits;
  if (!object->at("maxConcurrency").is_null()) {
    limits.maximum = count(*object, "maxConcurrency");
  }
  limits.reserved = count(*object, "reservedConcurrency");
  limits.provisioned = count(*object, "provisionedConcurrency");
  limits.ready = count(*object, "provisionedReady");
  return limits;
}

}  // namespace hearth::cli
