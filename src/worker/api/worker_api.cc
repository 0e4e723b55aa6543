#include "worker/api/worker_api.h"

#include <utility>

namespace hearth::worker {
namespace {

constexpr std::uint64_t kVersionBytes = 256 * base::kKiB;
constexpr std::uint64_t kReleaseBytes = 4 * base::kMiB;
constexpr std::chrono::milliseconds kLookForExpired = kLeaseLife / 4;

constexpr std::string_view kMalformed = "malformed";

bool is_health(const http::RequestHead& head) {
  return head.target == "/health" && head.method == http::Method::kGet;
}

}  // namespace

WorkerApi::WorkerApi(WorkerApiOptions options, model::Executor& executor, base::EventLoop& loop,
                     base::Random& random, WorkerApiActions actions)
    : options_(std::move(options)),
      executor_(executor),
      loop_(loop),
      random_(random),
      actions_(std::move(actions)) {
  arm_expiry();
}

WorkerApi::~WorkerApi() { loop_.cancel(expiry_timer_); }

http::BodyPlan WorkerApi::plan(const http::RequestHead& head) {
  if (is_health(head)) {
    return http::Buffer{0};
  }
  const auto session = sessions_.find(head.connection);
  if (session == sessions_.end()) {
    return head.target == cluster::kSessionTarget && head.method == http::Method::kPost
               ? http::BodyPlan(http::Buffer{0})
               : http::BodyPlan(http::Refuse{refuse(401, "no_session", "begin with POST /session")});
  }
  if (!authentic(*session->second, head)) {
    http::Response refusal = refuse(401, "not_authentic", "the request is not what the gateway has sent");
    refusal.close = true;
    return http::Refuse{std::move(refusal)};
  }
  if (head.target.starts_with(cluster::kVersionsTarget)) {
    return http::Buffer{kVersionBytes};
  }
  if (head.target == cluster::kCallsTarget) {
    return http::Buffer{cluster::kCallsBytes};
  }
  if (head.target == cluster::kLeasesTarget) {
    return http::Buffer{kReleaseBytes};
  }
  if (head.target == cluster::kProvisionsTarget) {
    return http::Buffer{cluster::kProvisionsBytes};
  }
  if (head.content_length.value_or(0) > options_.body_bytes) {
    const auto refusal = model::Refusal::kTooLarge;
    return http::Refuse{
        reply(*session->second, cluster::status_of(refusal), std::string(to_string(refusal)))};
  }
  return http::Buffer{options_.body_bytes};
}

// The first such request proves that the gateway has the key.
bool WorkerApi::authentic(Session& session, const http::RequestHead& head) {
  const bool is = session.requests.is_next(
      head.header(cluster::kMacHeader).value_or(""),
      {http::to_string(head.method), head.target, head.header(cluster::kDigestHeader).value_or("")});
  if (is && !std::exchange(session.proved, true)) {
    ++connections_[session.holder];
  }
  return is;
}

http::Response WorkerApi::refuse(int status, std::string_view reason, std::string_view message) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain";
  response.body[0].append(reason).append(": ").append(message).append("\n");
  response.close = status == 401;
  return response;
}

http::Response WorkerApi::reply(Session& session, int status, std::string meta, std::string body,
                                std::string more) {
  http::Response response;
  response.status = status;
  response.content_type = "application/octet-stream";
  const std::string digest = cluster::body_digest(session.key, {body, more});
  response.headers.push_back(
      {cluster::kMacHeader, session.answers.next({std::to_string(status), meta, digest})});
  response.headers.push_back({cluster::kMetaHeader, std::move(meta)});
  response.body[0] = std::move(body);
  response.body[1] = std::move(more);
  return response;
}

void WorkerApi::handle(http::Request&& request, http::Responder responder) {
  if (is_health(request.head)) {
    http::Response response;
    response.body[0] = actions_.health();
    responder.send(std::move(response));
    return;
  }
  const auto found = sessions_.find(request.head.connection);
  if (found == sessions_.end()) {
    responder.send(begin_session(request.head, responder.ends()));
    return;
  }
  const SessionPtr session = found->second;
  if (cluster::body_digest(session->key, {request.body}) !=
      request.head.header(cluster::kDigestHeader).value_or("")) {
    responder.send(refuse(401, "not_authentic", "the body is not what the gateway has sent"));
    return;
  }
  const std::string& target = request.head.target;
  int status = 404;
  if (target.starts_with(cluster::kVersionsTarget) && request.head.method == http::Method::kPut) {
    status = tell_version(request);
  } else if (target == cluster::kLeasesTarget) {
    status = release(request.body);
  } else if (target == cluster::kProvisionsTarget) {
    responder.send(provide(*session, request.body));
    return;
  } else if (target == cluster::kDrainTarget) {
    status = 202;
    if (const auto drain = std::exchange(actions_.drain, nullptr)) {
      loop_.post(drain);
    }
  } else if (target == cluster::kCallsTarget) {
    const auto calls = cluster::read_calls(request.body);
    if (calls) {
      execute_several(session, *calls, std::move(responder));
      return;
    }
    status = 400;
  } else if (const auto asked = cluster::read_instance_target(target)) {
    if (asked->ask != cluster::Ask::kTakeBack) {
      execute(session, *asked, std::move(request.body), std::move(responder));
      return;
    }
    executor_.take_back(allocation_of(*asked));
    status = 200;
  }
  responder.send(reply(*session, status, status < 300 ? std::string() : std::string(kMalformed)));
}

http::Response WorkerApi::begin_session(const http::RequestHead& head, const http::SocketEnds& ends) {
  const std::string_view holder = head.header(cluster::kHolderHeader).value_or("");
  const std::string_view theirs = head.header(cluster::kNonceHeader).value_or("");
  if (!cluster::is_name(holder) || !cluster::is_nonce(theirs)) {
    return refuse(400, "bad_session", "a session begins with Hearth-Holder and Hearth-Nonce");
  }
  const std::string ours = cluster::make_nonce(random_);
  const cluster::SessionParts parts{theirs, ours, head.channel_binding};
  const cluster::Key key = cluster::session_key(options_.key, parts);
  sessions_[head.connection] = std::make_shared<Session>(
      Session{std::string(holder), key, cluster::Seal(key, cluster::Direction::kRequest),
              cluster::Seal(key, cluster::Direction::kAnswer)});
  http::Response response;
  response.content_type = "application/octet-stream";
  response.headers.push_back({cluster::kNonceHeader, ours});
  response.headers.push_back({cluster::kProofHeader, cluster::worker_proof(options_.key, parts)});
  response.headers.push_back({cluster::kProtocolHeader, std::to_string(cluster::kProtocol)});
  const std::string seen = ends.here + " " + ends.there;
  response.headers.push_back({cluster::kEndsHeader, seen});
  response.headers.push_back({cluster::kEndsProofHeader, cluster::ends_proof(key, seen)});
  return response;
}

void WorkerApi::connection_closed(const void* connection) {
  const auto session = sessions_.extract(connection);
  if (session.empty() || !session.mapped()->proved) {
    return;
  }
  const std::string& holder = session.mapped()->holder;
  const auto count = connections_.find(holder);
  if (--count->second == 0) {
    connections_.erase(count);
    give_back(leases_.take_all_of(holder));
  }
}

int WorkerApi::tell_version(const http::Request& request) {
  const std::string_view id = std::string_view(request.head.target).substr(cluster::kVersionsTarget.size());
  auto told = cluster::read_version(id, request.body);
  if (!told) {
    return 400;
  }
  versions_.add(std::move(*told));
  return 200;
}

int WorkerApi::release(const std::string& body) {
  auto releases = cluster::read_releases(body);
  if (!releases) {
    return 400;
  }
  for (auto& [lease, kind] : *releases) {
    lease.worker_uri = options_.uri;
    leases_.ended(lease);
    executor_.release(lease, kind);
  }
  return 200;
}

http::Response WorkerApi::provide(Session& session, const std::string& body) {
  const auto told = cluster::read_provisions(body);
  if (!told || !actions_.provide) {
    return reply(session, told ? 404 : 400, std::string(kMalformed));
  }
  return reply(session, 200, {}, cluster::to_body(actions_.provide(*told)));
}

void WorkerApi::give_back(std::vector<model::Allocation> lost) {
  for (const model::Allocation& lease : lost) {
    executor_.release(lease, model::ReleaseKind::kLost);
  }
}

void WorkerApi::arm_expiry() {
  expiry_timer_ = loop_.at(loop_.now() + kLookForExpired, [this] {
    arm_expiry();
    give_back(leases_.take_expired(loop_.now()));
  });
}

}  // namespace hearth::worker
