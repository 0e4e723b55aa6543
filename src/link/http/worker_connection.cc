#include "link/http/worker_connection.h"

#include <utility>

#include "base/words.h"
#include "cluster/wire.h"

namespace hearth::link {
namespace {

// The largest answer: an output and logs at their largest flags' bounds, and what is said of them.
constexpr std::uint64_t kAnswerBytes = 256ULL * 1024 * 1024;

void add_header(std::string& head, std::string_view name, std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

std::string begin_head(http::Method method, std::string_view target, std::size_t body_bytes) {
  std::string head;
  head.reserve(320);
  head.append(http::to_string(method)).append(" ").append(target).append(" HTTP/1.1\r\nHost: worker\r\n");
  add_header(head, "Content-Length", std::to_string(body_bytes));
  return head;
}

}  // namespace

WorkerConnection::WorkerConnection(base::Reactor& reactor, base::Random& random, const Identity& identity,
                                   const http::Destination& to, WorkerConnectionEvents& events)
    : identity_(identity),
      events_(events),
      nonce_(cluster::make_nonce(random)),
      connection_(http::ClientConnection::open(reactor, to, kAnswerBytes, *this)),
      packets_(kAnswerBytes) {}

WorkerConnection::~WorkerConnection() { connection_->close(); }

void WorkerConnection::connected() {
  std::string head = begin_head(http::Method::kPost, cluster::kSessionTarget, 0);
  add_header(head, cluster::kHolderHeader, identity_.holder);
  add_header(head, cluster::kNonceHeader, nonce_);
  connection_->send(std::move(head.append("\r\n")), nullptr);
}

void WorkerConnection::greeted(const http::AnswerHead& head) {
  const std::string_view nonce = head.header(cluster::kNonceHeader).value_or("");
  const std::string_view proof = head.header(cluster::kProofHeader).value_or("");
  const cluster::SessionParts parts{nonce_, nonce, connection_->channel_binding()};
  const bool proved = head.status == 200 && cluster::is_nonce(nonce) &&
                      cluster::same_mac(proof, cluster::worker_proof(identity_.key, parts));
  if (!proved || !head.keep_alive) {
    connection_->close();
    events_.lost(*this, {base::ErrorCode::kInvalidArgument,
                         "it does not prove that it is a worker of this platform (--cluster-key)"});
    return;
  }
  session_ = cluster::session_key(identity_.key, parts);
  requests_.emplace(*session_, cluster::Direction::kRequest);
  answers_.emplace(*session_, cluster::Direction::kAnswer);
  protocol_ = base::number_of<int>(head.header(cluster::kProtocolHeader).value_or("")).value_or(1);
  see_ends(head);
  events_.ready(*this);
}

void WorkerConnection::see_ends(const http::AnswerHead& head) {
  const std::string_view seen = head.header(cluster::kEndsHeader).value_or("");
  const std::string_view proof = head.header(cluster::kEndsProofHeader).value_or("");
  const http::SocketEnds ends = connection_->ends();
  direct_ = !ends.here.empty() && seen == ends.there + " " + ends.here &&
            cluster::same_mac(proof, cluster::ends_proof(*session_, seen));
}

void WorkerConnection::request(http::Method method, std::string_view target,
                               std::shared_ptr<const std::string> body) {
  const std::string_view text = body ? std::string_view(*body) : std::string_view();
  const std::string digest = cluster::body_digest(*session_, {text});
  std::string head = begin_head(method, target, text.size());
  add_header(head, cluster::kMacHeader, requests_->next({http::to_string(method), target, digest}));
  if (!digest.empty()) {
    add_header(head, cluster::kDigestHeader, digest);
  }
  connection_->send(std::move(head.append("\r\n")), std::move(body));
}

void WorkerConnection::interim(int status) {
  if (status == 102 && session_) {
    events_.processing(*this);
  }
}

void WorkerConnection::piece(std::string_view bytes) {
  if (!session_) {
    forged();
    return;
  }
  packets_.add(bytes);
  cluster::PacketReader::State state{};
  while (!connection_->closed() &&
         (state = packets_.next(*answers_)) == cluster::PacketReader::State::kPacket) {
    events_.packet(*this, packets_.packet());
  }
  if (!connection_->closed() && state == cluster::PacketReader::State::kForged) {
    forged();
  }
}

void WorkerConnection::forged() {
  connection_->close();
  events_.lost(*this, {base::ErrorCode::kCorrupt, "an answer is not what the worker has sent"});
}

void WorkerConnection::answered(const http::AnswerHead& head, std::string&& body) {
  if (!session_) {
    greeted(head);
    return;
  }
  if (head.chunked && packets_.empty()) {
    events_.answered(*this, {head.status, {}, {}, head.keep_alive});
    return;
  }
  WorkerAnswer answer{head.status, std::string(head.header(cluster::kMetaHeader).value_or("")),
                      std::move(body), head.keep_alive};
  const std::string_view mac = head.header(cluster::kMacHeader).value_or("");
  const std::string digest = cluster::body_digest(*session_, {answer.body});
  if (!answers_->is_next(mac, {std::to_string(answer.status), answer.meta, digest})) {
    forged();
    return;
  }
  events_.answered(*this, std::move(answer));
}

void WorkerConnection::lost(const base::Error& error) { events_.lost(*this, error); }

}  // namespace hearth::link
