#include "gateway/upload.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_stack.hpp>
#include <utility>

#include "base/base64.h"

namespace hearth::gateway {
namespace {

namespace json = boost::json;
using base::Error;
using base::ErrorCode;
using base::Result;

// Everything in the JSON but the zip: names, environment.
constexpr std::size_t kSettingsBytes = 64 * 1024;

}  // namespace

// Parses the object as it arrives: "zipFile" of the outermost object is decoded on the spot, the
// rest becomes a value.
class Upload::JsonReader {
 public:
  explicit JsonReader(Upload& upload) : parser_(json::parse_options{}, upload) {}

  Result<void> feed(std::string_view piece) {
    boost::system::error_code error;
    const std::size_t used = ended_ ? 0 : parser_.write_some(true, piece.data(), piece.size(), error);
    if (error) {
      return failure(error);
    }
    ended_ = parser_.done();
    if (piece.find_first_not_of(" \t\r\n", used) != std::string_view::npos) {
      return not_json("something follows the JSON value");
    }
    return {};
  }

  Result<void> finish() {
    if (!ended_) {
      boost::system::error_code error;
      parser_.write_some(false, "", 0, error);
      if (error || !parser_.done()) {
        return failure(error);
      }
      ended_ = true;
    }
    json::value value = parser_.handler().stack.release();
    if (auto* object = value.if_object()) {
      settings_ = std::move(*object);
    } else {
      return Error{ErrorCode::kInvalidArgument, "the body is a JSON object with \"zipFile\""};
    }
    if (const auto* zip = settings_.if_contains("zipFile"); zip != nullptr && !zip->is_string()) {
      return Error{ErrorCode::kInvalidArgument, "\"zipFile\" is a string: a zip in base64"};
    }
    settings_.erase("zipFile");
    return {};
  }

  const json::object& settings() const { return settings_; }
  bool json_error() const { return json_error_; }

 private:
  struct Handler {
    static constexpr std::size_t max_object_size = 10'000;
    static constexpr std::size_t max_array_size = 10'000;
    static constexpr std::size_t max_key_size = kSettingsBytes;
    static constexpr std::size_t max_string_size = std::size_t{1} << 40U;  // the zip's own limit is the bound

    explicit Handler(Upload& upload) : owner(upload) { stack.reset(); }

    using Code = boost::system::error_code;

    bool on_document_begin(Code&) { return true; }
    bool on_document_end(Code&) { return true; }
    bool on_object_begin(Code&) {
      ++depth;
      return true;
    }
    bool on_object_end(std::size_t count, Code&) {
      --depth;
      stack.push_object(count);
      return true;
    }
    bool on_array_begin(Code&) {
      ++depth;
      return true;
    }
    bool on_array_end(std::size_t count, Code&) {
      --depth;
      stack.push_array(count);
      return true;
    }
    bool on_key_part(json::string_view part, std::size_t, Code& error) {
      key.append(part);
      stack.push_chars(part);
      return bounded(part.size(), error);
    }
    bool on_key(json::string_view part, std::size_t, Code& error) {
      key.append(part);
      stack.push_key(part);
      in_zip = depth == 1 && key == "zipFile";
      key.clear();
      return bounded(part.size(), error);
    }
    bool on_string_part(json::string_view part, std::size_t, Code& error) {
      if (in_zip && depth == 1) {
        return decode(part, error);
      }
      stack.push_chars(part);
      return bounded(part.size(), error);
    }
    bool on_string(json::string_view part, std::size_t, Code& error) {
      if (in_zip && depth == 1) {
        in_zip = false;
        saw_zip = true;
        stack.push_string({});
        return decode(part, error);
      }
      stack.push_string(part);
      return bounded(part.size(), error);
    }
    bool on_number_part(json::string_view part, Code& error) { return bounded(part.size(), error); }
    bool on_int64(std::int64_t value, json::string_view, Code&) {
      stack.push_int64(value);
      return true;
    }
    bool on_uint64(std::uint64_t value, json::string_view, Code&) {
      stack.push_uint64(value);
      return true;
    }
    bool on_double(double value, json::string_view, Code&) {
      stack.push_double(value);
      return true;
    }
    bool on_bool(bool value, Code&) {
      stack.push_bool(value);
      return true;
    }
    bool on_null(Code&) {
      stack.push_null();
      return true;
    }
    bool on_comment_part(json::string_view, Code&) { return true; }
    bool on_comment(json::string_view, Code&) { return true; }

    bool bounded(std::size_t more, Code& error) {
      settings_bytes += more;
      if (settings_bytes <= kSettingsBytes) {
        return true;
      }
      return stop(
          {ErrorCode::kTooLarge, fmt::format("the JSON beside \"zipFile\" is over {} bytes", kSettingsBytes)},
          error);
    }
    bool decode(json::string_view part, Code& error) {
      std::string bytes;
      auto decoded = decoder.feed({part.data(), part.size()}, bytes);
      if (!decoded) {
        return stop({ErrorCode::kInvalidArgument, "\"zipFile\" is not base64"}, error);
      }
      auto appended = owner.append_zip(bytes);
      return appended ? true : stop(appended.error(), error);
    }
    bool stop(Error why, Code& error) {
      reason = std::move(why);
      error = json::make_error_code(json::error::exception);
      return false;
    }

    Upload& owner;
    json::value_stack stack;
    base::Base64Decoder decoder;
    std::string key;
    std::size_t depth = 0;
    std::size_t settings_bytes = 0;
    bool in_zip = false;
    bool saw_zip = false;
    Error reason;  // when we stopped the parser ourselves
  };

  Result<void> failure(const boost::system::error_code& error) {
    Error& reason = parser_.handler().reason;
    if (!reason.message.empty()) {
      return reason;
    }
    return not_json(error ? error.message() : "it ends too early");
  }

  Result<void> not_json(std::string_view why) {
    json_error_ = true;
    return Error{ErrorCode::kInvalidArgument, fmt::format("the body is not JSON: {}", why)};
  }

 public:
  // The last group of the base64 text, once the body is whole.
  Result<void> finish_zip(Upload& upload) {
    if (!parser_.handler().saw_zip) {
      return {};
    }
    std::string bytes;
    if (!parser_.handler().decoder.finish(bytes)) {
      return Error{ErrorCode::kInvalidArgument,
                   "\"zipFile\" is not base64: it ends in the middle of a group"};
    }
    return upload.append_zip(bytes);
  }

 private:
  json::basic_parser<Handler> parser_;
  json::object settings_;
  bool ended_ = false;
  bool json_error_ = false;
};

Upload::Upload(UploadFormat format, std::uint64_t zip_limit_bytes, store::CodeStore& store)
    : format_(format), zip_limit_bytes_(zip_limit_bytes), store_(store) {
  if (format_ == UploadFormat::kJson) {
    json_ = std::make_unique<JsonReader>(*this);
  }
}

Upload::~Upload() = default;

Result<void> Upload::append(std::string_view piece) {
  if (status_) {
    status_ = json_ ? json_->feed(piece) : append_zip(piece);
  }
  return status_;
}

Result<void> Upload::finish() {
  if (status_ && json_) {
    status_ = json_->finish();
  }
  if (status_ && json_) {
    status_ = json_->finish_zip(*this);
  }
  return status_;
}

Result<void> Upload::append_zip(std::string_view bytes) {
  if (!writer_) {
    auto writer = store_.begin(zip_limit_bytes_);
    if (!writer) {
      return writer.error();
    }
    writer_ = std::move(*writer);
  }
  auto appended = writer_->append(bytes);
  if (!appended && appended.error().code == ErrorCode::kTooLarge) {
    return Error{ErrorCode::kTooLarge,
                 fmt::format("the zip is over {} bytes (--max-zip-bytes)", zip_limit_bytes_)};
  }
  return appended;
}

bool Upload::is_json_error() const { return json_ && json_->json_error(); }

const json::object& Upload::settings() const {
  static const json::object kNone;
  return json_ ? json_->settings() : kNone;
}

store::CodeWriter* Upload::writer() { return writer_.get(); }

void UploadSink::write(std::string_view piece, Done done) {
  // Copied: the connection may end while the pool works on it.
  auto submitted = pool_.submit([upload = upload_, bytes = std::string(piece), done, &loop = loop_] {
    auto appended = upload->append(bytes);
    loop.post([done, appended = std::move(appended)] { done(appended); });
  });
  if (!submitted) {
    done(submitted.error());
  }
}

}  // namespace hearth::gateway
