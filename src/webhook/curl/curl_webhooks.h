// Webhooks by libcurl, on a thread of its own: what waits for a server of others holds nobody up.
//
// Redirects are not followed, the certificates of https are verified, and no proxy is used, whatever the
// environment says. Of an answer its status counts; the rest is read within a bound and thrown away. The
// process ignores SIGPIPE: TLS writes to connections whose other end may have gone.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/event_loop.h"
#include "webhook/webhooks.h"

namespace hearth::webhook {

struct CurlOptions {
  std::chrono::milliseconds timeout{
      10'000};                        // --webhook-timeout: from the first look-up of the name to the end
  std::string ca_file;                // --webhook-ca: authorities to trust; empty: the system's
  std::size_t kept_connections = 32;  // idle ones, for the next message to the same server
};

// How much of an answer is read, its head included.
inline constexpr std::size_t kAnswerBytes = 64UL << 10U;

class CurlWebhooks final : public Webhooks {
 public:
  // `home`: the loop of whoever uses it; outlives it. kInternal: libcurl or a thread cannot be had.
  static base::Result<std::unique_ptr<CurlWebhooks>> start(CurlOptions options, base::EventLoop& home);
  CurlWebhooks(const CurlWebhooks&) = delete;
  CurlWebhooks& operator=(const CurlWebhooks&) = delete;
  // Breaks off what is on its way.
  ~CurlWebhooks() override;

  void post(Message message, Done done) override;

 private:
  struct Transfer;
  using TransferPtr = std::unique_ptr<Transfer>;

  CurlWebhooks(CurlOptions options, base::EventLoop& home, void* multi);
  void run();
  bool take_asked();
  void begin(TransferPtr transfer);
  void finish_some();

  const CurlOptions options_;
  base::EventLoop& home_;
  void* const multi_;  // CURLM
  std::mutex mutex_;
  std::vector<TransferPtr> asked_;                          // guarded by mutex_
  bool stopping_ = false;                                   // guarded by mutex_
  std::unordered_map<const void*, TransferPtr> under_way_;  // by its CURL; of the thread
  std::thread thread_;
};

}  // namespace hearth::webhook
