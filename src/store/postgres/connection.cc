#include "store/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

namespace hearth::store::postgres {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kUniqueViolation = "23505";

int milliseconds_until(steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

// libpq ends its messages with a line break, and some have several lines.
std::string first_line(const char* message) {
  const std::string_view text = message;
  return std::string(text.substr(0, text.find('\n')));
}

// For what nobody answers for: "was not reachable".
base::Error unavailable(std::string message) {
  return {base::ErrorCode::kUnavailable, "the store (PostgreSQL): " + std::move(message)};
}

void ignore_notice(void* /*unused*/, const PGresult* /*notice*/) {}

base::Error refused(const PGresult* result) {
  const char* field = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message = field == nullptr ? first_line(PQresultErrorMessage(result)) : field;
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state != nullptr && state == kUniqueViolation) {
    const char* constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    return {base::ErrorCode::kAlreadyExists, (constraint == nullptr ? "" : constraint) + (": " + message)};
  }
  return {base::ErrorCode::kIo, "the store (PostgreSQL) refused: " + message};
}

bool is_good(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

using Options = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

}  // namespace

void Rows::clear(pg_result* result) { PQclear(result); }

int Rows::count() const { return PQntuples(result_.get()); }

std::string Rows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}

std::int64_t Rows::number(int row, int column) const {
  return std::strtoll(PQgetvalue(result_.get(), row, column), nullptr, 10);
}

std::string Rows::bytes(int row, int column) const {
  std::size_t size = 0;
  const std::unique_ptr<unsigned char, decltype(&PQfreemem)> plain(
      PQunescapeBytea(reinterpret_cast<const unsigned char*>(PQgetvalue(result_.get(), row, column)), &size),
      &PQfreemem);
  return plain ? std::string(reinterpret_cast<const char*>(plain.get()), size) : std::string();
}

std::int64_t Rows::changed() const { return std::strtoll(PQcmdTuples(result_.get()), nullptr, 10); }

void Connection::finish(pg_conn* connection) { PQfinish(connection); }

base::Result<std::unique_ptr<Connection>> Connection::connect(const std::string& url,
                                                              const Timeouts& timeouts) {
  const std::array<const char*, 5> names = {"dbname", "application_name", "client_encoding",
                                            "tcp_user_timeout", nullptr};
  const std::string unanswered = std::to_string(timeouts.statement.count());
  const std::array<const char*, 5> values = {url.c_str(), "hearth", "UTF8", unanswered.c_str(), nullptr};
  std::unique_ptr<Connection> made(
      new Connection(PQconnectStartParams(names.data(), values.data(), /*expand_dbname=*/1), timeouts));
  if (auto connected = made->finish_connecting(steady_clock::now() + timeouts.connect); !connected) {
    return connected.error();
  }
  made->made_at_ = steady_clock::now();
  PQsetNoticeReceiver(made->connection_.get(), &ignore_notice, nullptr);
  if (PQsetnonblocking(made->connection_.get(), 1) != 0) {
    return made->lost("connect");
  }
  return made;
}

base::Result<void> Connection::finish_connecting(Deadline deadline) {
  if (PQstatus(connection_.get()) == CONNECTION_BAD) {
    return lost("connect");
  }
  for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;) {
    const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    if (auto ready = wait_for(events, deadline); !ready) {
      return ready;
    }
    next = PQconnectPoll(connection_.get());
    if (next == PGRES_POLLING_FAILED) {
      return lost("connect");
    }
  }
  return {};
}

base::Error Connection::lost(std::string_view what) {
  broken_ = true;
  const std::string message = connection_ ? first_line(PQerrorMessage(connection_.get())) : "no memory";
  return unavailable(std::string(what) + ": " + (message.empty() ? "the connection was lost" : message));
}

base::Result<void> Connection::wait_for(short events, Deadline deadline) {
  pollfd look{PQsocket(connection_.get()), events, 0};
  for (;;) {
    const int ready = ::poll(&look, 1, milliseconds_until(deadline));
    if (ready > 0) {
      return {};
    }
    if (ready == 0) {
      broken_ = true;  // what it would still answer, nobody waits for
      return unavailable("no answer in time (--store-timeout)");
    }
    if (errno != EINTR) {
      broken_ = true;
      return base::io_error("poll", errno);
    }
  }
}

base::Result<void> Connection::flush(Deadline deadline) {
  for (;;) {
    const int left = PQflush(connection_.get());
    if (left == 0) {
      return {};
    }
    if (left < 0) {
      return lost("send");
    }
    if (auto ready = wait_for(POLLIN | POLLOUT, deadline); !ready) {
      return ready;
    }
    // A server that sends while we do must be read, or both wait.
    if (PQconsumeInput(connection_.get()) == 0) {
      return lost("read");
    }
  }
}

// The last result of what was sent; an error if any of them is one.
base::Result<Rows> Connection::await_answer(Deadline deadline) {
  if (auto flushed = flush(deadline); !flushed) {
    return flushed.error();
  }
  std::unique_ptr<PGresult, decltype(&PQclear)> last(nullptr, &PQclear);
  for (;;) {
    while (PQisBusy(connection_.get()) != 0) {
      if (auto ready = wait_for(POLLIN, deadline); !ready) {
        return ready.error();
      }
      if (PQconsumeInput(connection_.get()) == 0) {
        return lost("read");
      }
    }
    PGresult* result = PQgetResult(connection_.get());
    if (result == nullptr) {
      break;
    }
    if (!last || is_good(last.get())) {
      last.reset(result);
    } else {
      PQclear(result);
    }
  }
  if (PQstatus(connection_.get()) == CONNECTION_BAD || !last) {
    return lost("answer");
  }
  if (!is_good(last.get())) {
    return refused(last.get());
  }
  return Rows(last.release());
}

base::Result<void> Connection::prepare(const Statement& statement, Deadline deadline) {
  if (prepared_.contains(statement.name)) {
    return {};
  }
  if (PQsendPrepare(connection_.get(), statement.name, statement.sql, 0, nullptr) == 0) {
    return lost("send");
  }
  if (auto answer = await_answer(deadline); !answer) {
    return answer.error();
  }
  prepared_.insert(statement.name);
  return {};
}

base::Result<Rows> Connection::run(const Statement& statement, const std::vector<Parameter>& parameters) {
  for (const Parameter& parameter : parameters) {
    if (!parameter.is_binary() && parameter.value().find('\0') != std::string::npos) {
      return base::Error{base::ErrorCode::kInvalidArgument, "a text for the store holds a NUL character"};
    }
  }
  const Deadline deadline = steady_clock::now() + timeouts_.statement;
  if (auto prepared = prepare(statement, deadline); !prepared) {
    return prepared.error();
  }
  std::vector<const char*> values;
  std::vector<int> sizes;
  std::vector<int> formats;
  values.reserve(parameters.size());
  sizes.reserve(parameters.size());
  formats.reserve(parameters.size());
  for (const Parameter& parameter : parameters) {
    values.push_back(parameter.is_null() ? nullptr : parameter.value().c_str());
    sizes.push_back(static_cast<int>(parameter.value().size()));
    formats.push_back(parameter.is_binary() ? 1 : 0);
  }
  if (PQsendQueryPrepared(connection_.get(), statement.name, static_cast<int>(parameters.size()),
                          values.data(), sizes.data(), formats.data(), /*resultFormat=*/0) == 0) {
    return lost("send");
  }
  return await_answer(deadline);
}

base::Result<Rows> Connection::run_text(const std::string& sql) {
  if (PQsendQuery(connection_.get(), sql.c_str()) == 0) {
    return lost("send");
  }
  return await_answer(steady_clock::now() + timeouts_.statement);
}

int Connection::socket() const { return PQsocket(connection_.get()); }

std::string Connection::host() const {
  const Options options(PQconninfo(connection_.get()), &PQconninfoFree);
  std::string host;
  for (const PQconninfoOption* each = options.get(); each != nullptr && each->keyword != nullptr; ++each) {
    const bool given = each->val != nullptr && *each->val != '\0';
    const std::string_view name = each->keyword;
    if (given && (name == "hostaddr" || (name == "host" && host.empty()))) {
      host = each->val;
    }
  }
  return host;
}

std::string Connection::port() const { return PQport(connection_.get()); }

bool Connection::broken() const { return broken_ || PQstatus(connection_.get()) == CONNECTION_BAD; }

bool Connection::closed_meanwhile() {
  pollfd look{PQsocket(connection_.get()), POLLIN, 0};
  // Between statements the server says nothing but why it ends, and then it does.
  while (!broken() && ::poll(&look, 1, 0) > 0) {
    broken_ = PQconsumeInput(connection_.get()) == 0;
  }
  return broken();
}

base::Result<bool> Connection::wait_for_notification(std::chrono::milliseconds timeout, int wake) {
  const Deadline deadline = steady_clock::now() + timeout;
  bool notified = false;
  for (;;) {
    if (PQconsumeInput(connection_.get()) == 0) {
      return lost("read");
    }
    while (PGnotify* notification = PQnotifies(connection_.get())) {
      PQfreemem(notification);
      notified = true;
    }
    const int left = milliseconds_until(deadline);
    if (notified || left == 0) {
      return notified;
    }
    std::array<pollfd, 2> looks = {pollfd{PQsocket(connection_.get()), POLLIN, 0}, pollfd{wake, POLLIN, 0}};
    if (::poll(looks.data(), looks.size(), left) < 0 && errno != EINTR) {
      return base::io_error("poll", errno);
    }
    if (looks[1].revents != 0) {
      return false;
    }
  }
}

std::string check_url(const std::string& url) {
  char* message = nullptr;
  const Options options(PQconninfoParse(url.c_str(), &message), &PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> held(message, &PQfreemem);
  return options ? std::string() : first_line(message == nullptr ? "no memory" : message);
}

std::string without_password(const std::string& url) {
  std::string shown = url;
  const std::size_t scheme = shown.find("://");
  const std::size_t begin = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t at = shown.rfind('@', shown.find('?', begin));  // an unescaped one in a password too
  const std::size_t colon = shown.find(':', begin);
  if (at != std::string::npos && colon < at) {
    shown.replace(colon, at - colon, ":…");
  }
  if (const std::size_t parameter = shown.find("password="); parameter != std::string::npos) {
    const std::size_t value = parameter + std::string_view("password=").size();
    shown.replace(value, std::min(shown.find('&', value), shown.size()) - value, "…");
  }
  return shown;
}

}  // namespace hearth::store::postgres
