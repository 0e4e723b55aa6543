#include "store/execution_text.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace hearth::store {
namespace {

constexpr std::string_view kNone = "[]";

base::Error damaged(const char* what) {
  return {base::ErrorCode::kCorrupt,
          std::string("the ") + what + " of an execution are damaged in the database"};
}

boost::json::object to_object(const model::FailedAttempt& attempt) {
  return {{"number", attempt.number}, {"startedMs", attempt.started_ms}, {"endedMs", attempt.ended_ms},
          {"code", attempt.code},     {"message", attempt.message},      {"counts", attempt.counts}};
}

model::FailedAttempt to_attempt(const boost::json::object& object) {
  model::FailedAttempt attempt;
  attempt.number = object.at("number").to_number<std::uint32_t>();
  attempt.started_ms = object.at("startedMs").to_number<std::int64_t>();
  attempt.ended_ms = object.at("endedMs").to_number<std::int64_t>();
  attempt.code = object.at("code").as_string();
  attempt.message = object.at("message").as_string();
  attempt.counts = object.at("counts").as_bool();
  return attempt;
}

}  // namespace

std::string attempts_to_text(const std::vector<model::FailedAttempt>& attempts) {
  if (attempts.empty()) {
    return std::string(kNone);
  }
  boost::json::array array;
  array.reserve(attempts.size());
  for (const model::FailedAttempt& attempt : attempts) {
    array.emplace_back(to_object(attempt));
  }
  return boost::json::serialize(array);
}

base::Result<std::vector<model::FailedAttempt>> attempts_from_text(std::string_view text) {
  std::vector<model::FailedAttempt> attempts;
  if (text == kNone) {
    return attempts;
  }
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;  // a message may hold any bytes
  boost::system::error_code failure;
  const auto parsed = boost::json::parse({text.data(), text.size()}, failure, {}, options);
  if (failure) {
    return damaged("attempts");
  }
  try {
    for (const auto& entry : parsed.as_array()) {
      attempts.push_back(to_attempt(entry.as_object()));
    }
  } catch (const std::exception&) {  // a member is missing or of another type
    return damaged("attempts");
  }
  return attempts;
}

base::Result<std::string> with_attempt(std::string_view text, const model::FailedAttempt& attempt) {
  auto attempts = attempts_from_text(text);
  if (!attempts) {
    return attempts.error();
  }
  attempts->push_back(attempt);
  if (attempts->size() > model::kAttemptsKept) {
    attempts->erase(attempts->begin(), attempts->end() - static_cast<std::ptrdiff_t>(model::kAttemptsKept));
  }
  return attempts_to_text(*attempts);
}

model::FailedAttempt lost_attempt(std::int64_t lease, std::int64_t started_ms, std::int64_t now_ms) {
  model::FailedAttempt attempt;
  attempt.number = static_cast<std::uint32_t>(lease);
  attempt.started_ms = started_ms;
  attempt.ended_ms = now_ms;
  attempt.code = "worker_lost";
  attempt.message = "whoever executed it was lost: it may have been executed";
  attempt.counts = false;
  return attempt;
}

std::string logs_to_bytes(const std::vector<model::LogChunk>& chunks) {
  std::string bytes;
  for (const model::LogChunk& chunk : chunks) {
    bytes += chunk.stream == model::LogStream::kOut ? 'o' : 'e';
    bytes += std::to_string(chunk.text.size());
    bytes += ':';
    bytes += chunk.text;
  }
  return bytes;
}

base::Result<std::vector<model::LogChunk>> logs_from_bytes(std::string_view bytes) {
  std::vector<model::LogChunk> chunks;
  while (!bytes.empty()) {
    const char stream = bytes.front();
    std::size_t size = 0;
    const char* end = bytes.data() + bytes.size();
    const auto [after, failure] = std::from_chars(bytes.data() + 1, end, size);
    if ((stream != 'o' && stream != 'e') || failure != std::errc() || after == end || *after != ':') {
      return damaged("logs");
    }
    bytes = std::string_view(after + 1, end);
    if (size > bytes.size()) {
      return damaged("logs");
    }
    chunks.push_back({stream == 'o' ? model::LogStream::kOut : model::LogStream::kErr,
                      std::string(bytes.substr(0, size))});
    bytes.remove_prefix(size);
  }
  return chunks;
}

}  // namespace hearth::store
