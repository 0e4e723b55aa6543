#include "webhook/curl/tls_server_test_support.h"

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <stdexcept>
#include <string_view>

namespace hearth::webhook::test {
namespace {

constexpr long kCertificateSeconds = 3'600;
constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

void require(bool done) {
  if (!done) {
    throw std::runtime_error("the test's server has no certificate");
  }
}

void use_certificate_for(SSL_CTX* context, const std::string& name) {
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> made(X509_new(), &X509_free);
  const std::unique_ptr<X509_EXTENSION, void (*)(X509_EXTENSION*)> names(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str()), &X509_EXTENSION_free);
  require(key && made && names);
  X509_NAME* const subject = X509_get_subject_name(made.get());
  const auto* const text = reinterpret_cast<const unsigned char*>("a test");
  require(X509_set_version(made.get(), X509_VERSION_3) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1) == 1 &&
          X509_gmtime_adj(X509_getm_notBefore(made.get()), -60) != nullptr &&
          X509_gmtime_adj(X509_getm_notAfter(made.get()), kCertificateSeconds) != nullptr &&
          X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
          X509_set_issuer_name(made.get(), subject) == 1 && X509_set_pubkey(made.get(), key.get()) == 1 &&
          X509_add_ext(made.get(), names.get(), -1) == 1 &&
          X509_sign(made.get(), key.get(), EVP_sha256()) != 0);
  require(SSL_CTX_use_certificate(context, made.get()) == 1 &&
          SSL_CTX_use_PrivateKey(context, key.get()) == 1);
}

void answer(SSL_CTX* context, int socket) {
  const std::unique_ptr<SSL, void (*)(SSL*)> connection(SSL_new(context), &SSL_free);
  SSL_set_fd(connection.get(), socket);
  std::array<char, 4'096> bytes{};
  if (SSL_accept(connection.get()) == 1 && SSL_read(connection.get(), bytes.data(), bytes.size()) > 0) {
    SSL_write(connection.get(), kAnswer.data(), static_cast<int>(kAnswer.size()));
    SSL_shutdown(connection.get());
  }
}

}  // namespace

TlsServer::TlsServer(const std::string& name)
    : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      stop_(::eventfd(0, EFD_CLOEXEC)) {
  std::signal(SIGPIPE, SIG_IGN);  // as in the server: neither end's TLS may write to one that has gone
  use_certificate_for(context_.get(), name);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const bare = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_.get(), bare, size) != 0 || ::listen(listener_.get(), 8) != 0 ||
      ::getsockname(listener_.get(), bare, &size) != 0) {
    throw std::runtime_error("the test's server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { serve(); });
}

TlsServer::~TlsServer() {
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof one);
  thread_.join();
}

std::string TlsServer::pem() const {
  const std::unique_ptr<BIO, int (*)(BIO*)> out(BIO_new(BIO_s_mem()), &BIO_free);
  require(PEM_write_bio_X509(out.get(), SSL_CTX_get0_certificate(context_.get())) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

void TlsServer::serve() {
  for (;;) {
    std::array<pollfd, 2> wanted = {pollfd{listener_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(wanted.data(), wanted.size(), -1) < 0 || wanted[1].revents != 0) {
      return;
    }
    const base::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const timeval patience{10, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    answer(context_.get(), socket.get());
  }
}

}  // namespace hearth::webhook::test
