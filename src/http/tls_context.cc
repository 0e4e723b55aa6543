#include "http/tls_context.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <string>

namespace hearth::http {
namespace {

// Nobody looks at its dates but tools that show it.
constexpr long kCertificateSeconds = 10L * 365 * 24 * 3600;

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* freed) const {
    kFree(freed);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<&X509_free>>;

base::Error refused(const char* what) {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return {base::ErrorCode::kUnsupported,
          std::string("TLS: ") + what + ": " + (reason == nullptr ? "OpenSSL refuses" : reason)};
}

// Signed by itself. Null when OpenSSL refuses.
Certificate make_certificate(EVP_PKEY* key) {
  Certificate made(X509_new());
  X509* const bare = made.get();
  X509_NAME* const name = bare == nullptr ? nullptr : X509_get_subject_name(bare);
  const auto* const text = reinterpret_cast<const unsigned char*>("hearth");
  const bool ok = name != nullptr && X509_set_version(bare, X509_VERSION_3) == 1 &&
                  ASN1_INTEGER_set(X509_get_serialNumber(bare), 1) == 1 &&
                  X509_gmtime_adj(X509_getm_notBefore(bare), 0) != nullptr &&
                  X509_gmtime_adj(X509_getm_notAfter(bare), kCertificateSeconds) != nullptr &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
                  X509_set_issuer_name(bare, name) == 1 && X509_set_pubkey(bare, key) == 1 &&
                  X509_sign(bare, key, EVP_sha256()) != 0;
  return ok ? std::move(made) : nullptr;
}

bool use_new_certificate(SSL_CTX* context) {
  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? make_certificate(key.get()) : nullptr;
  return certificate && SSL_CTX_use_certificate(context, certificate.get()) == 1 &&
         SSL_CTX_use_PrivateKey(context, key.get()) == 1;
}

// Buffers go when a connection is idle: there are many of those.
bool set_up(SSL_CTX* context) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);  // see tls_context.h
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_num_tickets(context, 0) == 1;
}

base::Result<TlsContextPtr> make_context(const SSL_METHOD* method, bool server) {
  ERR_clear_error();
  SSL_CTX* const bare = SSL_CTX_new(method);
  if (bare == nullptr) {
    return refused("no context");
  }
  auto made = std::make_shared<const TlsContext>(bare, server);
  if (!set_up(bare)) {
    return refused("no TLS 1.3");
  }
  if (server && !use_new_certificate(bare)) {
    return refused("no certificate");
  }
  return TlsContextPtr(std::move(made));
}

}  // namespace

void TlsContext::Free::operator()(SSL_CTX* context) const { SSL_CTX_free(context); }

base::Result<TlsContextPtr> TlsContext::of_server() { return make_context(TLS_server_method(), true); }
base::Result<TlsContextPtr> TlsContext::of_client() { return make_context(TLS_client_method(), false); }

SSL* TlsContext::make() const { return SSL_new(context_.get()); }

}  // namespace hearth::http
