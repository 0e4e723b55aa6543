#include "store/conformance.h"

#include <unistd.h>

#include <array>
#include <cstdio>

namespace hearth::store {
namespace {

std::string guid(int number, int kind) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%08x-%04x-4000-8000-000000000000", static_cast<unsigned>(number),
                static_cast<unsigned>(kind));
  return text.data();
}

}  // namespace

model::Function sample_function(int number) {
  const std::string text = std::to_string(number);
  model::Function function;
  function.id = guid(number, 0);
  function.name = "function-" + text;
  function.display_name = "Function " + text;
  function.created_ms = 1'700'000'000'000 + number;
  function.updated_ms = function.created_ms + 1;
  model::Version& version = function.current;
  version.id = guid(number, 1);
  version.function_id = function.id;
  version.number = 1;
  version.runtime = "node";
  version.handler = "index.handler";
  version.memory_mb = 256;
  version.timeout_ms = 5'000;
  version.concurrency = 3;
  version.environment = {{"NUMBER", text}, {"EMPTY", ""}};
  version.code_digest = std::string(64, 'a');
  version.code_bytes = 12'345;
  version.created_ms = function.updated_ms;
  return function;
}

model::Version sample_version(const model::Function& function) {
  model::Version version = function.current;
  ++version.number;
  ++version.created_ms;
  version.id.replace(9, 4, guid(0, static_cast<int>(version.number)).substr(9, 4));
  version.environment["DEPLOYED"] = std::to_string(version.number);
  return version;
}

std::string read_to_end(int fd) {
  std::string bytes;
  std::array<char, 4096> piece{};
  for (ssize_t got = 0; (got = ::read(fd, piece.data(), piece.size())) > 0;) {
    bytes.append(piece.data(), static_cast<std::size_t>(got));
  }
  return bytes;
}

base::Result<StoredCode> store_bytes(CodeStore& code, std::string_view bytes) {
  auto writer = code.begin(bytes.size());
  if (!writer) {
    return writer.error();
  }
  if (auto appended = (*writer)->append(bytes); !appended) {
    return appended.error();
  }
  return (*writer)->commit();
}

}  // namespace hearth::store
