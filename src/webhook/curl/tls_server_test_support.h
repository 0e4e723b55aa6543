// For tests: a server that speaks TLS with a certificate of its own making, on a thread of its own. It
// answers each connection's first bytes with 200.
#pragma once

#include <openssl/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace hearth::webhook::test {

class TlsServer {
 public:
  // `name`: whom the certificate is for, such as "IP:127.0.0.1" or "DNS:example.org".
  explicit TlsServer(const std::string& name);
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;
  ~TlsServer();

  std::uint16_t port() const { return port_; }
  // The certificate, as whoever trusts it reads it.
  std::string pem() const;

 private:
  void serve();

  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  base::UniqueFd listener_;
  base::UniqueFd stop_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace hearth::webhook::test
