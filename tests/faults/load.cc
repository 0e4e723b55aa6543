#include "tests/faults/load.h"

#include <algorithm>
#include <map>

#include "http/client.h"
#include "tests/support/hearth_server.h"

namespace hearth::faults {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Longer than anything that the platform may take for a call.
constexpr seconds kAnswerBound{20};

std::string output_of(const test::Reply& reply) {
  const auto json = reply.json();
  const auto* const object = json.if_object();
  const auto* const output = object == nullptr ? nullptr : object->if_contains("output");
  return output != nullptr && output->is_string() ? std::string(output->as_string()) : std::string();
}

// Of an answer to that word.
void write_down(CallRecord& record, const test::Reply& reply, const std::string& word) {
  record.status = reply.status;
  if (reply.status != 200) {
    record.detail = reply.body.substr(0, reply.body.find('}'));  // what is not of this call alone
    return;
  }
  const std::string output = output_of(reply);
  record.foreign = output != word && !output.starts_with(word + " ");
  record.output = output.substr(std::min(output.size(), word.size() + 1));
}

}  // namespace

Load::Load(const Network& network, Options options) : network_(network), options_(std::move(options)) {
  for (int caller = 0; caller < options_.callers; ++caller) {
    threads_.emplace_back([this, caller] { call_on(static_cast<std::size_t>(caller)); });
  }
}

Load::~Load() { stop(); }

void Load::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void Load::call_on(std::size_t caller) {
  const Network::Inside client(network_, "client");
  const Target& gateway = options_.gateways[caller % options_.gateways.size()];
  http::Client connection(gateway.endpoint, kAnswerBound);
  for (std::size_t i = 0; !stopping_; ++i) {
    const std::string nonce = std::to_string(caller) + "-" + std::to_string(i);
    CallRecord record;
    record.gateway = gateway.host;
    record.function = options_.function;
    record.began = Clock::now();
    auto response = connection.request(http::Method::kPost, "/functions/" + options_.function + "/invoke",
                                       "\"" + nonce + "\"");
    record.ended = Clock::now();
    if (response) {
      write_down(record, {response->status, std::move(response->body), {}}, nonce);
    } else {
      record.detail = response.error().message;
    }
    const bool failed = record.status == 0;
    {
      const std::lock_guard lock(mutex_);
      records_.push_back(std::move(record));
    }
    // Nobody calls a gateway that refuses without a moment's pause.
    std::this_thread::sleep_for(failed ? std::max(options_.pause, milliseconds(5)) : options_.pause);
  }
}

std::vector<CallRecord> Load::records() const {
  const std::lock_guard lock(mutex_);
  return records_;
}

bool Load::wait_for_success(std::size_t count, milliseconds bound) const {
  const auto from = Clock::now();
  return test::eventually(
      [&] {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::ranges::count_if(records_, [&](const CallRecord& record) {
                 return record.status == 200 && record.began >= from;
               })) >= count;
      },
      bound);
}

std::size_t count_may_have_executed(const std::vector<CallRecord>& records) {
  return static_cast<std::size_t>(std::ranges::count_if(
      records, [](const CallRecord& record) { return may_have_executed(record.status); }));
}

std::size_t count_foreign(const std::vector<CallRecord>& records) {
  return static_cast<std::size_t>(std::ranges::count_if(records, &CallRecord::foreign));
}

std::size_t count_failed(const std::vector<CallRecord>& records, Clock::time_point from) {
  return static_cast<std::size_t>(std::ranges::count_if(
      records, [from](const CallRecord& record) { return record.ended >= from && record.status != 200; }));
}

std::string failures(const std::vector<CallRecord>& records, Clock::time_point from) {
  std::map<std::string, std::pair<int, std::string>> kinds;
  for (const CallRecord& record : records) {
    if (record.ended < from || record.status == 200) {
      continue;
    }
    auto& [count, when] = kinds[record.gateway + " " + std::to_string(record.status) + " " + record.detail];
    ++count;
    if (count <= 5) {
      when += " " + std::to_string(std::chrono::duration_cast<milliseconds>(record.began - from).count());
    }
  }
  std::string text;
  for (const auto& [kind, of] : kinds) {
    text += std::to_string(of.first) + " x " + kind + " at ms" + of.second + "\n";
  }
  return text;
}

}  // namespace hearth::faults
