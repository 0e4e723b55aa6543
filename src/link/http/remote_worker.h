// One worker on another host, as a gateway speaks to it: a pool of connections, each with one request at a
// time. Small calls of one turn of the loop go in one request, and are answered as each of them ends.
//
// A call that is not admitted in time, or whose connection is closed before it was, is refused with
// kNoAnswer: nothing has been executed, because the worker executes only for who still listens, and its host
// has said that it knows of our end. The worker is then left alone for a while, and what it had offered is
// given back to it when it answers again. What breaks afterwards ends the call as kWorkerLost, and so do a
// silence of the whole host and a reset in the call's midst: the admission may be what was lost. Loop thread
// only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/blocking_pool.h"
#include "base/random.h"
#include "base/reactor.h"
#include "cluster/wire.h"
#include "http/endpoint.h"
#include "link/http/host_address.h"
#include "link/http/worker_connection.h"
#include "link/link.h"

namespace hearth::link {

// How long a worker has to admit a call that it was sent; and before, as long each to be connected to and to
// be told of a version. From kLastCall on the worker learns that it is too late, and for kLastWord an
// admission that was on its way then is still heard: given up without that, a call might be executed here and
// elsewhere. One that a stopped worker had given to its kernel goes out by itself after 200 ms, and its
// kernel confirms our end after 40 ms.
inline constexpr std::chrono::milliseconds kAdmission{250};
inline constexpr std::chrono::milliseconds kLastCall{190};
inline constexpr std::chrono::milliseconds kLastWord{60};
// More for a large body: what the slowest way between hosts carries.
inline constexpr std::uint64_t kBodyBytesPerMs = 10'000;
// For this long a worker that did not answer is not asked; twice as long each time, up to the second.
inline constexpr std::chrono::milliseconds kShortestPause{250};
inline constexpr std::chrono::milliseconds kLongestPause{2'000};
// Of one gateway to one worker.
inline constexpr std::size_t kConnectionsMost = 2'048;
// What a worker may take beyond the version's time-out, for a start and what it waits for.
inline constexpr std::chrono::seconds kAnswerSlack{60};

struct LinkParts {
  base::Reactor& reactor;
  base::BlockingPool& pool;  // names are looked up on it
  base::Random& random;
  Identity identity;
  bool tls_only = false;  // --link-tls
};

class RemoteWorker final : private WorkerConnectionEvents {
 public:
  using Drained = std::function<void(base::Result<void>)>;
  using Provided = std::function<void(base::Result<std::string>)>;

  // `parts` outlive it; no event of it comes after. Null `tls`: plain.
  RemoteWorker(LinkParts& parts, std::string uri, http::HostPort address, http::TlsContextPtr tls);
  RemoteWorker(const RemoteWorker&) = delete;
  RemoteWorker& operator=(const RemoteWorker&) = delete;
  ~RemoteWorker() override;

  void execute(cluster::Ask ask, const model::Allocation& allocation, model::ExecuteRequest request,
               std::shared_ptr<model::ExecutionObserver> observer);
  void take_back(const model::Allocation& running);
  void release(const model::Allocation& lease, model::ReleaseKind kind);
  // Asks it to finish what it has and to end. kTimeout: it does not answer; it may have heard all the same.
  void drain(Drained done);

  // Says what instances it is to keep started (cluster/provisions.h); its answer. kTimeout as above, or it
  // knows of no such thing.
  void provide(std::string body, Provided done);

  // Nothing is under way, and nothing has been for so long.
  bool unused_for(base::Duration duration) const;

 private:
  enum class Kind { kExecute, kSeveral, kTell, kRelease, kTakeBack, kDrain, kProvide };
  struct Call {
    cluster::Ask ask = cluster::Ask::kExecute;
    model::Allocation allocation;
    model::ExecuteRequest request;                       // `latest`: when the answer is given up
    std::shared_ptr<model::ExecutionObserver> observer;  // null once it has ended
    bool told_again = false;                             // the worker had forgotten the version
  };
  // A request and what becomes of it.
  struct Exchange {
    Kind kind = Kind::kExecute;
    std::vector<Call> calls;                  // of kSeveral; one of kExecute and kTell
    model::Allocation allocation;             // of kTakeBack
    std::shared_ptr<const std::string> body;  // of kRelease and kProvide
    Drained drained;                          // of kDrain
    Provided provided;                        // of kProvide
    base::TimePoint began{};
    base::Duration patience{};  // until it must be admitted, or answered if it is no call
    bool sent = false;
    bool admitted = false;
    bool uncertain = false;  // it may have been admitted, and the worker's word of it lost
    std::optional<base::TimePoint> half_closed;  // since when
  };
  struct Held {
    std::unique_ptr<WorkerConnection> connection;
    std::optional<Exchange> exchange;
  };
  using Connections = std::unordered_map<WorkerConnection*, Held>;

  void ready(WorkerConnection& connection) override;
  void processing(WorkerConnection& connection) override;
  void packet(WorkerConnection& connection, std::string_view packet) override;
  void answered(WorkerConnection& connection, WorkerAnswer&& answer) override;
  void lost(WorkerConnection& connection, const base::Error& error) override;

  void gather(Call call);
  void ask_gathered();
  void ask_alone(Kind kind, Call call);
  void ask_together(std::vector<Call> calls);
  std::string target_of(const Call& call) const;
  std::shared_ptr<const std::string> body_of_several(const std::vector<Call>& calls) const;
  void begin(Exchange exchange);
  void send(Held& held);
  void connect(Exchange exchange);
  void connect_to(const base::Result<http::SocketAddress>& address, Exchange exchange);
  void executed(Call call, WorkerAnswer&& answer);
  void free(WorkerConnection& connection, bool reusable);
  std::optional<Exchange> let_go(WorkerConnection& connection);
  void failed(Exchange exchange);
  void not_admitted(Call call);
  void not_reached(const std::string& why);
  void drop_idle();
  void reached();
  void owe(const model::Allocation& allocation);
  void flush_releases();
  void arm_tick();
  void tick();
  bool look_at(Held& held, base::TimePoint now);

  LinkParts& parts_;
  const std::string uri_;
  HostAddress address_;
  const http::TlsContextPtr tls_;
  std::vector<Exchange> unconnected_;  // until the name has been looked up
  Connections connections_;
  std::vector<WorkerConnection*> idle_;        // the last used at the end
  int protocol_ = 1;                           // that the worker understands, as far as we know
  std::vector<Call> gathered_;                 // in this turn of the loop
  std::unordered_set<model::VersionId> told_;  // the worker knows them, as far as we know
  std::string releases_;                       // to be sent
  bool flush_posted_ = false;
  std::vector<model::Allocation> owed_;  // offered by the worker, and not used because it did not answer
  base::TimePoint paused_until_{};
  std::chrono::milliseconds pause_{0};  // of the last pause; 0: it answers
  bool probing_ = false;                // a call is under way that finds out whether it answers
  base::TimePoint last_used_{};
  base::TimerId tick_timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace hearth::link
