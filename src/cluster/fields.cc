#include "cluster/fields.h"

#include "base/words.h"

namespace hearth::cluster {

void add_field(std::string& to, std::string_view name, std::string_view value) {
  to.append(name).append(" ").append(std::to_string(value.size())).append("\n").append(value);
}

std::optional<std::vector<Field>> read_fields(std::string_view text, std::size_t most) {
  std::vector<Field> fields;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos || fields.size() == most) {
      return std::nullopt;
    }
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    const std::string_view name = base::take_word(line);
    const auto length = base::number_of<std::size_t>(line);
    if (name.empty() || !length || *length > text.size()) {
      return std::nullopt;
    }
    fields.push_back({name, text.substr(0, *length)});
    text.remove_prefix(*length);
  }
  return fields;
}

}  // namespace hearth::cluster
