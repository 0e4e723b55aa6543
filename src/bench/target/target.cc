#include "bench/target/target.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "http/client.h"

namespace hearth::bench {
namespace {

namespace fs = std::filesystem;

}  // namespace

TestFunction function_of(const TargetSpec& spec, const TargetWish& wish) {
  TestFunction function = wish.function;
  function.kind = spec.function.value_or(function.kind);
  function.sleep_ms = spec.sleep_ms.value_or(function.sleep_ms);
  return function;
}

base::Result<std::unique_ptr<Target>> make_target(const TargetSpec& spec, const TargetWish& wish) {
  switch (spec.kind) {
    case TargetKind::kHearth:
      return make_hearth_target(spec, wish);
    case TargetKind::kHttp:
      return make_http_target(spec, wish);
    case TargetKind::kNginx:
      if (function_of(spec, wish).kind != FunctionKind::kHello) {
        return base::Error{base::ErrorCode::kUnsupported,
                           "nginx answers a constant: it takes --function hello alone"};
      }
      return make_baseline_target(spec, wish);
    case TargetKind::kNode:
    case TargetKind::kWorkerd:
      return make_baseline_target(spec, wish);
  }
  return base::Error{};
}

base::Result<std::string> find_baselines() {
  std::error_code failed;
  const fs::path binary = fs::read_symlink("/proc/self/exe", failed);
  const std::array candidates = {binary.parent_path() / "../share/hearth/bench",
                                 fs::path(HEARTH_SOURCE_BASELINES)};
  for (const fs::path& folder : candidates) {
    if (fs::exists(folder / "node_http.js", failed)) {
      return fs::canonical(folder).string();
    }
  }
  return base::Error{base::ErrorCode::kNotFound,
                     fmt::format("the baselines are neither in {} nor in {}: the installation is incomplete",
                                 candidates[0].lexically_normal().string(), candidates[1].string())};
}

std::string post_request(const std::string& authority, const std::string& path, const std::string& api_key,
                         const std::string& body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
      path, authority, api_key.empty() ? "" : "Authorization: Bearer " + api_key + "\r\n", body.size(), body);
}

base::Result<void> check_one_call(const std::string& url, const std::string& path, const std::string& body,
                                  const TestFunction& function) {
  http::Client client(url, std::chrono::seconds(60));
  const auto answer = client.request(http::Method::kPost, path, body);
  if (!answer) {
    return answer.error();
  }
  if (answer->status != 200) {
    return base::Error{base::ErrorCode::kCorrupt,
                       fmt::format("it answered {}: {}", answer->status, answer->body.substr(0, 200))};
  }
  return check_answer(function, answer->body, false);
}

}  // namespace hearth::bench
