#include "webhook/curl/curl_webhooks.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <system_error>
#include <utility>

#include "base/bring_back.h"
#include "base/log.h"

namespace hearth::webhook {
namespace {

using base::Error;
using base::ErrorCode;

constexpr int kLongestSleepMs = 60'000;  // it is woken before when there is something to do

// What is behind the '?' may be a token, and is for nobody's log.
std::string without_query(std::string text, std::string_view url) {
  const std::size_t begin = url.find('?');
  const std::string_view query = begin == std::string_view::npos ? "" : url.substr(begin);
  for (std::size_t at = query.size() > 1 ? text.find(query) : std::string::npos; at != std::string::npos;
       at = text.find(query)) {
    text.erase(at, query.size());
  }
  return text;
}

}  // namespace

struct CurlWebhooks::Transfer {
  Transfer() = default;
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }

  bool prepare(const CurlOptions& options);
  // Once it has ended so.
  base::Result<int> result(CURLcode code) const;
  // Of a function of libcurl's: how much was taken; another number ends the transfer.
  static std::size_t read_away(char* bytes, std::size_t size, std::size_t count, void* transfer);

  Message message;
  Done done;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  std::size_t read_bytes = 0;
  std::array<char, CURL_ERROR_SIZE> words{};
};

std::size_t CurlWebhooks::Transfer::read_away(char* /*bytes*/, std::size_t size, std::size_t count,
                                              void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  self.read_bytes += size * count;
  return self.read_bytes <= kAnswerBytes ? size * count : CURL_WRITEFUNC_ERROR;
}

bool CurlWebhooks::Transfer::prepare(const CurlOptions& options) {
  easy = curl_easy_init();
  bool fine = easy != nullptr;
  const auto set = [this, &fine](CURLoption option, auto value) {
    fine = fine && curl_easy_setopt(easy, option, value) == CURLE_OK;
  };
  // "Expect:" with nothing: a large body is not held back until the server says that it wants it.
  for (const std::string& header : message.headers) {
    curl_slist* const longer = curl_slist_append(headers, header.c_str());
    fine = fine && longer != nullptr;
    headers = longer != nullptr ? longer : headers;
  }
  curl_slist* const longer = curl_slist_append(headers, "Expect:");
  fine = fine && longer != nullptr;
  headers = longer != nullptr ? longer : headers;
  set(CURLOPT_ERRORBUFFER, words.data());
  set(CURLOPT_URL, message.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options.ca_file.empty()) {
    set(CURLOPT_CAINFO, options.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));
  }
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.timeout.count()));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_USERAGENT, "hearth/" HEARTH_VERSION);
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_POST, 1L);
  set(CURLOPT_POSTFIELDS, message.body->data());
  set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(message.body->size()));
  set(CURLOPT_WRITEFUNCTION, &Transfer::read_away);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::read_away);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  return fine;
}

base::Result<int> CurlWebhooks::Transfer::result(CURLcode code) const {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  // An answer that is longer than is read is one too.
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && read_bytes > kAnswerBytes && status != 0)) {
    return static_cast<int>(status);
  }
  const std::string said = words[0] != '\0' ? words.data() : curl_easy_strerror(code);
  return Error{code == CURLE_OPERATION_TIMEDOUT ? ErrorCode::kTimeout : ErrorCode::kUnavailable,
               without_query(said, message.url)};
}

base::Result<std::unique_ptr<CurlWebhooks>> CurlWebhooks::start(CurlOptions options, base::EventLoop& home) {
  // Counted by libcurl, and from 7.84 on safe beside other threads; undone by the destructor.
  if (const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT); code != CURLE_OK) {
    return Error{ErrorCode::kInternal, fmt::format("libcurl: {}", curl_easy_strerror(code))};
  }
  CURLM* const multi = curl_multi_init();
  if (multi == nullptr) {
    curl_global_cleanup();
    return Error{ErrorCode::kInternal, "libcurl has no memory"};
  }
  std::unique_ptr<CurlWebhooks> made(new CurlWebhooks(std::move(options), home, multi));
  try {
    made->thread_ = std::thread([self = made.get()] { self->run(); });
  } catch (const std::system_error& error) {
    return Error{ErrorCode::kInternal, fmt::format("no thread for webhooks: {}", error.what())};
  }
  return made;
}

CurlWebhooks::CurlWebhooks(CurlOptions options, base::EventLoop& home, void* multi)
    : options_(std::move(options)), home_(home), multi_(multi) {
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(options_.kept_connections));
}

CurlWebhooks::~CurlWebhooks() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_);
  if (thread_.joinable()) {
    thread_.join();
  }
  for (const auto& [easy, transfer] : under_way_) {
    curl_multi_remove_handle(multi_, transfer->easy);
  }
  under_way_.clear();
  curl_multi_cleanup(multi_);
  curl_global_cleanup();
}

void CurlWebhooks::post(Message message, Done done) {
  auto transfer = std::make_unique<Transfer>();
  transfer->message = std::move(message);
  transfer->done = base::bring_back(home_, std::move(done));
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(transfer));
  }
  curl_multi_wakeup(multi_);
}

void CurlWebhooks::run() {
  while (take_asked()) {
    int running = 0;
    if (const CURLMcode code = curl_multi_perform(multi_, &running); code != CURLM_OK) {
      spdlog::error("webhooks: {}", curl_multi_strerror(code));
    }
    finish_some();
    if (const CURLMcode code = curl_multi_poll(multi_, nullptr, 0, kLongestSleepMs, nullptr);
        code != CURLM_OK) {
      spdlog::error("webhooks: {}", curl_multi_strerror(code));
    }
  }
}

// False: it is to stop.
bool CurlWebhooks::take_asked() {
  std::vector<TransferPtr> asked;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) {
      return false;
    }
    asked.swap(asked_);
  }
  for (TransferPtr& transfer : asked) {
    begin(std::move(transfer));
  }
  return true;
}

void CurlWebhooks::begin(TransferPtr transfer) {
  if (!transfer->prepare(options_) || curl_multi_add_handle(multi_, transfer->easy) != CURLM_OK) {
    transfer->done(Error{ErrorCode::kUnavailable, "libcurl takes no further message"});
    return;
  }
  const void* const easy = transfer->easy;
  under_way_.emplace(easy, std::move(transfer));
}

void CurlWebhooks::finish_some() {
  int left = 0;
  while (const CURLMsg* const told = curl_multi_info_read(multi_, &left)) {
    const auto found = told->msg == CURLMSG_DONE ? under_way_.find(told->easy_handle) : under_way_.end();
    if (found == under_way_.end()) {
      continue;
    }
    const CURLcode code = told->data.result;  // gone with the handle
    const TransferPtr transfer = std::move(found->second);
    under_way_.erase(found);
    curl_multi_remove_handle(multi_, transfer->easy);
    transfer->done(transfer->result(code));
  }
}

}  // namespace hearth::webhook
