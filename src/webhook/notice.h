// What a webhook is told of an execution's end, as an HTTP message, and the signature by which it can tell
// who said so. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "webhook/webhooks.h"

namespace hearth::webhook {

struct Notice {
  std::string execution_id;   // the execution that has ended
  std::string_view state;     // "done", "dead"
  std::string delivery_id;    // of the notice: in every attempt the same
  std::uint32_t attempt = 1;  // from 1
  std::int64_t unix_s = 0;    // now
  std::string url;
  std::string secret;  // empty: it is not signed
  std::shared_ptr<const std::string> body;
};

Message to_message(const Notice& notice);

// "sha256=" and the HMAC-SHA256 of "TIMESTAMP.BODY" with the secret, in lower-case hex digits.
std::string signature(std::string_view secret, std::int64_t unix_s, std::string_view body);

}  // namespace hearth::webhook
