#include "bench/load/load_client.h"

#include <string.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "bench/load/answer_text.h"
#include "bench/load/thread_clock.h"

namespace hearth::bench {
namespace {

constexpr std::size_t kBufferBytes = 256 * 1024;
constexpr std::int64_t kTickNs = 50'000'000;  // time-outs, reconnects, progress
constexpr std::int64_t kConnectNs = 5'000'000'000;
constexpr std::int64_t kLongestPauseNs = 1'000'000'000;  // between attempts to connect

void wait_for_events(int epoll_fd, std::int64_t nanoseconds, std::array<epoll_event, 256>& events,
                     int& count) {
  const std::int64_t left = std::max<std::int64_t>(nanoseconds, 0);
  timespec timeout{};
  timeout.tv_sec = left / 1'000'000'000;
  timeout.tv_nsec = left % 1'000'000'000;
  count = ::epoll_pwait2(epoll_fd, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
}

}  // namespace

LoadClient::LoadClient(const CallPlan& plan, const std::atomic<bool>& stop, ThreadPlace place)
    : plan_(plan), stop_(stop), place_(place), epoll_(::epoll_create1(EPOLL_CLOEXEC)), buffer_(kBufferBytes) {
  order_at_ = place.thread;
}

LoadCount LoadClient::run(const Stretch& stretch, CallSink* sink) {
  stretch_ = &stretch;
  sink_ = sink;
  count_ = LoadCount{};
  begun_ = 0;
  in_flight_ = 0;
  schedule_.reset();
  free_.clear();
  wanted_ = stretch.callers / place_.threads + (place_.thread < stretch.callers % place_.threads ? 1 : 0);
  allowed_ =
      stretch.max_calls / place_.threads + (place_.thread < stretch.max_calls % place_.threads ? 1 : 0);
  open_callers(wanted_);
  const ThreadTimes before = thread_times();
  start_ns_ = monotonic_ns();
  unix_offset_ms_ = unix_ms() - start_ns_ / 1'000'000;
  end_ns_ = start_ns_ + stretch.duration.count();
  if (stretch.due_ns != nullptr) {
    schedule_.emplace(start_ns_, *stretch.due_ns, place_.thread, place_.threads);
  } else if (stretch.per_second > 0) {
    schedule_.emplace(start_ns_, stretch.per_second, place_.thread, place_.threads);
  }
  next_tick_ns_ = start_ns_ + kTickNs;
  loop();
  const ThreadTimes after = thread_times();
  const auto taken = static_cast<double>(monotonic_ns() - start_ns_);
  count_.client_cpu = static_cast<double>(after.cpu_ns - before.cpu_ns) / taken;
  count_.client_wait = static_cast<double>(after.wait_ns - before.wait_ns) / taken;
  return std::move(count_);
}

// Brings as many connections up as are wanted, within a bound: those that fail go on trying in tick().
void LoadClient::open_callers(std::uint32_t count) {
  while (callers_.size() < count) {
    callers_.push_back(std::make_unique<Caller>(static_cast<std::uint32_t>(callers_.size())));
    slots_.emplace_back();
  }
  forget_closed();
  const std::int64_t deadline = monotonic_ns() + kConnectNs;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (callers_[i]->state() == Caller::State::kClosed) {
      callers_[i]->connect(plan_.address, epoll_.get(), monotonic_ns());
    }
  }
  const auto connecting = [&] {
    return std::ranges::any_of(callers_,
                               [](const auto& one) { return one->state() == Caller::State::kConnecting; });
  };
  std::array<epoll_event, 256> events{};
  while (connecting() && monotonic_ns() < deadline && !stop_) {
    int ready = 0;
    wait_for_events(epoll_.get(), kTickNs, events, ready);
    for (int i = 0; i < ready; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      callers_[event.data.u32]->ready(event.events, buffer_.data(), buffer_.size());
    }
  }
}

// Connections that the server has closed since the last run.
void LoadClient::forget_closed() {
  std::array<epoll_event, 256> events{};
  int ready = 0;
  do {
    wait_for_events(epoll_.get(), 0, events, ready);
    for (int i = 0; i < ready; ++i) {
      const auto& event = events[static_cast<std::size_t>(i)];
      callers_[event.data.u32]->ready(event.events, buffer_.data(), buffer_.size());
    }
  } while (ready == static_cast<int>(events.size()));
}

void LoadClient::loop() {
  std::int64_t now_ns = start_ns_;
  for (std::uint32_t i = 0; i < wanted_; ++i) {
    if (callers_[i]->state() == Caller::State::kIdle) {
      on_free(*callers_[i], now_ns);
    } else if (callers_[i]->state() == Caller::State::kClosed && !callers_[i]->reason().empty()) {
      on_failure(*callers_[i], callers_[i]->reason(), now_ns);
    }
  }
  while (!finished(now_ns)) {
    wait_and_handle(now_ns);
    now_ns = monotonic_ns();
    send_due(now_ns);
    if (now_ns >= next_tick_ns_) {
      tick(now_ns);
    }
  }
  count_overdue();
  const std::int64_t bound_ns = stop_ || allowed_ > 0 ? std::min(now_ns, end_ns_) : end_ns_;
  count_.seconds = static_cast<double>(bound_ns - start_ns_) / 1e9;
  abandon();
}

bool LoadClient::finished(std::int64_t now_ns) const {
  const bool no_more = now_ns >= end_ns_ || (stretch_->max_calls > 0 && begun_ >= allowed_);
  return stop_ || (no_more && in_flight_ == 0);
}

std::int64_t LoadClient::wake_at(std::int64_t now_ns) const {
  std::int64_t at_ns = next_tick_ns_;
  if (schedule_ && !free_.empty() && may_begin(now_ns)) {
    at_ns = std::min(at_ns, schedule_->next_ns());
  }
  return now_ns < end_ns_ ? std::min(at_ns, end_ns_) : at_ns;
}

void LoadClient::wait_and_handle(std::int64_t now_ns) {
  std::array<epoll_event, 256> events;
  int ready = 0;
  wait_for_events(epoll_.get(), wake_at(now_ns) - now_ns, events, ready);
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    Caller& caller = *callers_[event.data.u32];
    const auto outcome = caller.ready(event.events, buffer_.data(), buffer_.size());
    if (outcome != Caller::Event::kNone) {
      handle(caller, outcome, monotonic_ns());
    }
  }
}

void LoadClient::handle(Caller& caller, Caller::Event event, std::int64_t now_ns) {
  switch (event) {
    case Caller::Event::kNone:
      break;
    case Caller::Event::kConnected:
      on_free(caller, now_ns);
      break;
    case Caller::Event::kAnswered:
      --in_flight_;
      on_answer(caller, now_ns);
      break;
    case Caller::Event::kFailed:
      on_failure(caller, caller.reason(), now_ns);
      break;
  }
}

// Without the calls that the end cuts, a rate would be too low by up to a call of every caller; with all of
// them whole, too high.
double LoadClient::share_in_time(std::int64_t sent_ns, std::int64_t now_ns) const {
  if (now_ns <= end_ns_) {
    return 1;
  }
  return sent_ns >= end_ns_ ? 0
                            : static_cast<double>(end_ns_ - sent_ns) / static_cast<double>(now_ns - sent_ns);
}

void LoadClient::on_answer(Caller& caller, std::int64_t now_ns) {
  const ResponseScanner& answer = caller.answer();
  FinishedCall call;
  call.status = answer.status();
  call.latency_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns - caller.begin_ns(), 0));
  std::string reason;
  if (answer.status() >= 200 && answer.status() < 300) {
    ++count_.calls;
    count_.latency.record(call.latency_ns);
    const double share = share_in_time(caller.since_ns(), now_ns);
    count_.calls_in_time += share;
    count_.body_bytes += share * static_cast<double>(answer.body_bytes() + plan_.request_body_bytes);
    if (plan_.tells_start) {
      call.start = start_in(answer.body_end());
      count_.cold += call.start == Start::kCold ? 1 : 0;
    }
  } else {
    reason = reason_in(answer.status(), answer.body_begin());
    ++count_.errors;
    ++count_.errors_by_reason[reason];
  }
  slots_[caller.index()].busy = false;
  if (sink_ != nullptr) {
    call.reason = reason;
    call.instance = answer.instance();
    call.body_begin = answer.body_begin();
    call.body_end = answer.body_end();
    tell(caller, call);
  }
  if (caller.state() == Caller::State::kIdle) {
    on_free(caller, now_ns);
  } else if (may_begin(now_ns)) {
    caller.connect(plan_.address, epoll_.get(), now_ns);
  }
}

// Of a call, or of a connection that was to carry one. tick() connects again, after a growing pause.
void LoadClient::on_failure(Caller& caller, std::string_view reason, std::int64_t now_ns) {
  Slot& slot = slots_[caller.index()];
  ++count_.errors;
  ++count_.errors_by_reason[std::string(reason)];
  slot.pause_ns = std::clamp(slot.pause_ns * 2, kTickNs, kLongestPauseNs);
  slot.retry_ns = now_ns + slot.pause_ns;
  if (!slot.busy) {
    return;
  }
  slot.busy = false;
  --in_flight_;
  if (sink_ != nullptr) {
    FinishedCall call;
    call.latency_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(now_ns - caller.begin_ns(), 0));
    call.reason = reason;
    tell(caller, call);
  }
}

void LoadClient::tell(const Caller& caller, FinishedCall& call) {
  call.request = slots_[caller.index()].request;
  call.begin_unix_ms = caller.begin_ns() / 1'000'000 + unix_offset_ms_;
  sink_->on_call(call);
}

bool LoadClient::may_begin(std::int64_t now_ns) const {
  return now_ns < end_ns_ && !stop_ && (stretch_->max_calls == 0 || begun_ < allowed_);
}

// The connection has nothing to do.
void LoadClient::on_free(Caller& caller, std::int64_t now_ns) {
  slots_[caller.index()].pause_ns = 0;
  if (!may_begin(now_ns)) {
    return;
  }
  if (!schedule_) {
    begin_call(caller, now_ns, now_ns);
  } else if (schedule_->next_ns() <= now_ns) {
    begin_call(caller, schedule_->take(), now_ns);  // it has waited for a connection
  } else {
    free_.push_back(caller.index());
  }
}

void LoadClient::send_due(std::int64_t now_ns) {
  while (schedule_ && !free_.empty() && schedule_->next_ns() <= now_ns && may_begin(now_ns)) {
    Caller& caller = *callers_[free_.back()];
    free_.pop_back();
    if (caller.state() == Caller::State::kIdle) {
      count_.lag_ns = std::max(count_.lag_ns, static_cast<std::uint64_t>(now_ns - schedule_->next_ns()));
      begin_call(caller, schedule_->take(), now_ns);
    }
  }
}

void LoadClient::begin_call(Caller& caller, std::int64_t begin_ns, std::int64_t now_ns) {
  Slot& slot = slots_[caller.index()];
  slot.request = plan_.order.empty() ? 0 : plan_.order[order_at_ % plan_.order.size()];
  slot.busy = true;
  order_at_ += place_.threads;
  ++begun_;
  ++in_flight_;
  if (caller.call(plan_.requests[slot.request], begin_ns, now_ns) == Caller::Event::kFailed) {
    on_failure(caller, caller.reason(), now_ns);
  }
}

void LoadClient::tick(std::int64_t now_ns) {
  next_tick_ns_ = now_ns + kTickNs;
  for (std::uint32_t i = 0; i < wanted_; ++i) {
    Caller& caller = *callers_[i];
    const std::int64_t waited_ns = now_ns - caller.since_ns();
    if (caller.in_flight() && waited_ns > plan_.call_timeout.count()) {
      caller.close();
      on_failure(caller, "no answer in time", now_ns);
    } else if (caller.state() == Caller::State::kConnecting && waited_ns > kConnectNs) {
      caller.close();
      on_failure(caller, "connection timed out", now_ns);
    } else if (caller.state() == Caller::State::kClosed && now_ns >= slots_[i].retry_ns &&
               may_begin(now_ns)) {
      if (!caller.connect(plan_.address, epoll_.get(), now_ns)) {
        on_failure(caller, caller.reason(), now_ns);
      }
    }
  }
  if (stretch_->on_tick && place_.thread == 0) {
    stretch_->on_tick(count_.calls, static_cast<double>(now_ns - start_ns_) / 1e9);
  }
}

// Calls that were due and found no free connection before the end: leaving them out would flatter a
// server that was too slow for the rate.
void LoadClient::count_overdue() {
  if (!schedule_ || stop_) {
    return;
  }
  std::uint64_t overdue = 0;
  while (schedule_->next_ns() < end_ns_ && (stretch_->max_calls == 0 || begun_ + overdue < allowed_)) {
    schedule_->take();
    ++overdue;
  }
  if (overdue > 0) {
    count_.errors += overdue;
    count_.errors_by_reason["not sent: no connection was free"] += overdue;
  }
}

// After Ctrl-C: what is in flight has no end.
void LoadClient::abandon() {
  for (std::uint32_t i = 0; i < callers_.size(); ++i) {
    if (callers_[i]->in_flight() || callers_[i]->state() == Caller::State::kConnecting) {
      callers_[i]->close();
    }
    slots_[i] = Slot{};
  }
}

}  // namespace hearth::bench
