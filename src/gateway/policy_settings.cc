#include "gateway/policy_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <optional>

#include "gateway/answer.h"
#include "gateway/body_fields.h"
#include "http/endpoint.h"

namespace hearth::gateway {
namespace {

namespace json = boost::json;
using base::Error;
using base::ErrorCode;
using base::Result;
using Number = std::optional<std::uint32_t>;

constexpr std::string_view kDestinationShape =
    "{\"function\": NAME} or {\"url\": URL, \"secret\": TEXT}, the secret as you like";

Error wrong(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Result<Number> number_in(const json::object& fields, std::string_view name, std::uint32_t least,
                         std::uint32_t most) {
  const auto* const value = given(fields, name);
  if (value == nullptr) {
    return Number();
  }
  const auto* const number = value->if_int64();
  if (number == nullptr || *number < least || *number > most) {
    return wrong(fmt::format("\"{}\" is a whole number from {} to {}", name, least, most));
  }
  return Number(static_cast<std::uint32_t>(*number));
}

// Reads a field into its place; nothing is read after the first that is wrong.
class Reader {
 public:
  explicit Reader(const json::object& fields) : fields_(fields) {}

  Reader& number(std::string_view name, std::uint32_t least, std::uint32_t most, Number& into) {
    if (!error_) {
      keep(number_in(fields_, name, least, most), into);
    }
    return *this;
  }
  template <typename Value>
  void keep(Result<Value> result, Value& into) {
    if (result) {
      into = std::move(*result);
    } else {
      error_ = result.error();
    }
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  const json::object& fields_;
  std::optional<Error> error_;
};

// Nothing when it is absent.
Result<std::string> text_in(const json::object& fields, std::string_view name, std::size_t most_bytes) {
  const auto* const value = given(fields, name);
  if (value == nullptr) {
    return std::string();
  }
  const auto* const text = value->if_string();
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (text == nullptr || text->empty() || text->size() > most_bytes ||
      std::any_of(text->begin(), text->end(), control)) {
    return wrong(fmt::format("\"{}\" takes 1 to {} bytes and no control characters", name, most_bytes));
  }
  return std::string(*text);
}

// As a request is sent to it: what is behind a '#' is never sent.
bool is_web_url(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::size_t path = scheme == std::string_view::npos ? scheme : url.find_first_of("/?#", scheme + 3);
  const auto visible = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && c != '#'; };
  return http::parse_link_endpoint(url.substr(0, path)).ok() && std::all_of(url.begin(), url.end(), visible);
}

Result<model::Destination> read_destination(const json::object& fields, std::string_view name) {
  model::Destination read;
  Reader reader(fields);
  reader.keep(text_in(fields, "function", 64), read.function);
  if (!reader.error()) {
    reader.keep(text_in(fields, "url", kWebhookUrlBytes), read.url);
  }
  if (!reader.error()) {
    reader.keep(text_in(fields, "secret", kWebhookSecretBytes), read.secret);
  }
  if (reader.error()) {
    return wrong(fmt::format("\"{}\": {}", name, reader.error()->message));
  }
  if (read.function.empty() == read.url.empty() || (read.url.empty() && !read.secret.empty())) {
    return wrong(fmt::format("\"{}\" is {}", name, kDestinationShape));
  }
  if (!read.url.empty() && !is_web_url(read.url)) {
    return wrong(
        fmt::format("\"{}\": \"url\" begins with http:// or https:// and a host, without user or "
                    "fragment",
                    name));
  }
  return read;
}

using MaybeDestination = std::optional<model::Destination>;

Result<MaybeDestination> destination_in(const json::object& fields, std::string_view name,
                                        const MaybeDestination& before) {
  const auto* const value = given(fields, name);
  if (value == nullptr) {
    return MaybeDestination();
  }
  const auto* const object = value->if_object();
  if (object == nullptr) {
    return wrong(fmt::format("\"{}\" is {}", name, kDestinationShape));
  }
  auto read = read_destination(*object, name);
  if (!read) {
    return read.error();
  }
  if (read->secret.empty() && before && before->url == read->url) {
    read->secret = before->secret;
  }
  return MaybeDestination(std::move(*read));
}

std::string shown(const Number& number) { return number ? std::to_string(*number) : "null"; }

std::string shown(const MaybeDestination& destination) {
  if (!destination) {
    return "null";
  }
  std::string out = destination->url.empty() ? "{\"function\":" : "{\"url\":";
  append_json_string(out, destination->url.empty() ? destination->function : destination->url);
  if (!destination->url.empty()) {
    out += destination->secret.empty() ? ",\"signed\":false" : ",\"signed\":true";
  }
  return out + "}";
}

}  // namespace

Result<model::Concurrency> parse_concurrency(std::string_view body) {
  const auto fields = object_of(body, "{\"maxConcurrency\": NUMBER}");
  if (!fields) {
    return fields.error();
  }
  model::Concurrency read;
  Number reserved;
  Number provisioned;
  Reader reader(*fields);
  reader.number("maxConcurrency", 0, kMostConcurrency, read.maximum)
      .number("reservedConcurrency", 0, kMostConcurrency, reserved)
      .number("provisionedConcurrency", 0, kMostProvisioned, provisioned);
  if (reader.error()) {
    return *reader.error();
  }
  read.reserved = reserved.value_or(0);
  read.provisioned = provisioned.value_or(0);
  if (read.maximum && std::max(read.reserved, read.provisioned) > *read.maximum) {
    return wrong("\"reservedConcurrency\" and \"provisionedConcurrency\" are at most \"maxConcurrency\"");
  }
  return read;
}

Result<model::AsyncPolicy> parse_async(std::string_view body, const model::AsyncPolicy& before) {
  const auto fields = object_of(body, "{\"retries\": NUMBER}");
  if (!fields) {
    return fields.error();
  }
  model::AsyncPolicy read;
  Reader reader(*fields);
  reader.number("retries", 0, kMostRetries, read.retries)
      .number("maxAge", 1, kMostAgeS, read.max_age_s)
      .number("maxBacklog", 1, kMostBacklog, read.max_backlog);
  if (!reader.error()) {
    reader.keep(destination_in(*fields, "onSuccess", before.on_success), read.on_success);
  }
  if (!reader.error()) {
    reader.keep(destination_in(*fields, "onFailure", before.on_failure), read.on_failure);
  }
  if (reader.error()) {
    return *reader.error();
  }
  return read;
}

std::string concurrency_json(const model::Concurrency& concurrency,
                             std::optional<std::uint32_t> provisioned_ready) {
  const std::string ready =
      provisioned_ready ? fmt::format(R"(,"provisionedReady":{})", *provisioned_ready) : std::string();
  return fmt::format(R"({{"maxConcurrency":{},"reservedConcurrency":{},"provisionedConcurrency":{}{}}})",
                     shown(concurrency.maximum), concurrency.reserved, concurrency.provisioned, ready);
}

std::string async_json(const model::AsyncPolicy& policy) {
  return fmt::format(R"({{"retries":{},"maxAge":{},"maxBacklog":{},"onSuccess":{},"onFailure":{}}})",
                     shown(policy.retries), shown(policy.max_age_s), shown(policy.max_backlog),
                     shown(policy.on_success), shown(policy.on_failure));
}

}  // namespace hearth::gateway
