#include "http/listener.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "http/endpoint.h"

namespace hearth::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

base::Result<tcp::endpoint> resolve(asio::io_context& context, const std::string& host_port) {
  const auto parsed = split_host_port(host_port);
  if (!parsed) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "\"" + host_port + "\" is no address to listen on: use HOST:PORT or [IPV6]:PORT"};
  }
  error_code error;
  const asio::ip::address address = asio::ip::make_address(parsed->host, error);
  if (!error) {
    return tcp::endpoint(address, parsed->port);
  }
  tcp::resolver resolver(context);
  const auto found =
      resolver.resolve(parsed->host, std::to_string(parsed->port), tcp::resolver::passive, error);
  if (error || found.empty()) {
    return base::Error{base::ErrorCode::kInvalidArgument,
                       "the host of \"" + host_port + "\" is not known: use an address"};
  }
  return found.begin()->endpoint();
}

base::Error listen_error(const std::string& host_port, const error_code& error) {
  const std::string advice = error == asio::error::address_in_use ? ": another server has the port" : "";
  return {base::ErrorCode::kIo, fmt::format("cannot listen on {}: {}{}", host_port, error.message(), advice)};
}

}  // namespace

base::Result<base::UniqueFd> open_listener(const std::string& host_port) {
  asio::io_context context;
  const auto endpoint = resolve(context, host_port);
  if (!endpoint) {
    return endpoint.error();
  }
  error_code error;
  tcp::acceptor acceptor(context);
  acceptor.open(endpoint->protocol(), error);
  if (!error) {
    acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  }
  if (!error) {
    acceptor.bind(*endpoint, error);
  }
  if (!error) {
    acceptor.listen(asio::socket_base::max_listen_connections, error);
  }
  if (error) {
    return listen_error(host_port, error);
  }
  base::UniqueFd socket(acceptor.release(error));
  return error ? base::Result<base::UniqueFd>(listen_error(host_port, error)) : std::move(socket);
}

}  // namespace hearth::http
