#include "gateway/api_result.h"

namespace hearth::gateway {

ApiFailure failure(const base::Error& error) { return {model::api_error(error.code), error.message}; }

}  // namespace hearth::gateway
