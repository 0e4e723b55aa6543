#include "gateway/upload.h"

#include <gtest/gtest.h>

#include <boost/json/object.hpp>
#include <string>

#include "base/base64.h"

namespace hearth::gateway {
namespace {

// Keeps what is written in a string that the test can see.
class MemoryCode final : public store::CodeStore {
 public:
  class Writer final : public store::CodeWriter {
   public:
    Writer(MemoryCode& owner, std::uint64_t limit) : owner_(owner), limit_(limit) {}
    base::Result<void> append(std::string_view bytes) override {
      if (owner_.bytes.size() + bytes.size() > limit_) {
        return base::Error{base::ErrorCode::kTooLarge, "too large"};
      }
      owner_.bytes += bytes;
      return {};
    }
    base::Result<base::UniqueFd> reopen() override { return base::UniqueFd{}; }
    base::Result<store::StoredCode> commit() override { return store::StoredCode{}; }

   private:
    MemoryCode& owner_;
    std::uint64_t limit_;
  };

  base::Result<std::unique_ptr<store::CodeWriter>> begin(std::uint64_t limit) override {
    return std::unique_ptr<store::CodeWriter>(std::make_unique<Writer>(*this, limit));
  }
  base::Result<base::UniqueFd> open(std::string_view) override { return base::UniqueFd{}; }
  base::Result<void> remove(std::string_view) override { return {}; }
  std::string uri(std::string_view) const override { return {}; }

  std::string bytes;
};

base::Result<void> feed(Upload& upload, std::string_view body, std::size_t piece) {
  for (std::size_t i = 0; i < body.size(); i += piece) {
    if (auto appended = upload.append(body.substr(i, piece)); !appended) {
      return appended;
    }
  }
  return upload.finish();
}

std::string json_with(std::string_view zip) {
  return R"({"memorySize": 256, "nested": {"zipFile": "kept"}, "zipFile": ")" + base::base64_encode(zip) +
         R"(", "name": "x"} )";
}

TEST(Upload, DecodesTheZipOutOfTheJsonInPiecesOfAnySize) {
  std::string zip;
  for (int i = 0; i < 1'000; ++i) {
    zip += static_cast<char>(i * 31);
  }
  for (const std::size_t piece : {1U, 7U, 64U, 100'000U}) {
    MemoryCode code;
    Upload upload(UploadFormat::kJson, 1U << 20U, code);
    ASSERT_TRUE(feed(upload, json_with(zip), piece));
    EXPECT_EQ(code.bytes, zip);
    EXPECT_EQ(upload.settings().at("memorySize"), 256);
    EXPECT_EQ(upload.settings().at("name"), "x");
    EXPECT_EQ(upload.settings().at("nested").at("zipFile"), "kept");
    EXPECT_FALSE(upload.settings().contains("zipFile"));
    EXPECT_NE(upload.writer(), nullptr);
  }
}

TEST(Upload, TakesAZipAsItIs) {
  MemoryCode code;
  Upload upload(UploadFormat::kZip, 1U << 20U, code);
  ASSERT_TRUE(feed(upload, "PK\x03\x04 bytes", 3));
  EXPECT_EQ(code.bytes, "PK\x03\x04 bytes");
  EXPECT_TRUE(upload.settings().empty());
}

TEST(Upload, AnObjectWithoutAZipHasNoWriter) {
  MemoryCode code;
  Upload upload(UploadFormat::kJson, 1U << 20U, code);
  ASSERT_TRUE(feed(upload, R"({"memorySize":128})", 4));
  EXPECT_EQ(upload.writer(), nullptr);
}

TEST(Upload, TellsWhatIsNotJsonFromWhatIsNotAllowed) {
  const std::pair<const char*, bool> cases[] = {
      {"", true},
      {"{", true},
      {R"({"zipFile": "aGVsbG8=")", true},
      {R"({"a":1} x)", true},
      {"{} {}", true},
      {"[1]", false},
      {"7", false},
      {R"({"zipFile": 7})", false},
      {R"({"zipFile": "aGV!"})", false},
      {R"({"zipFile": "aGVsb"})", false},
  };
  for (const auto& [body, json_error] : cases) {
    MemoryCode code;
    Upload upload(UploadFormat::kJson, 1U << 20U, code);
    EXPECT_FALSE(feed(upload, body, 5)) << body;
    EXPECT_EQ(upload.is_json_error(), json_error) << body << ": " << upload.status().error().message;
  }
}

TEST(Upload, BoundsTheZipAndWhatStandsBesideIt) {
  MemoryCode code;
  Upload zip(UploadFormat::kJson, 100, code);
  EXPECT_EQ(feed(zip, json_with(std::string(200, 'z')), 50).error().code, base::ErrorCode::kTooLarge);
  Upload settings(UploadFormat::kJson, 100, code);
  const std::string large = R"({"environment":{"A":")" + std::string(100'000, 'x') + "\"}}";
  EXPECT_EQ(feed(settings, large, 4'096).error().code, base::ErrorCode::kTooLarge);
}

}  // namespace
}  // namespace hearth::gateway
