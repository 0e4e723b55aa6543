#include "cli/http_api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "http/loopback_test_support.h"

namespace hearth::cli {
namespace {

class HttpApiTest : public testing::Test {
 protected:
  HttpApiTest() : server_(handler_) {
    handler_.on_handle = [](http::Request request, http::Responder responder) {
      const auto key = request.head.header("Authorization").value_or("none");
      auto response = http::test::text_response(200, std::string(http::to_string(request.head.method)) + " " +
                                                         request.head.target + " " + std::string(key) + " " +
                                                         request.body);
      response.headers = {{"X-Hearth-Request-Id", "r1"}, {"Retry-After", "3"}};
      responder.send(std::move(response));
    };
  }
  Connection connection(std::string key) const {
    return {"http://127.0.0.1:" + std::to_string(server_.port()), std::move(key), std::chrono::seconds(10)};
  }

  http::test::FunctionHandler handler_;
  http::test::LoopbackServer server_;
};

TEST_F(HttpApiTest, CarriesKeyPathAndBodyThere) {
  HttpApi api(connection("secret"));
  const auto reply = api.send({http::Method::kPost, "/functions/f/invoke", "{}"});
  ASSERT_TRUE(reply);
  EXPECT_EQ(*reply, (Reply{200, "POST /functions/f/invoke Bearer secret {}", "r1", "3"}));
}

TEST_F(HttpApiTest, CarriesTheHeadersOfARequest) {
  HttpApi api(connection(""));
  const auto reply = api.send({http::Method::kGet, "/x", "", {{"Authorization", "mine"}}});
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "GET /x mine ");
}

TEST_F(HttpApiTest, UploadsInPiecesAndSendsNoKeyWhenThereIsNone) {
  HttpApi api(connection(""));
  std::string left = "abcdef";
  http::BodySource source;
  source.bytes = left.size();
  source.read = [&](char* buffer, std::size_t size) -> base::Result<std::size_t> {
    const std::size_t count = std::min<std::size_t>({size, left.size(), 4});
    std::memcpy(buffer, left.data(), count);
    left.erase(0, count);
    return count;
  };
  const auto reply = api.upload(http::Method::kPut, "/functions/f/code", source);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->body, "PUT /functions/f/code none abcdef");
}

TEST(HttpApi, NobodyThereIsAnIoErrorThatNamesTheEndpoint) {
  HttpApi api({"http://127.0.0.1:1", "", std::chrono::seconds(1)});
  const auto reply = api.send({http::Method::kGet, "/health", ""});
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, base::ErrorCode::kIo);
  EXPECT_NE(reply.error().message.find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace hearth::cli
