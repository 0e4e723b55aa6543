// A list of named values as bytes: "NAME LENGTH\nVALUE" one after the other. Any bytes may be a value, and
// who reads it skips names that it does not know: processes of two releases understand one another. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hearth::cluster {

struct Field {
  std::string_view name;
  std::string_view value;
};

// `name`: without a space or a line's end.
void add_field(std::string& to, std::string_view name, std::string_view value);

// Views into `text`; nothing when it is malformed, or has more than `most`.
std::optional<std::vector<Field>> read_fields(std::string_view text, std::size_t most);

}  // namespace hearth::cluster
