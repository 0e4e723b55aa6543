#include "gateway/json_check.h"

#include <boost/json/basic_parser_impl.hpp>
#include <string>

namespace hearth::gateway {
namespace {

namespace json = boost::json;

constexpr std::size_t kDepth = 100;

// Takes every part of a value, and keeps nothing.
struct Nothing {
  static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
  static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

  using Error = boost::system::error_code;
  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return true; }
  bool on_object_end(std::size_t, Error&) { return true; }
  bool on_array_begin(Error&) { return true; }
  bool on_array_end(std::size_t, Error&) { return true; }
  bool on_key_part(json::string_view, std::size_t, Error&) { return true; }
  bool on_key(json::string_view, std::size_t, Error&) { return true; }
  bool on_string_part(json::string_view, std::size_t, Error&) { return true; }
  bool on_string(json::string_view, std::size_t, Error&) { return true; }
  bool on_number_part(json::string_view, Error&) { return true; }
  bool on_int64(std::int64_t, json::string_view, Error&) { return true; }
  bool on_uint64(std::uint64_t, json::string_view, Error&) { return true; }
  bool on_double(double, json::string_view, Error&) { return true; }
  bool on_bool(bool, Error&) { return true; }
  bool on_null(Error&) { return true; }
  bool on_comment_part(json::string_view, Error&) { return true; }
  bool on_comment(json::string_view, Error&) { return true; }
};

}  // namespace

base::Result<void> check_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kDepth;
  json::basic_parser<Nothing> parser(options);
  boost::system::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error) {
    return base::Error{base::ErrorCode::kCorrupt, "the body is not JSON: " + error.message()};
  }
  if (text.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
    return base::Error{base::ErrorCode::kCorrupt, "the body is not JSON: something follows the value"};
  }
  return {};
}

}  // namespace hearth::gateway
