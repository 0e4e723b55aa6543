// Has the Serverless Framework deploy a function to Hearth, as the paper's tool deployed its own: writes a
// service into a temporary folder and runs `serverless deploy` in it. One thread; blocks for seconds.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/target/target_spec.h"

namespace hearth::bench {

struct ServerlessWish {
  std::string program;  // of the framework; empty: looked for
  std::string endpoint;
  std::string api_key;
  FunctionKind function = FunctionKind::kHello;
  std::uint32_t memory_mb = 512;
  std::uint32_t concurrency = 0;  // 0: the server's default
};

// serverless.yml for a service of that stage, whose one function is named as its kind. Pure.
std::string service_file(const ServerlessWish& wish, const std::string& stage);
// The name that such a function has on the server. Pure.
std::string deployed_name(const ServerlessWish& wish, const std::string& stage);

// `program` itself, or serverless or osls in PATH or one of `folders`. kNotFound says how to get it.
base::Result<std::string> find_serverless(const std::string& program,
                                          const std::vector<std::string>& folders);

// The function's name on the server. The framework is looked for in node_modules of the working folder and
// beside the plugin, too. kNotFound without framework or plugin, kIo with its last words when it fails,
// kTimeout.
base::Result<std::string> deploy_by_serverless(const ServerlessWish& wish);

}  // namespace hearth::bench
