#include "http/client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "http/loopback_test_support.h"
#include "http/response_reader.h"

namespace hearth::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string endpoint(std::uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); }

// Answers each connection in turn with fixed bytes after the first bytes of a request, then closes.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.get(), 8);
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answers = std::move(answers)] {
      for (const std::string& answer : answers) {
        const base::UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
        char buffer[4096];
        if (::recv(connection.get(), buffer, sizeof buffer, 0) > 0) {
          ::send(connection.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        }
        ::shutdown(connection.get(), SHUT_WR);
        while (::recv(connection.get(), buffer, sizeof buffer, 0) > 0) {
        }
      }
    });
  }
  ~ScriptedServer() { thread_.join(); }
  std::uint16_t port() const { return port_; }

 private:
  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

base::Result<ClientResponse> ask(std::string answer, Method method = Method::kGet) {
  ScriptedServer server({std::move(answer)});
  Client client(endpoint(server.port()), seconds(10));
  return client.request(method, "/");
}

TEST(Client, AsksOverOneConnection) {
  FunctionHandler handler;
  std::atomic<int> connections = 0;
  LoopbackServer server(handler);
  Client client(endpoint(server.port()), seconds(10));
  for (int i = 0; i < 3; ++i) {
    const auto response = client.request(Method::kPost, "/a", "body");
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "POST /a body");
    EXPECT_EQ(response->header("content-type"), "text/plain");
  }
  EXPECT_EQ(client.request(Method::kHead, "/a")->body, "");
  EXPECT_EQ(client.request(Method::kDelete, "/a")->body, "DELETE /a ");
  EXPECT_EQ(server.connection_count(), 1U);
  EXPECT_EQ(connections, 0);
}

TEST(Client, SendsItsHeadersAndPrefix) {
  FunctionHandler handler;
  handler.on_handle = [](Request request, Responder responder) {
    std::string text = request.head.target;
    for (const char* name : {"Host", "Authorization", "Content-Type", "Content-Length"}) {
      text.append("|").append(request.head.header(name).value_or("-"));
    }
    responder.send(text_response(200, text));
  };
  LoopbackServer server(handler);
  Client client(endpoint(server.port()) + "/prefix/", seconds(10));
  client.set_header({"Authorization", "Bearer old"});
  client.set_header({"authorization", "Bearer new"});
  const std::string host = "127.0.0.1:" + std::to_string(server.port());
  EXPECT_EQ(client.request(Method::kPost, "/x", "{}")->body,
            "/prefix/x|" + host + "|Bearer new|application/json|2");
  EXPECT_EQ(client.request(Method::kGet, "/x")->body, "/prefix/x|" + host + "|Bearer new|-|-");
  EXPECT_EQ(client.request(Method::kPost, "/x")->body,
            "/prefix/x|" + host + "|Bearer new|application/json|0");
}

TEST(Client, SendsTheHeadersOfOneRequestOnce) {
  FunctionHandler handler;
  handler.on_handle = [](Request request, Responder responder) {
    responder.send(text_response(200, std::string(request.head.header("X-Once").value_or("-"))));
  };
  LoopbackServer server(handler);
  Client client(endpoint(server.port()), seconds(10));
  EXPECT_EQ(client.request(Method::kPost, "/", "{}", "application/json", {{"X-Once", "a"}})->body, "a");
  EXPECT_EQ(client.request(Method::kPost, "/", "{}")->body, "-");
  EXPECT_EQ(client.request(Method::kPost, "/", "{}", "application/json", {{"X-Once", "a\nb"}}).error().code,
            base::ErrorCode::kInvalidArgument);
}

TEST(Client, SaysWhatToDoWhenNothingListens) {
  std::uint16_t port = 0;
  {
    FunctionHandler handler;
    port = LoopbackServer(handler).port();
  }
  Client client(endpoint(port), seconds(10));
  const auto response = client.request(Method::kGet, "/");
  EXPECT_EQ(response.error().code, base::ErrorCode::kIo);
  EXPECT_EQ(response.error().message, "nothing listens at " + endpoint(port) +
                                          ": start it with `hearth serve`, or set HEARTH_ENDPOINT");
}

TEST(Client, RefusesWhatItMustNotSend) {
  Client malformed("localhost:80", seconds(1));
  EXPECT_EQ(malformed.request(Method::kGet, "/").error().code, base::ErrorCode::kInvalidArgument);
  Client secure("https://localhost:80", seconds(1));
  EXPECT_EQ(secure.request(Method::kGet, "/").error().code, base::ErrorCode::kUnsupported);
  Client client("http://127.0.0.1:1", seconds(1));
  for (const char* target : {"", "x", "/a b", "/a\r\nX: y"}) {
    EXPECT_EQ(client.request(Method::kGet, target).error().code, base::ErrorCode::kInvalidArgument) << target;
  }
  EXPECT_EQ(client.request(Method::kPost, "/", "x", "a\r\nB: c").error().code,
            base::ErrorCode::kInvalidArgument);
  client.set_header({"X", "y\r\nZ: z"});
  EXPECT_EQ(client.request(Method::kGet, "/").error().code, base::ErrorCode::kInvalidArgument);
}

TEST(Client, GivesUpWhenNoAnswerComes) {
  FunctionHandler handler;
  std::vector<Responder> kept;
  handler.on_handle = [&](Request, Responder responder) { kept.push_back(std::move(responder)); };
  LoopbackServer server(handler);
  Client client(endpoint(server.port()), milliseconds(100));
  const auto response = client.request(Method::kGet, "/");
  EXPECT_EQ(response.error().code, base::ErrorCode::kTimeout);
  EXPECT_EQ(response.error().message, "no answer from " + endpoint(server.port()) + " within 100 ms");
  server.on_loop([&] { kept.clear(); });
}

TEST(Client, ReplacesAKeptConnectionThatWasClosed) {
  FunctionHandler handler;
  ServerLimits limits;
  limits.idle_timeout = milliseconds(50);
  LoopbackServer server(handler, limits);
  Client client(endpoint(server.port()), seconds(10));
  EXPECT_TRUE(client.request(Method::kPost, "/").ok());
  EXPECT_TRUE(server.wait_for_connections(0));
  EXPECT_TRUE(client.request(Method::kPost, "/").ok());
}

TEST(Client, RepeatsNothingOnceBytesHaveLeft) {
  FunctionHandler handler;
  std::atomic<int> handled = 0;
  LoopbackServer server(handler);
  handler.on_handle = [&](Request, Responder responder) {
    if (++handled == 1) {
      responder.send(text_response(200, "first"));
      return;
    }
    server.server().stop();  // closes without an answer
  };
  Client client(endpoint(server.port()), seconds(10));
  EXPECT_TRUE(client.request(Method::kGet, "/").ok());
  const auto second = client.request(Method::kGet, "/");
  EXPECT_EQ(second.error().code, base::ErrorCode::kIo);
  EXPECT_NE(second.error().message.find("closed before the answer"), std::string::npos)
      << second.error().message;
  EXPECT_EQ(handled, 2);
}

TEST(Client, UploadsInPieces) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead&) { return Buffer{64 * 1024 * 1024}; };
  handler.on_handle = [](Request request, Responder responder) {
    responder.send(text_response(200, std::to_string(request.body.size())));
  };
  LoopbackServer server(handler);
  Client client(endpoint(server.port()), seconds(10));
  BodySource source;
  source.bytes = 20'000'000;
  source.read = [](char* buffer, std::size_t size) -> base::Result<std::size_t> {
    std::fill_n(buffer, size, 'u');
    return size;
  };
  std::uint64_t progress = 0;
  source.progress = [&](std::uint64_t sent) {
    EXPECT_GT(sent, progress);
    progress = sent;
  };
  EXPECT_EQ(client.upload(Method::kPut, "/", source, "application/zip")->body, "20000000");
  EXPECT_EQ(progress, source.bytes);
  source.read = [](char*, std::size_t) -> base::Result<std::size_t> { return std::size_t{0}; };
  EXPECT_EQ(client.upload(Method::kPut, "/", source, "application/zip").error().code, base::ErrorCode::kIo);
}

TEST(Client, ReadsARefusalThatComesBeforeTheBodyIsSent) {
  FunctionHandler handler;
  handler.on_plan = [](const RequestHead&) { return Buffer{1024}; };
  LoopbackServer server(handler);
  Client client(endpoint(server.port()), seconds(10));
  for (int i = 0; i < 2; ++i) {
    const auto response = client.request(Method::kPost, "/", std::string(30'000'000, 'x'));
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(response->status, 413);
  }
}

TEST(Client, ReadsEveryKindOfBody) {
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")->body,
            "abcd");
  EXPECT_EQ(ask("HTTP/1.0 200 OK\r\n\r\nto the end")->body, "to the end");
  EXPECT_EQ(ask("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")->status, 204);
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", Method::kHead)->status, 200);
}

TEST(Client, RefusesAnswersThatAreNone) {
  EXPECT_EQ(ask("SSH-2.0-OpenSSH\r\n\r\n").error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(ask("").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\nA: b").error().code, base::ErrorCode::kIo);
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").error().code,
            base::ErrorCode::kTooLarge);
}

TEST(ResponseReader, GivesTheSameForEverySplit) {
  const std::string answer =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (std::size_t split = 0; split <= answer.size(); ++split) {
    ResponseReader reader(false);
    const auto first = reader.feed(std::string_view(answer).substr(0, split));
    ASSERT_TRUE(first.ok()) << split;
    const auto second = reader.feed(std::string_view(answer).substr(*first));
    ASSERT_TRUE(second.ok()) << split;
    ASSERT_TRUE(reader.done()) << split;
    const ClientResponse response = reader.take();
    EXPECT_EQ(response.body, "abc");
    EXPECT_EQ(response.header("A"), "b");
  }
}

}  // namespace
}  // namespace hearth::http::test
