// A function's code on its way in: the request's body goes piece by piece, by way of the blocking
// pool, into a code writer; it never stands in memory whole.
//
// As application/json it is the prototype's {"memorySize", "zipFile": base64, …}; as application/zip
// the zip itself. Loop thread, except where a method says otherwise.
#pragma once

#include <boost/json/fwd.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/blocking_pool.h"
#include "base/event_loop.h"
#include "base/result.h"
#include "http/server.h"
#include "store/code_store.h"

namespace hearth::gateway {

enum class UploadFormat { kJson, kZip };

// What has arrived, worked on by one pool thread at a time.
class Upload {
 public:
  Upload(UploadFormat format, std::uint64_t zip_limit_bytes, store::CodeStore& store);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload();

  // Blocking: pool thread. The first error stays: kInvalidArgument (not JSON, not base64), kTooLarge,
  // kIo.
  base::Result<void> append(std::string_view piece);
  base::Result<void> finish();

  // After finish(), pool or loop thread.
  const base::Result<void>& status() const { return status_; }
  bool is_json_error() const;                   // the failure is that the body is not JSON
  const boost::json::object& settings() const;  // all but "zipFile"; empty for a zip
  store::CodeWriter* writer();                  // null when no zip came

 private:
  class JsonReader;

  base::Result<void> append_zip(std::string_view bytes);

  const UploadFormat format_;
  const std::uint64_t zip_limit_bytes_;
  store::CodeStore& store_;
  std::unique_ptr<JsonReader> json_;
  std::unique_ptr<store::CodeWriter> writer_;
  base::Result<void> status_;
};

class UploadSink final : public http::BodySink {
 public:
  UploadSink(std::shared_ptr<Upload> upload, base::BlockingPool& pool, base::EventLoop& loop)
      : upload_(std::move(upload)), pool_(pool), loop_(loop) {}

  void write(std::string_view piece, Done done) override;
  const std::shared_ptr<Upload>& upload() const { return upload_; }

 private:
  std::shared_ptr<Upload> upload_;  // shared with the job that is under way, which may outlive the connection
  base::BlockingPool& pool_;
  base::EventLoop& loop_;
};

}  // namespace hearth::gateway
