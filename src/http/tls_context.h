// What all TLS connections of a server, or all of a client, have in common: TLS 1.3 alone, no tickets, so
// that nothing of one connection is used for another.
//
// There are no authorities and no names. A server makes its certificate when it starts, and a client looks at
// none: who is at the other end is proved by what is said inside, which includes
// TlsSession::channel_binding(). Immutable: any thread.
#pragma once

#include <openssl/types.h>

#include <memory>

#include "base/result.h"

namespace hearth::http {

class TlsContext {
 public:
  // kUnsupported: OpenSSL will not, and says why.
  static base::Result<std::shared_ptr<const TlsContext>> of_server();
  static base::Result<std::shared_ptr<const TlsContext>> of_client();

  TlsContext(SSL_CTX* context, bool server) : context_(context), server_(server) {}
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext() = default;

  bool server() const { return server_; }
  // A connection that has not begun; the caller's.
  SSL* make() const;

 private:
  struct Free {
    void operator()(SSL_CTX* context) const;
  };
  const std::unique_ptr<SSL_CTX, Free> context_;
  const bool server_;
};

using TlsContextPtr = std::shared_ptr<const TlsContext>;

}  // namespace hearth::http
