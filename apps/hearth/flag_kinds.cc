#include "apps/hearth/flag_kinds.h"

#include "base/text_units.h"

namespace hearth {

void add_duration(CLI::App& command, const std::string& flag, std::chrono::microseconds& value,
                  const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            auto parsed = base::parse_duration(text);
            if (!parsed) {
              throw CLI::ValidationError(flag, parsed.error().message);
            }
            value = *parsed;
          },
          help)
      ->type_name("DURATION")
      ->default_str(base::format_duration(value));
}

void add_milliseconds(CLI::App& command, const std::string& flag, std::chrono::milliseconds& value,
                      const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            auto parsed = base::parse_duration(text);
            if (!parsed || *parsed < std::chrono::milliseconds(1)) {
              throw CLI::ValidationError(flag, parsed ? "it is at least 1ms" : parsed.error().message);
            }
            value = std::chrono::ceil<std::chrono::milliseconds>(*parsed);
          },
          help)
      ->type_name("DURATION")
      ->default_str(base::format_duration(value));
}

void add_bytes(CLI::App& command, const std::string& flag, std::uint64_t& value, const std::string& shown,
               const std::string& help) {
  command
      .add_option_function<std::string>(
          flag,
          [&value, flag](const std::string& text) {
            auto parsed = base::parse_bytes(text);
            if (!parsed) {
              throw CLI::ValidationError(flag, parsed.error().message);
            }
            value = *parsed;
          },
          help)
      ->type_name("SIZE")
      ->default_str(shown);
}

}  // namespace hearth
