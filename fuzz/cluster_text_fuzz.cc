// What hosts say to one another: whatever stands in a message is read without harm, and what can be read is
// the same when it is written and read again. A message's first line is the header or version that its body
// comes with.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "base/words.h"
#include "cluster/calls.h"
#include "cluster/fields.h"
#include "cluster/provisions.h"
#include "cluster/wire.h"

namespace {

namespace cluster = hearth::cluster;
namespace model = hearth::model;

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

void check_fields(std::string_view text) {
  const auto fields = cluster::read_fields(text, 64);
  if (!fields) {
    return;
  }
  std::string again;
  for (const cluster::Field& field : *fields) {
    require(field.value.data() >= text.data());
    require(field.value.data() + field.value.size() <= text.data() + text.size());
    cluster::add_field(again, field.name, field.value);
  }
  const auto same = cluster::read_fields(again, 64);
  require(same && same->size() == fields->size());
  for (std::size_t i = 0; i < fields->size(); ++i) {
    require((*same)[i].name == (*fields)[i].name && (*same)[i].value == (*fields)[i].value);
  }
}

void check_target(std::string_view text) {
  const auto asked = cluster::read_instance_target(text);
  if (!asked) {
    return;
  }
  const model::Allocation place{"", std::string(asked->instance), asked->slot, asked->epoch, 0};
  if (asked->ask == cluster::Ask::kTakeBack) {
    require(cluster::read_instance_target(cluster::take_back_target(place)) == asked);
    return;
  }
  auto version = std::make_shared<model::Version>();
  version->id = asked->version;
  const model::ExecuteRequest request{version, "", std::string(asked->request_id), nullptr, asked->retired};
  const std::string target = cluster::execute_target(asked->ask, place, request, asked->remaining);
  require(cluster::read_instance_target(target) == asked);
}

void check_version(std::string_view id, std::string_view body) {
  if (const auto told = cluster::read_version(id, body)) {
    const auto again = cluster::read_version(id, cluster::to_body(*told->version, told->function_name));
    require(again && *again->version == *told->version && again->function_name == told->function_name);
  }
}

void check_provisions(std::string_view text) {
  if (const auto provisions = cluster::read_provisions(text)) {
    std::string again;
    for (const cluster::ToldProvision& each : *provisions) {
      cluster::add_provision(again, each);
    }
    const auto same = cluster::read_provisions(again);
    require(same && same->size() == provisions->size());
  }
  if (const auto counts = cluster::read_ready_counts(text)) {
    require(cluster::read_ready_counts(cluster::to_body(*counts)) == counts);
  }
}

void check_releases(std::string_view text) {
  if (const auto releases = cluster::read_releases(text)) {
    std::string again;
    for (const auto& [lease, kind] : *releases) {
      cluster::add_release(again, lease, kind);
    }
    require(cluster::read_releases(again) == releases);
  }
}

void check_execution(std::string_view meta, std::string_view body) {
  auto read = cluster::read_execution(meta, std::string(body));
  if (!read) {
    return;
  }
  std::erase_if(read->execution.logs.chunks, [](const model::LogChunk& chunk) { return chunk.text.empty(); });
  std::optional<model::Allocation> lease;
  if (read->lease_epoch) {
    lease = model::Allocation{"", "i", 0, *read->lease_epoch, 0};
  }
  auto text = cluster::to_text(model::Execution(read->execution), lease);
  const auto again = cluster::read_execution(text.meta, text.output + text.more);
  require(again && again->execution == read->execution && again->lease_epoch == read->lease_epoch);
}

void check_calls(std::string_view text) {
  const auto calls = cluster::read_calls(text);
  if (!calls) {
    return;
  }
  for (const cluster::AskedCall& call : *calls) {
    require(call.body.size() <= cluster::kCallBodyBytes);
    require(call.body.data() >= text.data());
    require(call.body.data() + call.body.size() <= text.data() + text.size());
  }
}

void check_answers(std::string_view text) {
  const auto answers = cluster::read_answers(text);
  if (!answers) {
    return;
  }
  std::string again;
  for (const cluster::CallAnswer& answer : *answers) {
    cluster::add_answer(again, answer.index, answer.status, answer.meta, {answer.body});
  }
  const auto same = cluster::read_answers(again);
  require(same && same->size() == answers->size());
  for (std::size_t i = 0; i < answers->size(); ++i) {
    const cluster::CallAnswer& one = (*answers)[i];
    const cluster::CallAnswer& other = (*same)[i];
    require(one.index == other.index && one.status == other.status && one.meta == other.meta &&
            one.body == other.body);
  }
}

// In pieces of changing sizes: whatever comes, nothing is taken for the worker's that was not sealed.
void check_packets(std::string_view text) {
  const cluster::Key key = cluster::cluster_key("fuzz");
  cluster::Seal sealing(key, cluster::Direction::kAnswer);
  cluster::Seal expected(key, cluster::Direction::kAnswer);
  cluster::PacketReader reader(1'024);
  const std::string sealed =
      cluster::packet_line(sealing, text.substr(0, 1'024)).append(text.substr(0, 1'024));
  reader.add(sealed);
  require(reader.next(expected) == cluster::PacketReader::State::kPacket);
  require(reader.packet() == text.substr(0, 1'024) && reader.empty());
  for (std::size_t at = 0, step = 1; at < text.size(); at += step, step = step % 7 + 1) {
    reader.add(text.substr(at, step));
    const auto state = reader.next(expected);
    require(state != cluster::PacketReader::State::kPacket);
    if (state == cluster::PacketReader::State::kForged) {
      return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view body = text;
  const std::string_view first = hearth::base::take_word(body, '\n');
  check_fields(text);
  check_target(first);
  check_version(first, body);
  check_releases(text);
  check_provisions(text);
  check_execution(first, body);
  check_calls(text);
  check_answers(text);
  check_packets(text);
  return 0;
}
