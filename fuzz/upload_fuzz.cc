// What a caller sends as a function: the JSON that is read as it arrives, with the zip in it, and the
// settings in the rest. Whole, cut in two and byte by byte it comes to the same, which is what a parser of
// the whole text says. The first two bytes say where the cut is.
#include <boost/json.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "gateway/settings.h"
#include "gateway/upload.h"

namespace {

namespace json = boost::json;
namespace base = hearth::base;
namespace store = hearth::store;
using hearth::gateway::Settings;
using hearth::gateway::Upload;

constexpr std::uint64_t kZipBytes = 512;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

// Keeps what is written in a string, and no more than it may.
class MemoryCode final : public store::CodeStore {
 public:
  class Writer final : public store::CodeWriter {
   public:
    explicit Writer(MemoryCode& owner) : owner_(owner) {}
    base::Result<void> append(std::string_view bytes) override {
      if (owner_.written.size() + bytes.size() > kZipBytes) {
        return base::Error{base::ErrorCode::kTooLarge, "too large"};
      }
      owner_.written += bytes;
      return {};
    }
    base::Result<base::UniqueFd> reopen() override { return base::UniqueFd{}; }
    base::Result<store::StoredCode> commit() override { return store::StoredCode{}; }

   private:
    MemoryCode& owner_;
  };

  base::Result<std::unique_ptr<store::CodeWriter>> begin(std::uint64_t limit_bytes) override {
    require(limit_bytes == kZipBytes);
    return std::unique_ptr<store::CodeWriter>(std::make_unique<Writer>(*this));
  }
  base::Result<base::UniqueFd> open(std::string_view) override { return base::UniqueFd{}; }
  base::Result<void> remove(std::string_view) override { return {}; }
  std::string uri(std::string_view) const override { return {}; }

  std::string written;
};

struct Outcome {
  bool accepted = false;
  bool json_error = false;
  json::object fields;
  std::string zip;
};

Outcome read(std::string_view body, std::size_t first, std::size_t then) {
  MemoryCode code;
  Upload upload(hearth::gateway::UploadFormat::kJson, kZipBytes, code);
  std::size_t piece = first;
  for (std::size_t at = 0; at < body.size(); at += piece, piece = then) {
    (void)upload.append(body.substr(at, piece));
  }
  Outcome outcome;
  outcome.accepted = upload.finish().ok();
  outcome.json_error = upload.is_json_error();
  require(!(outcome.accepted && outcome.json_error));
  if (outcome.accepted) {
    outcome.fields = upload.settings();
    outcome.zip = code.written;
    require(!outcome.fields.contains("zipFile"));
  }
  return outcome;
}

void require_same(const Outcome& one, const Outcome& other) {
  require(one.accepted == other.accepted);
  require(one.fields == other.fields && one.zip == other.zip);
}

// A key that stands there twice is decoded twice, and only its last value is in the object; an escape can
// hide one.
bool names_the_zip_once(std::string_view body) {
  return body.find("zipFile") == body.rfind("zipFile") && body.find('\\') == std::string_view::npos;
}

void compare_with_whole_text(std::string_view body, const Outcome& outcome) {
  boost::system::error_code failed;
  json::value value = json::parse(json::string_view(body.data(), body.size()), failed);
  require(outcome.json_error ? bool(failed) : (!outcome.accepted || !failed));
  if (!outcome.accepted) {
    return;
  }
  json::object& object = value.as_object();
  if (const json::value* text = object.if_contains("zipFile"); text != nullptr && names_the_zip_once(body)) {
    std::string zip;
    base::Base64Decoder decoder;
    require(decoder.feed(std::string_view(text->as_string()), zip).ok() && decoder.finish(zip).ok());
    require(zip == outcome.zip);
  }
  object.erase("zipFile");
  require(object == outcome.fields);
}

void check_settings(const json::object& fields) {
  const hearth::model::FunctionLimits limits;
  const auto settings = hearth::gateway::parse_settings(fields, limits);
  if (!settings) {
    require(settings.error().code == base::ErrorCode::kInvalidArgument && !settings.error().message.empty());
    return;
  }
  hearth::model::Version version;
  hearth::gateway::apply(*settings, version);
  require(version.memory_mb >= limits.memory_min_mb && version.memory_mb <= limits.memory_max_mb);
  require(version.timeout_ms >= 1 && version.timeout_ms <= limits.timeout_max_ms);
  require(version.concurrency >= 1 && version.concurrency <= limits.concurrency_max);
  require(version.handler.find("..") == std::string::npos && !version.handler.starts_with('/'));
  require(!settings->name || settings->name->find('/') == std::string::npos);
  std::size_t environment_bytes = 0;
  for (const auto& [name, value] : version.environment) {
    require(name.find('=') == std::string::npos && value.find('\0') == std::string::npos);
    environment_bytes += name.size() + value.size();
  }
  require(environment_bytes <= limits.environment_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) {
    return 0;
  }
  const std::string_view body(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t cut = 1 + (data[0] * 256U + data[1]) % body.size();
  const Outcome whole = read(body, body.size(), body.size());
  require_same(whole, read(body, cut, body.size()));
  require_same(whole, read(body, 1, 1));
  compare_with_whole_text(body, whole);
  check_settings(whole.fields);
  return 0;
}
