// What hosts say to one another: whatever stands in a message is read without harm, and what can be read is
// the same when it is written and read again. A message's first line is the header or version that its body
// comes with.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "cluster/fields.h"
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
  const std::string target = cluster::execute_target(asked->ask, place, request);
  require(cluster::read_instance_target(target) == asked);
}

void check_version(std::string_view id, std::string_view body) {
  if (const auto told = cluster::read_version(id, body)) {
    const auto again = cluster::read_version(id, cluster::to_body(*told->version, told->function_name));
    require(again && *again->version == *told->version && again->function_name == told->function_name);
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view body = text;
  const std::string_view first = cluster::take_part(body, '\n');
  check_fields(text);
  check_target(first);
  check_version(first, body);
  check_releases(text);
  check_execution(first, body);
  return 0;
}
