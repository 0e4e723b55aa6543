#include "webhook/notice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::webhook {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Not;
using testing::StartsWith;

Notice notice() {
  Notice made;
  made.execution_id = "0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f";
  made.state = "done";
  made.delivery_id = "0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e90";
  made.attempt = 3;
  made.unix_s = 1'769'860'800;
  made.url = "https://hooks.example/x?token=1";
  made.secret = "a secret";
  made.body = std::make_shared<const std::string>(R"({"state":"done"})");
  return made;
}

TEST(Notice, IsAMessageThatSaysWhatItTellsOf) {
  const Message message = to_message(notice());
  EXPECT_EQ(message.url, "https://hooks.example/x?token=1");
  EXPECT_EQ(*message.body, R"({"state":"done"})");
  EXPECT_THAT(message.headers,
              testing::ElementsAre(
                  "Content-Type: application/json", "X-Hearth-Event: execution.done",
                  "X-Hearth-Execution-Id: 0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e8f",
                  "X-Hearth-Delivery-Id: 0197c5a2-6f1e-7c33-9d5e-3b1f6c2d4e90", "X-Hearth-Attempt: 3",
                  "X-Hearth-Timestamp: 1769860800",
                  // printf '%s' '1769860800.{"state":"done"}' | openssl dgst -sha256 -hmac 'a secret'
                  "X-Hearth-Signature: "
                  "sha256=b9798d0e4f129be071b4ced2671e7a1cb50db43e078f1879fc7160291a4b5d02"));
}

TEST(Notice, WithoutASecretItIsNotSigned) {
  Notice unsigned_one = notice();
  unsigned_one.secret.clear();
  EXPECT_THAT(to_message(unsigned_one).headers, Each(Not(StartsWith("X-Hearth-Signature"))));
}

TEST(Notice, ItsSignatureIsOfTheMomentAndOfEachByte) {
  const std::string signed_one = signature("s", 1, "body");
  EXPECT_EQ(signature("s", 1, "body"), signed_one);
  EXPECT_NE(signature("t", 1, "body"), signed_one);
  EXPECT_NE(signature("s", 2, "body"), signed_one);
  EXPECT_NE(signature("s", 1, std::string_view("body\0", 5)), signed_one);
}

}  // namespace
}  // namespace hearth::webhook
