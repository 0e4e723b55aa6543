#include "apps/hearth/flag_kinds.h"

#include <fmt/format.h>

#include "base/text_units.h"

namespace hearth {
namespace {

// `take` gets what `read` has made of the text.
template <typename Read, typename Take>
CLI::Option* add_text(CLI::App& command, const std::string& flag, const std::string& help, Read read,
                      Take take) {
  return command.add_option_function<std::string>(
      flag,
      [flag, read, take](const std::string& text) {
        const auto value = read(text);
        if (!value) {
          throw CLI::ValidationError(flag, value.error().message);
        }
        take(*value);
      },
      help);
}

}  // namespace

void add_duration(CLI::App& command, const std::string& flag, std::chrono::microseconds& value,
                  const std::string& help, const DurationBounds& bounds) {
  const auto take = [&value, flag, bounds](std::chrono::microseconds time) {
    if (time < bounds.least || time > bounds.most) {
      throw CLI::ValidationError(flag, fmt::format("it is {} to {}", base::format_duration(bounds.least),
                                                   base::format_duration(bounds.most)));
    }
    value = time;
  };
  add_text(command, flag, help, base::parse_duration, take)
      ->type_name("DURATION")
      ->default_str(base::format_duration(value));
}

void add_milliseconds(CLI::App& command, const std::string& flag, std::chrono::milliseconds& value,
                      const std::string& help) {
  const auto take = [&value, flag](std::chrono::microseconds time) {
    if (time < std::chrono::milliseconds(1)) {
      throw CLI::ValidationError(flag, "it is at least 1ms");
    }
    value = std::chrono::ceil<std::chrono::milliseconds>(time);
  };
  add_text(command, flag, help, base::parse_duration, take)
      ->type_name("DURATION")
      ->default_str(base::format_duration(value));
}

void add_bytes(CLI::App& command, const std::string& flag, std::uint64_t& value, const std::string& shown,
               const std::string& help) {
  add_text(command, flag, help, base::parse_bytes, [&value](std::uint64_t bytes) { value = bytes; })
      ->type_name("SIZE")
      ->default_str(shown);
}

}  // namespace hearth
