#include "http/message.h"

#include <gtest/gtest.h>

#include "http/api_key.h"
#include "http/endpoint.h"

namespace hearth::http {
namespace {

TEST(PercentDecode, DecodesOrRefuses) {
  EXPECT_EQ(percent_decode("a%2Fb%c3%A4+"), "a/b\xc3\xa4+");
  EXPECT_EQ(percent_decode(""), "");
  for (const char* malformed : {"%", "%2", "a%2", "%zz", "%2g", "%00", "%%20"}) {
    EXPECT_EQ(percent_decode(malformed), std::nullopt) << malformed;
  }
}

TEST(RequestHead, DividesItsTarget) {
  RequestHead head;
  head.target = "/a?b?c";
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "b?c");
  head.target = "/a";
  EXPECT_EQ(head.path(), "/a");
  EXPECT_EQ(head.query(), "");
}

TEST(ApiKey, IsCarriedInEitherHeader) {
  const auto carries = [](std::string name, std::string value) {
    RequestHead head;
    head.headers = {{std::move(name), std::move(value)}};
    return carries_key(head, "secret");
  };
  EXPECT_TRUE(carries("authorization", "Bearer secret"));
  EXPECT_TRUE(carries("X-Api-Key", "secret"));
  EXPECT_FALSE(carries("Authorization", "Bearer secret2"));
  EXPECT_FALSE(carries("Authorization", "Bearer secreT"));
  EXPECT_FALSE(carries("Authorization", "secret"));
  EXPECT_FALSE(carries("X-Api-Key", ""));
  EXPECT_FALSE(carries_key({}, "secret"));
  EXPECT_TRUE(carries_key({}, "")) << "no key is asked for";
}

TEST(Endpoint, SplitsHostAndPort) {
  EXPECT_EQ(split_host_port("127.0.0.1:80"), (HostPort{"127.0.0.1", 80}));
  EXPECT_EQ(split_host_port("[::1]:0"), (HostPort{"::1", 0}));
  for (const char* malformed :
       {"", ":80", "host", "host:", "host:x", "host:65536", "host:-1", "::1:80", "[::1]", "[]:80"}) {
    EXPECT_EQ(split_host_port(malformed), std::nullopt) << malformed;
  }
}

TEST(Endpoint, ParsesUrls) {
  const auto plain = parse_endpoint("http://127.0.0.1:8080");
  ASSERT_TRUE(plain.ok());
  EXPECT_EQ(*plain, (Endpoint{{"127.0.0.1", 8080}, "127.0.0.1:8080", ""}));
  EXPECT_EQ(parse_endpoint("http://[::1]:1/a/b/").value(), (Endpoint{{"::1", 1}, "[::1]:1", "/a/b"}));
  EXPECT_EQ(parse_endpoint("http://[::1]").value(), (Endpoint{{"::1", 80}, "[::1]", ""}));
  EXPECT_EQ(parse_endpoint("HTTP://host/").value(), (Endpoint{{"host", 80}, "host", ""}));
  EXPECT_EQ(parse_endpoint("https://host").error().code, base::ErrorCode::kUnsupported);
  EXPECT_EQ(parse_link_endpoint("http://host:1").value(), (Endpoint{{"host", 1}, "host:1", "", false}));
  EXPECT_EQ(parse_link_endpoint("https://host:1").value(), (Endpoint{{"host", 1}, "host:1", "", true}));
  EXPECT_EQ(parse_link_endpoint("HTTPS://[::1]/").value(), (Endpoint{{"::1", 443}, "[::1]", "", true}));
  EXPECT_EQ(parse_link_endpoint("ftps://host").error().code, base::ErrorCode::kInvalidArgument);
  for (const char* malformed : {"", "host:80", "http://", "http://:80", "http://h:0", "http://h:x",
                                "http://a@b:1", "http://h:1/a?b", "http://h:1/a b", "ftp://h:1"}) {
    EXPECT_EQ(parse_endpoint(malformed).error().code, base::ErrorCode::kInvalidArgument) << malformed;
  }
}

}  // namespace
}  // namespace hearth::http
