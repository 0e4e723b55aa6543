#include "http/endpoint.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "http/text.h"

namespace hearth::http {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";

bool begins(std::string_view text, std::string_view scheme) {
  return equal_ignoring_case(text.substr(0, scheme.size()), scheme);
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  return error == std::errc() && stopped == end && !text.empty() ? std::optional(port) : std::nullopt;
}

base::Error malformed(std::string_view text) {
  return {base::ErrorCode::kInvalidArgument,
          "\"" + std::string(text) +
              "\" is no endpoint: use http://HOST:PORT, for example http://127.0.0.1:8080"};
}

bool has_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
}

}  // namespace

std::optional<HostPort> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const auto port = parse_port(text.substr(colon + 1));
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  }
  if (!port || host.empty() || (!bracketed && host.find_first_of(":[]") != std::string_view::npos)) {
    return std::nullopt;
  }
  return HostPort{std::string(host), *port};
}

base::Result<Endpoint> parse_endpoint(std::string_view text) {
  if (begins(text, kHttps)) {
    return base::Error{
        base::ErrorCode::kUnsupported,
        "https is not supported yet: use an http:// endpoint, for instance through a local tunnel"};
  }
  return parse_link_endpoint(text);
}

base::Result<Endpoint> parse_link_endpoint(std::string_view text) {
  Endpoint endpoint;
  endpoint.tls = begins(text, kHttps);
  if ((!endpoint.tls && !begins(text, kHttp)) || !std::all_of(text.begin(), text.end(), is_visible)) {
    return malformed(text);
  }
  const std::string_view rest = text.substr(endpoint.tls ? kHttps.size() : kHttp.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  endpoint.authority = rest.substr(0, slash);
  endpoint.prefix = rest.substr(slash);
  while (endpoint.prefix.ends_with('/')) {
    endpoint.prefix.pop_back();
  }
  const auto address =
      split_host_port(has_port(endpoint.authority) ? endpoint.authority
                                                   : endpoint.authority + (endpoint.tls ? ":443" : ":80"));
  if (!address || address->port == 0 || endpoint.authority.find_first_of("@?#") != std::string::npos ||
      endpoint.prefix.find_first_of("?#") != std::string::npos) {
    return malformed(text);
  }
  endpoint.address = *address;
  return endpoint;
}

}  // namespace hearth::http
