#include "cluster/provisions.h"

#include <utility>

#include "base/words.h"

namespace hearth::cluster {

using base::number_of;
using base::take_word;

void add_provision(std::string& body, const ToldProvision& provision) {
  const model::Version& version = *provision.told.version;
  const std::string text = to_body(version, provision.told.function_name);
  body.append(version.function_id).append(" ").append(version.id).append(" ");
  body.append(std::to_string(provision.revision)).append(" ").append(std::to_string(provision.count));
  body.append(" ").append(std::to_string(text.size())).append("\n").append(text);
}

std::optional<std::vector<ToldProvision>> read_provisions(std::string_view body) {
  std::vector<ToldProvision> read;
  while (!body.empty()) {
    std::string_view line = take_word(body, '\n');
    const std::string_view function = take_word(line);
    const std::string_view version = take_word(line);
    const auto revision = number_of<std::uint64_t>(take_word(line));
    const auto count = number_of<std::uint32_t>(take_word(line));
    const auto bytes = number_of<std::size_t>(line);
    if (!revision || !count || !bytes || *bytes > body.size() || read.size() == kProvisionsMost) {
      return std::nullopt;
    }
    auto told = read_version(version, body.substr(0, *bytes));
    if (!told || function.empty() || told->version->function_id != function) {
      return std::nullopt;
    }
    body.remove_prefix(*bytes);
    read.push_back({std::move(*told), *revision, *count});
  }
  return read;
}

std::string to_body(const ReadyCounts& counts) {
  std::string body;
  for (const auto& [function, count] : counts) {
    body.append(function).append(" ").append(std::to_string(count)).append("\n");
  }
  return body;
}

std::optional<ReadyCounts> read_ready_counts(std::string_view body) {
  ReadyCounts counts;
  while (!body.empty()) {
    std::string_view line = take_word(body, '\n');
    const std::string_view function = take_word(line);
    const auto count = number_of<std::uint32_t>(line);
    if (function.empty() || !count || counts.size() == kProvisionsMost) {
      return std::nullopt;
    }
    counts[std::string(function)] = *count;
  }
  return counts;
}

}  // namespace hearth::cluster
