#include "http/client.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "http/client_socket.h"
#include "http/endpoint.h"
#include "http/response_reader.h"
#include "http/text.h"

namespace hearth::http {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

base::Error invalid(std::string message) { return {base::ErrorCode::kInvalidArgument, std::move(message)}; }

base::Result<void> append(std::string& text, const std::vector<Header>& headers) {
  for (const Header& header : headers) {
    if (!is_token(header.name) || has_control(header.value)) {
      return invalid("the header \"" + header.name + "\" holds a character that it may not");
    }
    text.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  return {};
}

}  // namespace

std::optional<std::string_view> ClientResponse::header(std::string_view name) const {
  return find_header(headers, name);
}

class Client::Impl {
 public:
  Impl(std::string endpoint, std::chrono::milliseconds timeout)
      : name_(std::move(endpoint)), endpoint_(parse_endpoint(name_)), timeout_(timeout) {}

  void set_header(Header header);
  base::Result<ClientResponse> exchange(Method method, std::string_view target, BodySource& source,
                                        std::string_view content_type,
                                        const std::vector<Header>& headers = {});

 private:
  using Sent = ClientSocket::Sent;

  base::Result<std::string> head(Method method, std::string_view target, std::uint64_t body_bytes,
                                 std::string_view content_type, const std::vector<Header>& headers) const;
  base::Result<void> connect();
  base::Result<void> send(std::string_view head, BodySource& source);
  base::Result<Sent> send_head(std::string_view head);
  base::Result<Sent> send_body(BodySource& source);
  base::Result<ClientResponse> receive(bool head_only);
  base::Result<void> receive_into(ResponseReader& reader);
  ClientSocket::TimePoint deadline() const { return std::chrono::steady_clock::now() + timeout_; }
  base::Error explain(base::Error error) const;

  const std::string name_;
  const base::Result<Endpoint> endpoint_;
  const std::chrono::milliseconds timeout_;
  std::vector<Header> headers_;
  ClientSocket socket_;
  bool reusable_ = false;  // the last exchange left the connection at a message's end
};

void Client::Impl::set_header(Header header) {
  std::erase_if(headers_, [&](const Header& each) { return equal_ignoring_case(each.name, header.name); });
  headers_.push_back(std::move(header));
}

base::Result<ClientResponse> Client::Impl::exchange(Method method, std::string_view target,
                                                    BodySource& source, std::string_view content_type,
                                                    const std::vector<Header>& headers) {
  if (!endpoint_) {
    return endpoint_.error();
  }
  const auto text = head(method, target, source.bytes, content_type, headers);
  if (!text) {
    return text.error();
  }
  auto sent = send(*text, source);
  auto response = sent ? receive(method == Method::kHead) : base::Result<ClientResponse>(sent.error());
  if (!response || !reusable_) {
    reusable_ = false;
    socket_.close();
  }
  return response ? std::move(response) : explain(response.error());
}

base::Result<std::string> Client::Impl::head(Method method, std::string_view target, std::uint64_t body_bytes,
                                             std::string_view content_type,
                                             const std::vector<Header>& headers) const {
  if (!target.starts_with('/') || !std::all_of(target.begin(), target.end(), is_visible)) {
    return invalid("\"" + std::string(target) +
                   "\" is no request target: it must begin with a slash and be percent-encoded");
  }
  std::string text(to_string(method));
  text.append(" ").append(endpoint_->prefix).append(target).append(" HTTP/1.1\r\nHost: ");
  text.append(endpoint_->authority).append("\r\n");
  for (const auto* each : {&headers_, &headers}) {
    if (const auto appended = append(text, *each); !appended) {
      return appended.error();
    }
  }
  const bool may_have_none = method == Method::kGet || method == Method::kHead || method == Method::kDelete;
  if (body_bytes > 0 || !may_have_none) {
    if (has_control(content_type)) {
      return invalid("the content type holds a character that it may not");
    }
    text.append("Content-Type: ").append(content_type);
    text.append("\r\nContent-Length: ").append(std::to_string(body_bytes)).append("\r\n");
  }
  return text.append("\r\n");
}

base::Result<void> Client::Impl::connect() {
  bool nothing_listens = false;
  auto connected = socket_.connect(endpoint_->address, deadline(), nothing_listens);
  if (!connected && nothing_listens) {
    return base::Error{base::ErrorCode::kIo, "nothing listens at " + name_ +
                                                 ": start it with `hearth serve`, or set HEARTH_ENDPOINT"};
  }
  return connected;
}

base::Result<void> Client::Impl::send(std::string_view text, BodySource& source) {
  const auto began = send_head(text);
  if (!began) {
    return began.error();
  }
  const auto sent = *began == Sent::kAll ? send_body(source) : began;
  if (!sent) {
    return sent.error();
  }
  reusable_ = *sent == Sent::kAll;
  return {};
}

// A kept connection may have been closed meanwhile: it is replaced, once, while nothing of the request
// has left. With the first byte gone the server may have acted on it, and nothing is repeated.
base::Result<ClientSocket::Sent> Client::Impl::send_head(std::string_view text) {
  const bool kept = socket_.open() && !socket_.readable();
  std::size_t sent = 0;
  if (kept) {
    auto result = socket_.send(text, deadline(), sent);
    if (!result || *result == Sent::kAll || sent > 0) {
      return result;
    }
  }
  if (const auto connected = connect(); !connected) {
    return connected.error();
  }
  return socket_.send(text, deadline(), sent);
}

base::Result<ClientSocket::Sent> Client::Impl::send_body(BodySource& source) {
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(source.bytes, kPieceBytes)), '\0');
  for (std::uint64_t total = 0; total < source.bytes;) {
    if (total > 0 && socket_.readable()) {
      return Sent::kAnswered;
    }
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(source.bytes - total, piece.size()));
    const auto got = source.read(piece.data(), wanted);
    if (!got) {
      return got.error();
    }
    if (*got == 0) {
      return base::Error{base::ErrorCode::kIo, "the body to send ended after " + std::to_string(total) +
                                                   " of " + std::to_string(source.bytes) + " bytes"};
    }
    std::size_t sent = 0;
    auto result = socket_.send(std::string_view(piece).substr(0, *got), deadline(), sent);
    if (!result || *result != Sent::kAll) {
      return result;
    }
    total += sent;
    if (source.progress) {
      source.progress(total);
    }
  }
  return Sent::kAll;
}

base::Result<ClientResponse> Client::Impl::receive(bool head_only) {
  ResponseReader reader(head_only);
  if (const auto received = receive_into(reader); !received) {
    return received.error();
  }
  reusable_ = reusable_ && reader.keep_alive();
  return reader.take();
}

base::Result<void> Client::Impl::receive_into(ResponseReader& reader) {
  const auto until = deadline();
  std::string pending;
  std::string buffer(kPieceBytes, '\0');
  while (!reader.done()) {
    const auto got = socket_.receive(buffer.data(), buffer.size(), until);
    if (!got) {
      return got.error();
    }
    if (*got == 0) {
      reusable_ = false;
      return reader.end();
    }
    pending.append(buffer, 0, *got);
    const auto used = reader.feed(pending);
    if (!used) {
      return used.error();
    }
    pending.erase(0, *used);
  }
  reusable_ = reusable_ && pending.empty();
  return {};
}

base::Error Client::Impl::explain(base::Error error) const {
  if (error.code == base::ErrorCode::kTimeout) {
    error.message = "no answer from " + name_ + " within " + std::to_string(timeout_.count()) + " ms";
  }
  if (error.message.find(name_) == std::string::npos) {
    error.message = name_ + ": " + error.message;
  }
  return error;
}

Client::Client(std::string endpoint, std::chrono::milliseconds timeout)
    : impl_(std::make_unique<Impl>(std::move(endpoint), timeout)) {}
Client::~Client() = default;

void Client::set_header(Header header) { impl_->set_header(std::move(header)); }

base::Result<ClientResponse> Client::request(Method method, std::string_view target, std::string_view body,
                                             std::string_view content_type,
                                             const std::vector<Header>& headers) {
  BodySource source;
  source.bytes = body.size();
  source.read = [rest = body](char* buffer, std::size_t size) mutable -> base::Result<std::size_t> {
    const std::size_t taken = rest.copy(buffer, size);
    rest.remove_prefix(taken);
    return taken;
  };
  return impl_->exchange(method, target, source, content_type, headers);
}

base::Result<ClientResponse> Client::upload(Method method, std::string_view target, BodySource& source,
                                            std::string_view content_type) {
  return impl_->exchange(method, target, source, content_type);
}

}  // namespace hearth::http
