// A redis-server of a test's own, on a free port of 127.0.0.1, that keeps nothing. It ends with the object.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "messaging/redis/redis_url.h"

namespace hearth::messaging {

class RedisProcess {
 public:
  // Takes connections when it returns; throws when it does not within ten seconds.
  explicit RedisProcess(std::vector<std::string> more_arguments = {});
  RedisProcess(const RedisProcess&) = delete;
  RedisProcess& operator=(const RedisProcess&) = delete;
  ~RedisProcess();

  RedisUrl url() const { return {"127.0.0.1", port_, {}, {}, 0}; }

  void kill();
  // On the same port, empty.
  void start();
  // It no longer answers, but its connections stay; and goes on.
  void freeze() const;
  void thaw() const;

  // What it answers to a command, as it stands on the wire; on a connection of its own.
  std::string ask(std::string_view command) const;

 private:
  bool try_start();

  const std::vector<std::string> more_arguments_;
  std::string folder_;
  std::uint16_t port_ = 0;
  pid_t pid_ = -1;
  base::UniqueFd output_;
};

}  // namespace hearth::messaging
