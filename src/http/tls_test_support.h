// For tests: what both ends of a TLS connection are made with, made once a program.
#pragma once

#include "http/tls_context.h"

namespace hearth::http::test {

inline TlsContextPtr server_context() {
  static const TlsContextPtr made = *TlsContext::of_server();
  return made;
}
inline TlsContextPtr client_context() {
  static const TlsContextPtr made = *TlsContext::of_client();
  return made;
}

}  // namespace hearth::http::test
