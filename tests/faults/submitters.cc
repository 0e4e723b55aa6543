#include "tests/faults/submitters.h"

#include <fmt/format.h>

#include "tests/support/hearth_server.h"

namespace hearth::test {

using std::chrono::milliseconds;

Submitters::Submitters(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.count; ++i) {
    threads_.emplace_back([this, i] { submit(i); });
  }
}

void Submitters::stop() {
  done_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

std::size_t Submitters::accepted() const {
  const std::lock_guard lock(mutex_);
  return history_.known().size();
}

std::map<std::string, std::size_t> Submitters::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

void Submitters::submit(int submitter) {
  const std::shared_ptr<void> held = options_.enter();
  const std::string target = "/functions/" + options_.function + "/invoke?mode=async";
  const std::string more(options_.more_bytes, 'm');
  std::uint64_t count = 0;
  while (!done_) {
    const auto client = options_.connect(submitter);
    for (bool connected = true; connected && !done_;) {
      const std::string nonce = fmt::format("{}-{}", submitter, ++count);
      {
        const std::lock_guard lock(mutex_);
        history_.asked(nonce);
      }
      const auto reply = client->request(http::Method::kPost, target,
                                         fmt::format(R"({{"nonce":"{}","more":"{}"}})", nonce, more));
      note(reply, nonce);
      connected = reply.ok();
      std::this_thread::sleep_for(options_.pause);
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void Submitters::note(const base::Result<http::ClientResponse>& reply, const std::string& nonce) {
  const Reply told = reply ? Reply{reply->status, reply->body, {}} : Reply{};
  const std::lock_guard lock(mutex_);
  if (told.status == 202) {
    history_.accepted(std::string(told.json().at("executionId").as_string()), nonce);
  } else {
    ++refusals_[fmt::format("{} {}", told.status, told.error_code())];
  }
}

}  // namespace hearth::test
