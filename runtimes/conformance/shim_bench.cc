// How fast one shim answers over its socket, with one call in flight and no sandbox: calls a second, and
// the time of a call. Usage: shim_bench SECONDS RUNTIME HANDLER COMMAND…, for example
//   shim_bench 3 node index.echo /usr/bin/node "$PWD/runtimes/node/shim.js"
// run in the root of the sources. The handlers are those of fixtures/RUNTIME/handlers.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "runtime_process.h"

namespace hearth::conformance {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int kWarmUpCalls = 5'000;

std::string resident_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/smaps_rollup");
  std::string line;
  std::string text;
  while (std::getline(status, line)) {
    if (line.starts_with("Rss:") || line.starts_with("Pss:") || line.starts_with("Private_Dirty:")) {
      text += line + "; ";
    }
  }
  return text;
}

bool call(RuntimeProcess& process, std::uint64_t id, const std::string& body) {
  static std::array<char, 65'536> buffer;
  std::string frame(
      worker::protocol::encode_invoke_head(id, 30'000, "01234567-89ab-cdef-0123-456789abcdef", body.size())
          .view());
  process.send(frame + body);
  pollfd ready{process.answers(), POLLIN, 0};
  return ::poll(&ready, 1, -1) == 1 && ::read(process.answers(), buffer.data(), buffer.size()) > 0;
}

int run(double seconds, const std::string& runtime, const std::string& handler,
        const std::vector<std::string>& command) {
  const auto started = Clock::now();
  RuntimeProcess process(command, {"PATH=/usr/bin:/bin"});
  if (!process.receive()) {
    std::fprintf(stderr, "the runtime does not speak: %s\n", process.take_err().c_str());
    return 1;
  }
  const auto booted = Clock::now();
  std::printf("boot %.1f ms; %s\n", std::chrono::duration<double, std::milli>(booted - started).count(),
              resident_of(process.pid()).c_str());
  worker::protocol::Init init;
  init.handler = handler;
  init.code_path =
      std::string(std::getenv("PWD")) + "/runtimes/conformance/fixtures/" + runtime + "/handlers";
  process.send_init(init);
  if (const auto loaded = process.receive();
      !loaded || loaded->type != worker::protocol::FrameType::kLoaded) {
    std::fprintf(stderr, "the handler is not loaded: %s\n", loaded ? loaded->payload.c_str() : "");
    return 1;
  }
  const std::string body = R"({"name":"abcdef","n":41})";
  std::vector<double> micros;
  std::uint64_t id = 0;
  for (int i = 0; i < kWarmUpCalls; ++i) {
    call(process, ++id, body);
  }
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration<double>(seconds);
  for (auto now = begin; now < end;) {
    const auto before = now;
    if (!call(process, ++id, body)) {
      std::fprintf(stderr, "the runtime ended: %s\n", process.take_err().c_str());
      return 1;
    }
    now = Clock::now();
    micros.push_back(std::chrono::duration<double, std::micro>(now - before).count());
  }
  std::sort(micros.begin(), micros.end());
  const auto at = [&](std::size_t percent) { return micros[micros.size() * percent / 100]; };
  std::printf("%s: %.0f calls/s, p50 %.1f us, p90 %.1f us, p99 %.1f us; %s\n", handler.c_str(),
              static_cast<double>(micros.size()) / seconds, at(50), at(90), at(99),
              resident_of(process.pid()).c_str());
  return 0;
}

}  // namespace
}  // namespace hearth::conformance

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: shim_bench SECONDS RUNTIME HANDLER COMMAND...\n");
    return 2;
  }
  return hearth::conformance::run(std::atof(argv[1]), argv[2], argv[3], {argv + 4, argv + argc});
}
