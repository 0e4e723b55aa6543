#include "store/policy_text.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <optional>

namespace hearth::store {
namespace {

namespace json = boost::json;
using Number = std::optional<std::uint32_t>;

void put(json::object& fields, std::string_view name, const Number& number) {
  if (number) {
    fields.emplace(name, *number);
  }
}

void put(json::object& fields, std::string_view name, const std::optional<model::Destination>& destination) {
  if (destination) {
    fields.emplace(name, json::object{{"function", destination->function},
                                      {"url", destination->url},
                                      {"secret", destination->secret}});
  }
}

// Reads the fields of one object; what is damaged is remembered.
class Reader {
 public:
  explicit Reader(std::string_view text) {
    boost::system::error_code failure;
    auto parsed = json::parse({text.data(), text.size()}, failure);
    intact_ = !failure && parsed.is_object();
    if (intact_) {
      fields_ = std::move(parsed.get_object());
    }
  }

  Number number(std::string_view name) {
    const auto* const value = fields_.if_contains(name);
    if (value == nullptr) {
      return std::nullopt;
    }
    boost::system::error_code failure;
    const auto number = value->to_number<std::uint32_t>(failure);
    intact_ = intact_ && !failure;
    return number;
  }

  std::optional<model::Destination> destination(std::string_view name) {
    const auto* const value = fields_.if_contains(name);
    if (value == nullptr) {
      return std::nullopt;
    }
    const auto* const fields = value->if_object();
    intact_ = intact_ && fields != nullptr;
    return fields == nullptr ? model::Destination()
                             : model::Destination{text_in(*fields, "function"), text_in(*fields, "url"),
                                                  text_in(*fields, "secret")};
  }

  bool intact() const { return intact_; }

 private:
  std::string text_in(const json::object& fields, std::string_view name) {
    const auto* const value = fields.if_contains(name);
    const auto* const text = value == nullptr ? nullptr : value->if_string();
    intact_ = intact_ && text != nullptr;
    return text == nullptr ? std::string() : std::string(*text);
  }

  json::object fields_;
  bool intact_ = false;
};

}  // namespace

std::string concurrency_to_text(const model::Concurrency& concurrency) {
  json::object fields;
  put(fields, "maximum", concurrency.maximum);
  put(fields, "reserved", Number(concurrency.reserved));
  put(fields, "provisioned", Number(concurrency.provisioned));
  return json::serialize(fields);
}

std::string async_to_text(const model::AsyncPolicy& policy) {
  json::object fields;
  put(fields, "retries", policy.retries);
  put(fields, "max_age_s", policy.max_age_s);
  put(fields, "max_backlog", policy.max_backlog);
  put(fields, "on_success", policy.on_success);
  put(fields, "on_failure", policy.on_failure);
  return json::serialize(fields);
}

base::Result<model::Concurrency> concurrency_from_text(std::string_view text) {
  Reader reader(text);
  const model::Concurrency concurrency{reader.number("maximum"), reader.number("reserved").value_or(0),
                                       reader.number("provisioned").value_or(0)};
  if (!reader.intact()) {
    return base::Error{base::ErrorCode::kCorrupt, "its limits are damaged in the database"};
  }
  return concurrency;
}

base::Result<model::AsyncPolicy> async_from_text(std::string_view text) {
  Reader reader(text);
  model::AsyncPolicy policy{reader.number("retries"), reader.number("max_age_s"),
                            reader.number("max_backlog"), reader.destination("on_success"),
                            reader.destination("on_failure")};
  if (!reader.intact()) {
    return base::Error{base::ErrorCode::kCorrupt,
                       "what becomes of its executions is damaged in the database"};
  }
  return policy;
}

}  // namespace hearth::store
