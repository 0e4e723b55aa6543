// The port for messages to webhooks: servers of others, which are told how executions have ended.
//
// Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace hearth::webhook {

struct Message {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"
  std::shared_ptr<const std::string> body;
};

class Webhooks {
 public:
  // The status of the answer, whichever that is; kTimeout, kUnavailable: there was none, the message saying
  // why, for people, and without what the URL may keep secret.
  using Done = std::function<void(base::Result<int>)>;

  virtual ~Webhooks() = default;
  // Sends it once, at once. `done` is called on the loop, never inside the call, within a bound; it is
  // destroyed uncalled when this ends before.
  virtual void post(Message message, Done done) = 0;
};

}  // namespace hearth::webhook
