#include "webhook/notice.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdlib>

#include "base/sha256.h"

namespace hearth::webhook {

std::string signature(std::string_view secret, std::int64_t unix_s, std::string_view body) {
  std::string signed_text = std::to_string(unix_s);
  signed_text.reserve(signed_text.size() + 1 + body.size());
  signed_text += '.';
  signed_text += body;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  // OpenSSL fails here only without memory or without its own algorithms: nothing could go on.
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest.data(),
           &size) == nullptr) {
    std::abort();
  }
  return "sha256=" + base::hex({digest.data(), size});
}

Message to_message(const Notice& notice) {
  Message message;
  message.url = notice.url;
  message.body = notice.body;
  message.headers = {
      "Content-Type: application/json",
      "X-Hearth-Event: execution." + std::string(notice.state),
      "X-Hearth-Execution-Id: " + notice.execution_id,
      "X-Hearth-Delivery-Id: " + notice.delivery_id,
      fmt::format("X-Hearth-Attempt: {}", notice.attempt),
      fmt::format("X-Hearth-Timestamp: {}", notice.unix_s),
  };
  if (!notice.secret.empty()) {
    message.headers.push_back("X-Hearth-Signature: " + signature(notice.secret, notice.unix_s, *notice.body));
  }
  return message;
}

}  // namespace hearth::webhook
