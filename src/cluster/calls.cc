#include "cluster/calls.h"

#include <utility>

#include "base/words.h"

namespace hearth::cluster {
namespace {

using base::number_of;
using base::take_word;

// "MAC BYTES\n" at its longest.
constexpr std::size_t kPacketLineBytes = 64;

// So many bytes behind a line, which go with it.
std::optional<std::string_view> take_bytes(std::string_view& rest, std::string_view count) {
  const auto bytes = number_of<std::size_t>(count);
  if (!bytes || *bytes > rest.size()) {
    return std::nullopt;
  }
  const std::string_view taken = rest.substr(0, *bytes);
  rest.remove_prefix(*bytes);
  return taken;
}

}  // namespace

void add_call(std::string& body, std::string_view target, std::string_view call_body) {
  body.append(target).append(" ").append(std::to_string(call_body.size())).append("\n").append(call_body);
}

std::optional<std::vector<AskedCall>> read_calls(std::string_view body) {
  std::vector<AskedCall> calls;
  while (!body.empty() && calls.size() < kCallsMost) {
    std::string_view line = take_word(body, '\n');
    const auto asked = read_instance_target(take_word(line));
    const auto call_body = take_bytes(body, line);
    if (!asked || asked->ask == Ask::kTakeBack || !call_body || call_body->size() > kCallBodyBytes) {
      return std::nullopt;
    }
    calls.push_back({*asked, *call_body});
  }
  return body.empty() && !calls.empty() ? std::optional(std::move(calls)) : std::nullopt;
}

void add_answer(std::string& packet, std::size_t index, int status, std::string_view meta,
                std::initializer_list<std::string_view> body) {
  std::size_t bytes = 0;
  for (const std::string_view piece : body) {
    bytes += piece.size();
  }
  packet.append(std::to_string(index)).append(" ").append(std::to_string(status)).append(" ");
  packet.append(std::to_string(bytes)).append(" ").append(meta).append("\n");
  for (const std::string_view piece : body) {
    packet.append(piece);
  }
}

std::optional<std::vector<CallAnswer>> read_answers(std::string_view packet) {
  std::vector<CallAnswer> answers;
  while (!packet.empty()) {
    std::string_view line = take_word(packet, '\n');
    const auto index = number_of<std::size_t>(take_word(line));
    const auto status = number_of<int>(take_word(line));
    const auto body = take_bytes(packet, take_word(line));
    if (!index || !status || !body) {
      return std::nullopt;
    }
    answers.push_back({*index, *status, line, *body});
  }
  return answers;
}

std::string packet_line(Seal& answers, std::string_view packet) {
  return answers.next({packet}) + " " + std::to_string(packet.size()) + "\n";
}

void PacketReader::add(std::string_view bytes) {
  bytes_.erase(0, std::exchange(used_, 0));
  bytes_.append(bytes);
}

PacketReader::State PacketReader::next(Seal& answers) {
  std::string_view rest = std::string_view(bytes_).substr(used_);
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) {
    return rest.size() < kPacketLineBytes ? State::kIncomplete : State::kForged;
  }
  std::string_view line = take_word(rest, '\n');
  const std::string_view mac = take_word(line);
  const auto bytes = number_of<std::uint64_t>(line);
  if (!bytes || *bytes > most_bytes_) {
    return State::kForged;
  }
  if (*bytes > rest.size()) {
    return State::kIncomplete;
  }
  packet_ = rest.substr(0, static_cast<std::size_t>(*bytes));
  used_ += end + 1 + packet_.size();
  return answers.is_next(mac, {packet_}) ? State::kPacket : State::kForged;
}

}  // namespace hearth::cluster
